// SPDX-License-Identifier: Apache-2.0

/// Cilium: a `CiliumEnvoyConfig` that leads the traffic of services through a listener with the filter.
///
/// The module is a file in Cilium's own Envoy (cilium/cilium, "L7-Aware Traffic Management").
package struct CiliumTarget: KubernetesTarget {
    package var options: CiliumOptions

    package var name: String { "cilium" }
    package var title: String { "Cilium" }
    package var usualNamespace: String? { nil }
    package var fetchesImage: Bool { false }

    package init(_ options: CiliumOptions) { self.options = options }

    package func written(at place: KubernetesPlace) -> FilterDeploymentFile.Target { .cilium(place, options) }

    package func refusal(of field: DeploymentField) -> String? {
        switch field {
        case .network: "its listeners are made for requests"
        case .phaseAuthn, .phaseAuthz, .phaseStats: "the filter is the only one of its listener"
        case .priority: "the filter is the only one of its listener"
        case .matchClient, .matchServer, .matchPorts:
            "the filter is for the services of the option \"services\""
        case .labels, .targets, .sectionName: "the filter is for the services of the option \"services\""
        case .pullSecret: "it fetches no images"
        default: nil
        }
    }

    package func render(_ request: KubernetesRequest) throws -> RenderedFilter {
        guard !options.services.isEmpty else {
            throw DeploymentError(
                .invalid, "Cilium needs to know for which services \"\(request.deployment.id)\" is",
                hint: "name at least one service")
        }
        for service in options.services {
            try KubernetesNames.check(name: service.name, of: "a service")
            try KubernetesNames.check(namespace: service.namespace)
        }
        if !options.isClusterwide, let namespace = request.place.namespace,
            let foreign = options.services.first(where: { $0.namespace != namespace })
        {
            throw DeploymentError(
                .invalid,
                "a CiliumEnvoyConfig in \"\(namespace)\" cannot lead the service \"\(foreign.namespace)/\(foreign.name)\"",
                hint: "deploy into that namespace, or for the whole cluster")
        }
        var terms = EnvoyTerms(self, request)
        let filter: ConfigValue = [
            "name": .string("wasme.\(request.deployment.id)"),
            "typed_config": terms.typedConfig(code: ["local": ["filename": .string(options.modulePath)]]),
        ]
        let resources = options.services.flatMap { service in
            [listener(service, filter, request), cluster(service)]
        }
        let services = options.services.map { service -> ConfigValue in
            [
                "name": .string(service.name), "namespace": .string(service.namespace),
                "listener": .string(listenerName(service, request)),
            ]
        }
        let backends = options.services.map { service -> ConfigValue in
            var fields: [ConfigValue.Field] = [
                .init(key: "name", value: .string(service.name)),
                .init(key: "namespace", value: .string(service.namespace)),
            ]
            fields.add("number", service.port.map { ["\($0)"] })
            return .map(fields)
        }
        var object = KubernetesObject(
            apiVersion: "cilium.io/v2",
            kind: options.isClusterwide ? "CiliumClusterwideEnvoyConfig" : "CiliumEnvoyConfig",
            namespace: options.isClusterwide ? nil : request.place.namespace ?? options.services[0].namespace,
            name: request.deployment.id,
            spec: [
                .init(key: "services", value: .list(services)),
                .init(key: "backendServices", value: .list(backends)),
                .init(key: "resources", value: .list(resources)),
            ])
        // Otherwise the connections of several requests to one pod can collide.
        object.annotations["cec.cilium.io/use-original-source-address"] = "false"
        var rendered = RenderedFilter([object])
        rendered.warnings =
            terms.warnings + [
                "the module has to be in every Envoy of Cilium as \"\(options.modulePath)\" before this is applied",
                "Cilium does not check the configuration and does not say whether its Envoys took it",
            ]
        return rendered
    }

    private func listenerName(_ service: CiliumOptions.Service, _ request: KubernetesRequest) -> String {
        "\(request.deployment.id)-\(service.namespace)-\(service.name)"
    }

    /// The name by which Cilium hands out the pods of a service.
    private func clusterName(_ service: CiliumOptions.Service) -> String {
        "\(service.namespace)/\(service.name)" + (service.port.map { ":\($0)" } ?? "")
    }

    private func listener(
        _ service: CiliumOptions.Service, _ filter: ConfigValue, _ request: KubernetesRequest
    ) -> ConfigValue {
        let name = listenerName(service, request)
        let router: ConfigValue = [
            "name": "envoy.filters.http.router",
            "typed_config": [
                "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
            ],
        ]
        let manager: ConfigValue = [
            "@type":
                "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": .string(name),
            "route_config": [
                "name": .string(name),
                "virtual_hosts": [
                    [
                        "name": .string(name), "domains": ["*"],
                        "routes": [
                            [
                                "match": ["prefix": "/"],
                                "route": ["cluster": .string(clusterName(service))],
                            ]
                        ],
                    ]
                ],
            ],
            "http_filters": .list([filter, router]),
        ]
        return [
            "@type": "type.googleapis.com/envoy.config.listener.v3.Listener", "name": .string(name),
            "filter_chains": [
                [
                    "filters": [
                        ["name": "envoy.filters.network.http_connection_manager", "typed_config": manager]
                    ]
                ]
            ],
        ]
    }

    private func cluster(_ service: CiliumOptions.Service) -> ConfigValue {
        [
            "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
            "name": .string(clusterName(service)), "connect_timeout": "5s", "lb_policy": "ROUND_ROBIN",
            "type": "EDS",
        ]
    }
}
