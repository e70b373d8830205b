// SPDX-License-Identifier: Apache-2.0

import JSON
import OCI

extension Installation {
    private static let wasm = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"
    private static let networkWasm = "type.googleapis.com/envoy.extensions.filters.network.wasm.v3.Wasm"
    private static let nothing = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC"
    private static let networkNothing = "type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC"

    private var kind: String { isNetwork ? Self.networkWasm : Self.wasm }

    /// The file of the module: named by its content, as Envoy does not read a file of the same name again.
    private var file: String { "/etc/envoy/modules/\(module.hex).wasm" }

    /// Envoy's `PluginConfig` (envoy/extensions/wasm/v3/wasm.proto).
    func plugin(code: JSONValue) -> JSONValue {
        var plugin = JSONObject()
        plugin["name"] = .string(name)
        if !rootID.isEmpty { plugin["root_id"] = .string(rootID) }
        plugin["failure_policy"] = .string("FAIL_RELOAD")
        plugin["vm_config"] = .object(["runtime": .string("envoy.wasm.runtime.v8"), "code": code])
        if let configuration = configuration.text {
            plugin["configuration"] = .object([
                "@type": .string("type.googleapis.com/google.protobuf.StringValue"),
                "value": .string(configuration),
            ])
        }
        return .object(plugin)
    }

    private var local: JSONValue { .object(["local": .object(["filename": .string(file)])]) }

    private var remote: JSONValue {
        .object([
            "remote": .object([
                "http_uri": .object([
                    "uri": .string(moduleURL), "cluster": .string("wasme_hub"), "timeout": .string("10s"),
                ]),
                "sha256": .string(module.hex),
                "retry_policy": .object(["num_retries": .integer(10)]),
            ])
        ])
    }

    private func filter(code: JSONValue) -> JSONValue {
        .object([
            "name": .string(name),
            "typed_config": .object(["@type": .string(kind), "config": plugin(code: code)]),
        ])
    }

    /// The cluster that Envoy fetches the module from.
    var cluster: JSONValue {
        let port = host.port.map { Int($0) } ?? (isEncrypted ? 443 : 80)
        let name = host.name.hasPrefix("[") ? String(host.name.dropFirst().dropLast()) : host.name
        var cluster = JSONObject()
        cluster["name"] = .string("wasme_hub")
        cluster["type"] = .string("STRICT_DNS")
        cluster["connect_timeout"] = .string("5s")
        cluster["load_assignment"] = .object([
            "cluster_name": .string("wasme_hub"),
            "endpoints": .array([
                .object([
                    "lb_endpoints": .array([
                        .object([
                            "endpoint": .object([
                                "address": .object([
                                    "socket_address": .object([
                                        "address": .string(name), "port_value": .integer(port),
                                    ])
                                ])
                            ])
                        ])
                    ])
                ])
            ]),
        ])
        if isEncrypted {
            cluster["transport_socket"] = .object([
                "name": .string("envoy.transport_sockets.tls"),
                "typed_config": .object([
                    "@type": .string(
                        "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"),
                    "sni": .string(name),
                    "common_tls_context": .object([
                        "validation_context": .object([
                            "trusted_ca": .object([
                                "filename": .string("/etc/ssl/certs/ca-certificates.crt")
                            ])
                        ])
                    ]),
                ]),
            ])
        }
        return .object(cluster)
    }

    var envoyBootstrap: Target {
        let place = isNetwork ? "filters" : "http_filters"
        return Target(
            name: "Envoy",
            note: """
                Envoy fetches the module once, when it starts, and checks it against its digest. It sends no credentials: \
                of a private repository take the file, as under "Envoy, while it runs".
                """,
            snippets: [
                Snippet(
                    id: "envoy-filter",
                    note: isNetwork
                        ? "Into the filters of a filter chain, before the one that ends the connection"
                        : "Into the http_filters of the connection manager, before the router",
                    text: YAMLText.document(.object([place: .array([filter(code: remote)])]))),
                Snippet(
                    id: "envoy-cluster", note: "Into the clusters of static_resources",
                    text: YAMLText.document(.object(["clusters": .array([cluster])]))),
            ])
    }

    /// A slot in the listener, and the file that fills it: can be changed while Envoy runs.
    var envoyDiscovery: Target {
        let nothing = isNetwork ? Self.networkNothing : Self.nothing
        // A network filter that lets everything pass has to have a name for its statistics.
        let passing: JSONValue =
            isNetwork
            ? .object(["@type": .string(nothing), "stat_prefix": .string("nothing")])
            : .object(["@type": .string(nothing)])
        let slot: JSONValue = .object([
            "name": .string(name),
            "config_discovery": .object([
                "config_source": .object([
                    "resource_api_version": .string("V3"),
                    "path_config_source": .object(["path": .string("/etc/envoy/ecds/\(name).json")]),
                    "initial_fetch_timeout": .string("2s"),
                ]),
                "default_config": passing,
                "apply_default_config_without_warming": .bool(true),
                "type_urls": .array([.string(kind), .string(nothing)]),
            ]),
        ])
        let resource: JSONValue = .object([
            "version_info": .string(String(module.hex.prefix(12))),
            "resources": .array([
                .object([
                    "@type": .string("type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig"),
                    "name": .string(name),
                    "typed_config": .object(["@type": .string(kind), "config": plugin(code: local)]),
                ])
            ]),
        ])
        return Target(
            name: "Envoy, while it runs",
            note: """
                Extension discovery from a file: written anew and moved into place, it changes the filter without a \
                restart. The file has to be there when Envoy starts, and Envoy needs a node id and cluster.
                """,
            snippets: [
                Snippet(
                    id: "envoy-module", note: "The module, checked, where Envoy finds it",
                    text: """
                        mkdir -p /etc/envoy/modules /etc/envoy/ecds
                        curl -fsS -o \(file).new \(moduleURL)
                        echo '\(module.hex)  \(file).new' | sha256sum -c
                        mv \(file).new \(file)

                        """),
                Snippet(
                    id: "envoy-slot",
                    note: isNetwork
                        ? "Into the filters of a filter chain, before the one that ends the connection"
                        : "Into the http_filters of the connection manager, before the router",
                    text: YAMLText.document(
                        .object([isNetwork ? "filters" : "http_filters": .array([slot])]))),
                Snippet(
                    id: "envoy-ecds", note: "As /etc/envoy/ecds/\(name).json, by way of another name and mv",
                    text: YAMLText.json(resource.prettyPrinted) + "\n"),
            ])
    }
}
