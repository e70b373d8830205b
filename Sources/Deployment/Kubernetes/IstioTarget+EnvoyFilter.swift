// SPDX-License-Identifier: Apache-2.0

private import OCI

extension IstioTarget {
    private static let rbac = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC"
    private static let networkRBAC = "type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC"

    /// The filter as a patch of Envoy's own configuration: the agent in the pod fetches the module (istio, `pkg/wasm`).
    func envoyFilter(_ request: KubernetesRequest) -> RenderedFilter {
        let deployment = request.deployment
        var rendered = RenderedFilter([])
        var spec: [ConfigValue.Field] = []
        if !request.place.labels.isEmpty {
            spec.add("workloadSelector", ["labels": .sorted(request.place.labels)])
        }
        // Patches are applied in the order of these numbers, each right before the router and so after the ones before;
        // those that go first end up in the opposite order.
        if let priority = deployment.priority {
            spec.add("priority", .integer(goesFirst(deployment) ? priority : -priority))
        }
        spec.add("configPatches", .list([extensionPatch(request, &rendered)] + chainPatches(request)))
        rendered.objects = [object("networking.istio.io/v1alpha3", request, spec)]
        if request.place.labels.isEmpty {
            rendered.warnings.append("without labels the filter runs in every proxy of its namespace")
        }
        return rendered
    }

    private func extensionName(_ request: KubernetesRequest) -> String { "wasme.\(request.deployment.id)" }

    private func extensionPatch(
        _ request: KubernetesRequest, _ rendered: inout RenderedFilter
    ) -> ConfigValue {
        var terms = EnvoyTerms(self, request)
        var extras: [ConfigValue.Field] = []
        if let backoff = options.reloadBackoff {
            terms.use("PluginConfig.reload_config")
            var times: [ConfigValue.Field] = [
                .init(key: "base_interval", value: .string(Self.seconds(backoff.base)))
            ]
            times.add("max_interval", backoff.maximum.map { .string(Self.seconds($0)) })
            extras.add("reload_config", ["backoff": .map(times)])
        }
        if let allows = options.allowsStopIteration {
            terms.use("PluginConfig.allow_on_headers_stop_iteration")
            extras.add("allow_on_headers_stop_iteration", .boolean(allows))
        }
        let code: ConfigValue = [
            "remote": [
                "http_uri": [
                    "uri": .string("oci://\(request.pinnedImage)"),
                    // The agent replaces the whole; Envoy's own rules ask for a cluster all the same.
                    "cluster": "_", "timeout": "30s",
                ],
                "sha256": .string(request.deployment.digest.hex),
            ]
        ]
        let configuration = terms.typedConfig(code: code, extras: extras)
        rendered.warnings += terms.warnings
        return [
            "applyTo": "EXTENSION_CONFIG",
            "patch": [
                "operation": "ADD",
                "value": ["name": .string(extensionName(request)), "typed_config": configuration],
            ],
        ]
    }

    /// Milliseconds as a duration of protobuf's JSON.
    private static func seconds(_ milliseconds: Int) -> String {
        let rest = milliseconds % 1000
        if rest == 0 { return "\(milliseconds / 1000)s" }
        let digits = String(1000 + rest).dropFirst()
        return "\(milliseconds / 1000).\(digits)s"
    }

    // MARK: - where in the chain

    /// A patch for each direction and port.
    private func chainPatches(_ request: KubernetesRequest) -> [ConfigValue] {
        let deployment = request.deployment
        let matches = deployment.match.isEmpty ? [FilterDeployment.TrafficMatch()] : deployment.match
        return matches.flatMap { match in
            contexts(match.mode).flatMap { context in
                (match.ports.isEmpty ? [nil] : match.ports.map { Optional($0) }).map { port in
                    chainPatch(request, context: context, port: port)
                }
            }
        }
    }

    private func contexts(_ mode: FilterDeployment.TrafficMatch.Mode) -> [String] {
        if options.isGateway { return ["GATEWAY"] }
        return switch mode {
        case .client: ["SIDECAR_OUTBOUND"]
        case .server: ["SIDECAR_INBOUND"]
        case .both: ["SIDECAR_INBOUND", "SIDECAR_OUTBOUND"]
        }
    }

    /// Network filters have no router to stand before: the one that ends the connection differs from listener to listener.
    private func goesFirst(_ deployment: FilterDeployment) -> Bool {
        deployment.phase == .authn || deployment.kind == .network
    }

    private func chainPatch(_ request: KubernetesRequest, context: String, port: Int?) -> ConfigValue {
        let isNetwork = request.deployment.kind == .network
        let isFirst = goesFirst(request.deployment)
        var chain: [ConfigValue.Field] = []
        // All inbound traffic of a sidecar arrives at one listener: there the port is that of the chain.
        if context == "SIDECAR_INBOUND" { chain.add("destinationPort", port.map { .integer($0) }) }
        if !isNetwork {
            var filter: [ConfigValue.Field] = [
                .init(key: "name", value: "envoy.filters.network.http_connection_manager")
            ]
            if !isFirst { filter.add("subFilter", ["name": "envoy.filters.http.router"]) }
            chain.add("filter", .map(filter))
        }
        var listener: [ConfigValue.Field] = []
        if context != "SIDECAR_INBOUND" { listener.add("portNumber", port.map { .integer($0) }) }
        if !chain.isEmpty { listener.add("filterChain", .map(chain)) }
        var match: [ConfigValue.Field] = [.init(key: "context", value: .string(context))]
        if !listener.isEmpty { match.add("listener", .map(listener)) }
        return [
            "applyTo": isNetwork ? "NETWORK_FILTER" : "HTTP_FILTER", "match": .map(match),
            "patch": [
                "operation": isFirst ? "INSERT_FIRST" : "INSERT_BEFORE",
                "value": [
                    "name": .string(extensionName(request)),
                    "config_discovery": [
                        "config_source": [
                            "ads": [:], "resource_api_version": "V3", "initial_fetch_timeout": "0s",
                        ],
                        // What the agent puts in the filter's place when it cannot fetch it.
                        "type_urls": [
                            .string(EnvoyPlugin.type(of: request.deployment.kind)),
                            .string(isNetwork ? Self.networkRBAC : Self.rbac),
                        ],
                    ],
                ],
            ],
        ]
    }
}
