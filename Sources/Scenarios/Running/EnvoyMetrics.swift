// SPDX-License-Identifier: Apache-2.0

import EnvoyControl
import JSON

/// The metrics that filters have defined, as Envoy's admin interface shows them.
struct EnvoyMetrics: Sendable {
    let admin: EnvoyAdmin

    private static let prefix = "wasmcustom."

    /// The values of counters and gauges, and how many samples histograms have, by name without "wasmcustom.".
    /// - Returns: nil if Envoy does not show them.
    func values() async -> [String: Int]? {
        var request = ScenarioRequest(
            path: "/stats?format=json&histogram_buckets=cumulative&filter=%5Ewasmcustom%5C.")
        request.headers = [("host", admin.address.description)]
        let client = ScenarioClient(port: admin.address.port)
        guard case .response(let response) = await client.send(request, within: .seconds(10)),
            response.status == 200, let answer = try? JSONValue(parsing: response.body)
        else { return nil }
        var values: [String: Int] = [:]
        for statistic in answer.object?["stats"]?.array ?? [] {
            if let name = statistic.object?["name"]?.string,
                case .number(let value)? = statistic.object?["value"]
            {
                values[String(name.dropFirst(Self.prefix.count))] = value.int ?? .max
            }
            for histogram in statistic.object?["histograms"]?.array ?? [] {
                guard let name = histogram.object?["name"]?.string else { continue }
                var samples = 0
                if case .number(let count)? = histogram.object?["buckets"]?.array?.last?.object?[
                    "cumulative"]
                {
                    samples = count.int ?? .max
                }
                values[String(name.dropFirst(Self.prefix.count))] = samples
            }
        }
        return values
    }
}
