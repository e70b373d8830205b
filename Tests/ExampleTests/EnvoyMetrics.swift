// SPDX-License-Identifier: Apache-2.0

import Scenarios
import EnvoyControl
import Foundation

/// The metrics that filters have defined, as Envoy's admin interface shows them.
struct EnvoyMetrics {
    private let port: Int

    init(_ admin: EnvoyAdmin) {
        port = Int(admin.address.port)
    }

    private struct Answer: Decodable {
        struct Bucket: Decodable {
            let cumulative: Int
        }

        struct Histogram: Decodable {
            let name: String
            let buckets: [Bucket]
        }

        struct Statistic: Decodable {
            let name: String?
            let value: Int?
            let histograms: [Histogram]?
        }

        let stats: [Statistic]
    }

    /// The values of counters and gauges, and how many samples histograms have, by name without "wasmcustom.".
    func values() async throws -> [String: Int] {
        let prefix = "wasmcustom."
        let request = ScenarioRequest(
            path: "/stats?format=json&histogram_buckets=cumulative&filter=%5Ewasmcustom%5C.")
        guard let response = try await ScenarioClient.send(request, to: port), response.status == 200 else {
            throw ScenarioTimeout(description: "envoy's admin interface shows no metrics")
        }
        let answer = try JSONDecoder().decode(Answer.self, from: Data(response.body.utf8))
        var values: [String: Int] = [:]
        for statistic in answer.stats {
            if let name = statistic.name, let value = statistic.value {
                values[String(name.dropFirst(prefix.count))] = value
            }
            for histogram in statistic.histograms ?? [] {
                values[String(histogram.name.dropFirst(prefix.count))] =
                    histogram.buckets.last?.cumulative ?? 0
            }
        }
        return values
    }
}
