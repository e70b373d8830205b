// SPDX-License-Identifier: Apache-2.0

private import Foundation

/// Some of Envoy's statistics at one moment.
package struct EnvoyReadings: Hashable, Sendable {
    /// Counters and gauges by name.
    package var numbers: [String: UInt64] = [:]
    /// Text readouts by name.
    package var texts: [String: String] = [:]
}

/// What a running Envoy has been given last for one name of extension configuration discovery.
///
/// That it has been given it does not mean that it took it: what it has refused is shown in the same way.
package struct ReceivedResource: Hashable, Sendable {
    package let version: String
    /// When, as in `2026-01-31T12:00:00.000Z`.
    package let time: String?
}

extension EnvoyAdmin {
    /// Statistics whose name fits a regular expression.
    /// - Throws: `EnvoyError` if the admin interface does not answer.
    package func readings(matching pattern: String) async throws -> EnvoyReadings {
        struct Answer: Decodable {
            struct Statistic: Decodable {
                let name: String?
                let number: UInt64?
                let text: String?

                init(from decoder: any Decoder) throws {
                    // Histograms have neither.
                    let container = try decoder.container(keyedBy: CodingKeys.self)
                    name = try container.decodeIfPresent(String.self, forKey: .name)
                    number = try? container.decodeIfPresent(UInt64.self, forKey: .value)
                    text = try? container.decodeIfPresent(String.self, forKey: .value)
                }

                enum CodingKeys: CodingKey {
                    case name
                    case value
                }
            }
            let stats: [Statistic]
        }
        let allowed = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-._~"))
        let filter = pattern.addingPercentEncoding(withAllowedCharacters: allowed) ?? pattern
        let answer = try await decode(Answer.self, from: "/stats?format=json&filter=\(filter)")
        var readings = EnvoyReadings()
        for statistic in answer.stats {
            guard let name = statistic.name else { continue }
            if let number = statistic.number { readings.numbers[name] = number }
            if let text = statistic.text { readings.texts[name] = text }
        }
        return readings
    }

    /// What it has been given last by extension configuration discovery, by the resources' names.
    /// - Throws: `EnvoyError` if the admin interface does not answer.
    package func receivedResources() async throws -> [String: ReceivedResource] {
        struct Answer: Decodable {
            struct Config: Decodable {
                struct Filter: Decodable {
                    let name: String?
                }
                let version_info: String?
                let ecds_filter: Filter?
                let last_updated: String?
            }
            let configs: [Config]?
        }
        // Without the configurations, which may hold whole modules.
        let path = "/config_dump?resource=ecds_filters&mask=ecds_filter.name,version_info,last_updated"
        var resources: [String: ReceivedResource] = [:]
        for config in try await decode(Answer.self, from: path).configs ?? [] {
            guard let name = config.ecds_filter?.name else { continue }
            resources[name] = ReceivedResource(
                version: config.version_info ?? "", time: config.last_updated)
        }
        return resources
    }

    /// The listeners in whose chains a filter of this name stands.
    /// - Throws: `EnvoyError` if the admin interface does not answer.
    package func listeners(with filter: String) async throws -> [EnvoyListener] {
        var names: Set<String> = []
        for resource in ["static_listeners", "dynamic_listeners"] {
            let dump = try await get("/config_dump?resource=\(resource)", accepting: [200])
            let configs = (try? JSONSerialization.jsonObject(with: Data(dump))) as? [String: Any]
            for case let config as [String: Any] in configs?["configs"] as? [Any] ?? [] {
                let state = config["active_state"] as? [String: Any] ?? config
                guard let listener = state["listener"] as? [String: Any],
                    Self.holds(listener, filter), let name = listener["name"] as? String
                else { continue }
                names.insert(name)
            }
        }
        return try await listeners().filter { names.contains($0.name) }
    }

    private static func holds(_ value: Any, _ filter: String) -> Bool {
        if let list = value as? [Any] { return list.contains { holds($0, filter) } }
        guard let object = value as? [String: Any] else { return false }
        if object["name"] as? String == filter, object["config_discovery"] != nil { return true }
        return object.values.contains { holds($0, filter) }
    }
}
