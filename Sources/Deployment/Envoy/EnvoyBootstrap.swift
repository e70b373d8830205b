// SPDX-License-Identifier: Apache-2.0

package import EnvoyControl

/// Bootstraps for an Envoy that stands alone (`envoy/config/bootstrap/v3/bootstrap.proto`).
package enum EnvoyBootstrap {
    /// What a bootstrap from nothing is for.
    package struct Settings: Hashable, Sendable {
        /// Where Envoy serves.
        package var listener = HostPort(host: "127.0.0.1", port: 8080)
        /// Where Envoy's admin interface is; whoever reaches it controls Envoy.
        package var admin = HostPort(host: "127.0.0.1", port: 9901)
        /// Where requests go; without one Envoy answers itself.
        package var upstream: HostPort?
        /// Whether a second Envoy may listen on the same port, and silently take a part of the requests.
        package var sharesPort = true

        package init() {}
    }

    /// What Envoy answers where there is nothing behind it.
    package static let answerWithoutUpstream =
        "wasme: no upstream is configured; this answer comes from Envoy itself\n"

    /// Writes a complete bootstrap that runs one filter.
    /// - Throws: `DeploymentError` if an address cannot be listened on.
    package static func render(_ filter: EnvoyFilter, _ settings: Settings = Settings()) throws -> String {
        let lines = ["# Written by wasme.", "---"] + (try base(settings)).yamlLines
        return try patch(lines.joined(separator: "\n") + "\n", with: filter).text
    }

    /// The bootstrap without the filter.
    private static func base(_ settings: Settings) throws -> ConfigValue {
        var listener: [ConfigValue.Field] = [
            .init(key: "name", value: "wasme"),
            .init(key: "address", value: try socketAddress(settings.listener, for: "listener")),
        ]
        if !settings.sharesPort { listener.append(.init(key: "enable_reuse_port", value: false)) }
        let manager: ConfigValue = [
            "@type": .string(
                "\(types)/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
            "stat_prefix": "wasme",
            "route_config": [
                "name": "wasme",
                "virtual_hosts": [["name": "all", "domains": ["*"], "routes": [route(settings)]]],
            ],
            "http_filters": [
                [
                    "name": "envoy.filters.http.router",
                    "typed_config": ["@type": "\(types)/envoy.extensions.filters.http.router.v3.Router"],
                ]
            ],
        ]
        let filters: ConfigValue = [
            ["name": "envoy.filters.network.http_connection_manager", "typed_config": manager]
        ]
        listener.append(.init(key: "filter_chains", value: [["filters": filters]]))
        var resources: [ConfigValue.Field] = [.init(key: "listeners", value: [.map(listener)])]
        if let upstream = settings.upstream {
            resources.append(.init(key: "clusters", value: [cluster(upstream)]))
        }
        return [
            "admin": ["address": try socketAddress(settings.admin, for: "admin")],
            "static_resources": .map(resources),
        ]
    }

    private static let types = "type.googleapis.com"

    private static func route(_ settings: Settings) -> ConfigValue {
        guard settings.upstream != nil else {
            return [
                "match": ["prefix": "/"],
                "direct_response": [
                    "status": 200, "body": ["inline_string": .string(answerWithoutUpstream)],
                ],
            ]
        }
        return ["match": ["prefix": "/"], "route": ["cluster": "upstream"]]
    }

    private static func cluster(_ upstream: HostPort) -> ConfigValue {
        let endpoint: ConfigValue = ["endpoint": ["address": address(upstream)]]
        var fields: [ConfigValue.Field] = [
            .init(key: "name", value: "upstream"),
            .init(key: "type", value: upstream.isIPAddress ? "STATIC" : "STRICT_DNS"),
        ]
        if !upstream.isIPAddress {
            // By default Envoy takes only IPv6 where a name has both, and misses a server on 127.0.0.1.
            fields.append(.init(key: "dns_lookup_family", value: "V4_PREFERRED"))
        }
        fields.append(
            .init(
                key: "load_assignment",
                value: ["cluster_name": "upstream", "endpoints": [["lb_endpoints": [endpoint]]]]))
        return .map(fields)
    }

    /// An address to listen on; Envoy resolves no names there.
    private static func socketAddress(_ place: HostPort, for purpose: String) throws -> ConfigValue {
        if place.host == "localhost" { return address(HostPort(host: "127.0.0.1", port: place.port)) }
        guard place.isIPAddress else {
            throw DeploymentError(
                .invalid, "envoy cannot listen on \"\(place)\" (\(purpose)): it takes an address, not a name",
                hint: "use 127.0.0.1 for this machine only, or 0.0.0.0 for all of its addresses")
        }
        return address(place)
    }

    private static func address(_ place: HostPort) -> ConfigValue {
        ["socket_address": ["address": .string(place.host), "port_value": .integer(Int(place.port))]]
    }
}
