// SPDX-License-Identifier: Apache-2.0

private import OCI

/// Envoy Gateway: an `EnvoyExtensionPolicy`; its controller fetches the module and serves it to its proxies
/// (envoyproxy/gateway, `api/v1alpha1/wasm_types.go`).
package struct EnvoyGatewayTarget: KubernetesTarget {
    package var options: EnvoyGatewayOptions

    package var name: String { "envoy-gateway" }
    package var title: String { "Envoy Gateway" }
    package var usualNamespace: String? { nil }

    package init(_ options: EnvoyGatewayOptions = EnvoyGatewayOptions()) { self.options = options }

    package func written(at place: KubernetesPlace) -> FilterDeploymentFile.Target {
        .envoyGateway(place, options)
    }

    package func refusal(of field: DeploymentField) -> String? {
        switch field {
        case .network: "it runs filters of requests only"
        case .textConfiguration: "its config is JSON"
        case .vmID, .vmConfiguration, .capabilities: "an EnvoyExtensionPolicy has no field for it"
        case .environment: "a filter sees variables of the proxy's own only; use valueFrom: host"
        case .failReload: "a filter that has trapped fails closed or open"
        case .phaseAuthn, .phaseAuthz, .phaseStats: "all of its filters stand in one place"
        case .priority: "filters run in the order of one policy's list"
        case .matchClient, .matchServer, .matchPorts:
            "a policy is for gateways and routes; targetRefs choose them"
        case .labels: "a policy is for gateways and routes; use targetRefs"
        default: nil
        }
    }

    package func render(_ request: KubernetesRequest) throws -> RenderedFilter {
        let deployment = request.deployment
        guard !request.place.targets.isEmpty else {
            throw DeploymentError(
                .invalid, "Envoy Gateway needs to know which gateway or route \"\(deployment.id)\" is for",
                hint: "name it: --target HTTPRoute/NAME or --target Gateway/NAME")
        }
        try checkTargets(request.place.targets)
        var image: [ConfigValue.Field] = [
            .init(key: "url", value: .string(request.pinnedImage)),
            .init(key: "sha256", value: .string(deployment.digest.hex)),
        ]
        image.add("pullSecretRef", request.place.pullSecret.map { ["name": .string($0)] })
        image.add(
            "tls",
            options.certificateAuthority.map {
                ["caCertificateRef": ["kind": "ConfigMap", "name": .string($0)]]
            })
        var filter: [ConfigValue.Field] = [.init(key: "name", value: .string(deployment.id))]
        if !deployment.rootID.isEmpty { filter.add("rootID", .string(deployment.rootID)) }
        filter.add("code", ["type": "Image", "image": .map(image)])
        filter.add("config", deployment.jsonConfiguration)
        filter.add("failOpen", deployment.failurePolicy.map { .boolean($0 == .open) })
        if !deployment.environment.isEmpty {
            filter.add("env", ["hostKeys": .list(deployment.hostEnvironment.map { .string($0) })])
        }
        let targets = request.place.targets.map { target -> ConfigValue in
            var fields: [ConfigValue.Field] = [
                .init(key: "group", value: .string(target.group)),
                .init(key: "kind", value: .string(target.kind)),
                .init(key: "name", value: .string(target.name)),
            ]
            fields.add("sectionName", target.sectionName.map { .string($0) })
            return .map(fields)
        }
        var spec: [ConfigValue.Field] = [.init(key: "targetRefs", value: .list(targets))]
        spec.add("mergeType", options.mergeType.map { .string($0.rawValue) })
        spec.add("wasm", .list([.map(filter)]))
        var rendered = RenderedFilter([
            KubernetesObject(
                apiVersion: "gateway.envoyproxy.io/v1alpha1", kind: "EnvoyExtensionPolicy",
                namespace: request.place.namespace, name: deployment.id, spec: spec)
        ])
        rendered.hostFields = ["EnvoyExtensionPolicy.spec.wasm"]
        return rendered
    }

    private func checkTargets(_ targets: [KubernetesPlace.TargetReference]) throws {
        let routes: Set = ["HTTPRoute", "GRPCRoute", "UDPRoute", "TCPRoute", "TLSRoute"]
        for target in targets {
            guard target.group == "gateway.networking.k8s.io",
                routes.union(["Gateway", "ListenerSet"]).contains(target.kind)
            else {
                throw DeploymentError(
                    .invalid,
                    "Envoy Gateway has no filters for \(target.kind) of \"\(target.group)\", as \"\(target.name)\" is",
                    hint: "use a Gateway, a ListenerSet or a route of gateway.networking.k8s.io")
            }
            if options.mergeType != nil, !routes.contains(target.kind) {
                throw DeploymentError(
                    .invalid,
                    "\"mergeType\" is for policies of routes, and \"\(target.name)\" is a \(target.kind)",
                    hint: "leave it out")
            }
        }
    }
}
