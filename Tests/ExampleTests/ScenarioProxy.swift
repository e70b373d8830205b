// SPDX-License-Identifier: Apache-2.0

import Deployment
import EnvoyControl
import FilterProject
import Scenarios
import SystemPackage

/// The configuration of an Envoy in which each scenario has a listener, a configured filter and a VM of its own.
struct ScenarioProxy {
    let filter: BuiltFilter
    /// The ports of the servers beside Envoy, by the names of their clusters, and which of them speak HTTP/2.
    let clusters: [(name: String, port: Int, isHTTP2: Bool)]

    /// The cluster of the server behind the proxy.
    static let upstream = "upstream"

    func configuration(of scenarios: [(index: Int, scenario: Scenario)]) -> EnvoyConfiguration {
        let root: ConfigValue = [
            // Histograms would otherwise show only every five seconds.
            "stats_flush_on_admin": true,
            "static_resources": [
                "listeners": .list(scenarios.map { listener($0.index, $0.scenario) }),
                "clusters": .list(clusters.map(cluster)),
            ],
        ]
        return .text(root.yamlLines.joined(separator: "\n") + "\n")
    }

    /// The name of a scenario's listener, VM and plugin.
    func name(_ index: Int) -> String { "\(filter.manifest.name).\(index)" }

    private func listener(_ index: Int, _ scenario: Scenario) -> ConfigValue {
        let filters: [ConfigValue] =
            switch filter.manifest.module.type {
            case .network: [wasm("network", index, scenario), tcpProxy]
            case .http: [connectionManager(wasm("http", index, scenario))]
            }
        return [
            "name": .string(name(index)),
            "address": ["socket_address": ["address": "127.0.0.1", "port_value": 0]],
            "filter_chains": [["filters": .list(filters)]],
        ]
    }

    private func wasm(_ kind: String, _ index: Int, _ scenario: Scenario) -> ConfigValue {
        [
            "name": .string("envoy.filters.\(kind).wasm"),
            "typed_config": [
                "@type": .string("type.googleapis.com/envoy.extensions.filters.\(kind).wasm.v3.Wasm"),
                "config": [
                    "name": .string(name(index)),
                    "root_id": .string(filter.manifest.module.rootIDs.first ?? ""),
                    "vm_config": [
                        // By its own id, a scenario has shared data of its own.
                        "vm_id": .string(name(index)), "runtime": "envoy.wasm.runtime.v8",
                        "code": ["local": ["filename": .string(filter.modulePath.string)]],
                    ],
                    "configuration": [
                        "@type": "type.googleapis.com/google.protobuf.StringValue",
                        "value": .string(scenario.setup.configuration ?? ""),
                    ],
                ],
            ],
        ]
    }

    private func connectionManager(_ filter: ConfigValue) -> ConfigValue {
        [
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": [
                "@type": .string(
                    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
                ),
                "stat_prefix": "scenarios",
                "http_protocol_options": ["enable_trailers": true],
                "route_config": [
                    "virtual_hosts": [
                        [
                            "name": "all", "domains": ["*"],
                            "routes": [
                                [
                                    "name": "default", "match": ["prefix": "/"],
                                    "route": ["cluster": .string(Self.upstream)],
                                ]
                            ],
                        ]
                    ]
                ],
                "http_filters": [
                    filter,
                    [
                        "name": "envoy.filters.http.router",
                        "typed_config": [
                            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
                        ],
                    ],
                ],
            ],
        ]
    }

    private var tcpProxy: ConfigValue {
        [
            "name": "envoy.filters.network.tcp_proxy",
            "typed_config": [
                "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
                "stat_prefix": "scenarios", "cluster": .string(Self.upstream),
            ],
        ]
    }

    private func cluster(_ name: String, _ port: Int, _ isHTTP2: Bool) -> ConfigValue {
        let http: ConfigValue =
            isHTTP2
            ? ["http2_protocol_options": [:]]
            : ["http_protocol_options": ["enable_trailers": true]]
        return [
            "name": .string(name), "type": "STATIC", "connect_timeout": "5s",
            "load_assignment": [
                "cluster_name": .string(name),
                "endpoints": [
                    [
                        "lb_endpoints": [
                            [
                                "endpoint": [
                                    "address": [
                                        "socket_address": [
                                            "address": "127.0.0.1", "port_value": .integer(port),
                                        ]
                                    ]
                                ]
                            ]
                        ]
                    ]
                ],
            ],
            "typed_extension_protocol_options": [
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": [
                    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                    "explicit_http_config": http,
                ]
            ],
        ]
    }
}
