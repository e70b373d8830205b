// SPDX-License-Identifier: Apache-2.0

private import OCI

/// Gloo Gateway Enterprise: an item in the list of a `Gateway` that is there (solo-io/gloo,
/// `projects/gloo/api/v1/options/wasm/wasm.proto`).
package struct GlooTarget: SharedObjectTarget {
    package var options: GlooOptions

    package var name: String { "gloo" }
    package var title: String { "Gloo" }
    package var usualNamespace: String? { "gloo-system" }
    package var fetchesImage: Bool { options.modulePath == nil }
    package var listPath: [String] { ["spec", "httpGateway", "options", "wasm", "filters"] }

    package init(_ options: GlooOptions = GlooOptions()) { self.options = options }

    package func written(at place: KubernetesPlace) -> FilterDeploymentFile.Target { .gloo(place, options) }

    package func refusal(of field: DeploymentField) -> String? {
        switch field {
        case .network: "it runs filters of requests only"
        case .vmID, .vmConfiguration, .capabilities, .environment, .hostEnvironment:
            "its filters have no field for it"
        case .failReload: "a filter that has trapped fails closed or open"
        case .priority: "filters of a stage run in the order of the gateway's list"
        case .matchClient, .matchServer, .matchPorts: "a filter is for a whole gateway"
        case .labels, .targets, .sectionName: "a filter is for the gateway of the option \"gateway\""
        case .pullSecret: "its control plane has credentials of its own"
        default: nil
        }
    }

    package func render(_ request: KubernetesRequest) throws -> RenderedFilter {
        try KubernetesNames.check(name: options.gateway, of: "a gateway")
        let deployment = request.deployment
        var filter: [ConfigValue.Field] = [.init(key: "name", value: .string(deployment.id))]
        if let path = options.modulePath {
            filter.add("filePath", .string(path))
        } else {
            filter.add("image", .string(request.pinnedImage))
        }
        if !deployment.rootID.isEmpty { filter.add("rootId", .string(deployment.rootID)) }
        filter.add("config", deployment.configuration.map(EnvoyPlugin.text))
        filter.add("filterStage", stage(deployment))
        filter.add("vmType", "V8")
        filter.add("failOpen", deployment.failurePolicy.map { .boolean($0 == .open) })
        let others = list(in: request.live, request.place)
        let filters = replacing(deployment.id, with: .map(filter), in: others)
        var rendered = RenderedFilter([object(with: filters, request.place)])
        rendered.hostFields = ["httpGateway.options.wasm"]
        if request.live.isEmpty {
            rendered.warnings.append(
                "this changes the Gateway \"\(options.gateway)\", whose other Wasm filters are not known here: the list takes the place of theirs"
            )
        }
        if deployment.rootID.isEmpty {
            rendered.warnings.append("Gloo asks for a root id: a filter whose module has one needs it")
        }
        return rendered
    }

    /// The first of the places that keep what a phase promises.
    private func stage(_ deployment: FilterDeployment) -> ConfigValue? {
        func place(_ stage: GlooOptions.Stage, _ predicate: GlooOptions.Predicate) -> ConfigValue {
            ["stage": .string(stage.rawValue), "predicate": .string(predicate.rawValue)]
        }
        if let stage = options.stage { return place(stage, options.predicate) }
        return switch deployment.phase {
        case .authn: place(.authn, .before)
        case .authz: place(.authz, .before)
        case .stats: place(.accepted, .after)
        case nil: nil
        }
    }

    package func object(with filters: [ConfigValue], _ place: KubernetesPlace) -> KubernetesObject {
        KubernetesObject(
            apiVersion: "gateway.solo.io/v1", kind: "Gateway", namespace: place.namespace,
            name: options.gateway,
            spec: [
                .init(key: "httpGateway", value: ["options": ["wasm": ["filters": .list(filters)]]])
            ], isShared: true)
    }

    package func id(of item: ConfigValue) -> String? {
        if case .string(let name)? = item["name"] { name } else { nil }
    }
}
