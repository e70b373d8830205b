// SPDX-License-Identifier: Apache-2.0

private import HostProfiles
private import OCI

/// Istio: a `WasmPlugin`, its successor `TrafficExtension`, or an `EnvoyFilter` for what neither can say
/// (istio/api, `extensions/v1alpha1`, `networking/v1alpha3/envoy_filter.proto`).
package struct IstioTarget: KubernetesTarget {
    package var options: IstioOptions
    /// The kind that is rendered.
    package let kind: IstioOptions.Kind

    package var name: String { "istio" }
    package var title: String { "Istio (\(kind.rawValue))" }
    package var usualNamespace: String? { nil }

    /// Chooses the kind, if the options do not: the simplest that can express the deployment.
    package init(_ options: IstioOptions = IstioOptions(), for request: KubernetesRequest) {
        self.options = options
        guard options.kind == nil else {
            kind = options.kind ?? .wasmPlugin
            return
        }
        let used = DeploymentField.allCases.filter { $0.isUsed(by: request.deployment, at: request.place) }
        let isBeyondPlugin =
            options.allowsStopIteration != nil || options.reloadBackoff != nil
            || used.contains { Self.refusal(of: $0, in: .wasmPlugin) != nil }
            || request.version.map { Self.isBeyondPlugin(request.deployment, of: $0) } == true
        let isWithinFilter = !used.contains { Self.refusal(of: $0, in: .envoyFilter) != nil }
        kind = isBeyondPlugin && isWithinFilter ? .envoyFilter : .wasmPlugin
    }

    /// With the kind that was chosen: another version might choose another one, for another object.
    package func written(at place: KubernetesPlace) -> FilterDeploymentFile.Target {
        var options = options
        options.kind = kind
        return .istio(place, options, .init())
    }

    package func refusal(of field: DeploymentField) -> String? { Self.refusal(of: field, in: kind) }

    private static func refusal(of field: DeploymentField, in kind: IstioOptions.Kind) -> String? {
        switch kind {
        case .wasmPlugin, .trafficExtension:
            switch field {
            case .valueConfiguration, .textConfiguration:
                "a pluginConfig is a JSON object; kind EnvoyFilter takes any text"
            case .vmID, .vmConfiguration, .capabilities:
                "it has no field for it; kind EnvoyFilter has one"
            case .sectionName: "its targetRefs name whole objects"
            default: nil
            }
        case .envoyFilter:
            switch field {
            case .targets: "it selects pods by labels; kind WasmPlugin has targetRefs"
            case .sectionName: "it selects pods by labels"
            case .pullSecret: "istiod gives credentials to a WasmPlugin only"
            case .phaseAuthz, .phaseStats:
                "it finds a place by the name of another filter, which may not be there; kind WasmPlugin has phases"
            default: nil
            }
        }
    }

    package func render(_ request: KubernetesRequest) throws -> RenderedFilter {
        try checkPlace(request)
        switch kind {
        case .wasmPlugin: return try plugin(request)
        case .trafficExtension: return try trafficExtension(request)
        case .envoyFilter: return envoyFilter(request)
        }
    }

    private func checkPlace(_ request: KubernetesRequest) throws {
        guard request.place.labels.isEmpty || request.place.targets.isEmpty else {
            throw DeploymentError(
                .invalid, "Istio takes labels or targetRefs, not both", hint: "leave one of them out")
        }
        guard request.place.targets.count <= 16 else {
            throw DeploymentError(
                .invalid, "Istio takes at most 16 targetRefs, and \(request.place.targets.count) are given")
        }
        guard kind == .envoyFilter || options.allowsStopIteration == nil && options.reloadBackoff == nil
        else {
            let field = options.reloadBackoff == nil ? "allowsStopIteration" : "reloadBackoff"
            throw DeploymentError(
                .invalid, "\(title) cannot express \"\(field)\": it has no field for it",
                hint: "use kind EnvoyFilter")
        }
    }

    // MARK: - the plugin

    private func plugin(_ request: KubernetesRequest) throws -> RenderedFilter {
        var rendered = RenderedFilter([])
        rendered.hostFields = ["WasmPlugin"]
        var spec = selection(request, &rendered)
        spec += try code(request)
        spec += plugin(request, &rendered)
        spec += order(request)
        let match = Self.match(request.deployment)
        if match != nil { rendered.hostFields.append("WasmPlugin.match") }
        spec.add("match", match)
        rendered.warnings += request.inexactNumbers(in: title)
        rendered.objects = [object("extensions.istio.io/v1alpha1", request, spec)]
        return rendered
    }

    private func trafficExtension(_ request: KubernetesRequest) throws -> RenderedFilter {
        var rendered = RenderedFilter([])
        rendered.hostFields = ["TrafficExtension"]
        var spec = selection(request, &rendered)
        spec += order(request)
        spec.add("match", Self.match(request.deployment))
        spec.add("wasm", .map(try code(request) + plugin(request, &rendered)))
        // All of them are as old as the resource.
        rendered.hostFields = ["TrafficExtension"]
        rendered.warnings += request.inexactNumbers(in: title)
        rendered.objects = [object("extensions.istio.io/v1alpha1", request, spec)]
        return rendered
    }

    func object(
        _ apiVersion: String, _ request: KubernetesRequest, _ spec: [ConfigValue.Field]
    ) -> KubernetesObject {
        KubernetesObject(
            apiVersion: apiVersion, kind: kind.rawValue, namespace: request.place.namespace,
            name: request.deployment.id, spec: spec)
    }

    private func selection(
        _ request: KubernetesRequest, _ rendered: inout RenderedFilter
    ) -> [ConfigValue.Field] {
        let place = request.place
        if !place.targets.isEmpty {
            rendered.hostFields.append("WasmPlugin.targetRefs")
            let targets = place.targets.map { target -> ConfigValue in
                var fields: [ConfigValue.Field] = []
                // The core's group is empty, and old API servers make null of an empty text in an applied list.
                if !target.group.isEmpty { fields.add("group", .string(target.group)) }
                fields.add("kind", .string(target.kind))
                fields.add("name", .string(target.name))
                return .map(fields)
            }
            return [.init(key: "targetRefs", value: .list(targets))]
        }
        guard !place.labels.isEmpty else {
            let whole = place.namespace.map { "the namespace \"\($0)\"" } ?? "its namespace"
            rendered.warnings.append(
                "without labels or targetRefs the filter runs in every proxy of \(whole), and in those of all namespaces if that is Istio's own"
            )
            return []
        }
        return [.init(key: "selector", value: ["matchLabels": .sorted(place.labels)])]
    }

    private func code(_ request: KubernetesRequest) throws -> [ConfigValue.Field] {
        var fields: [ConfigValue.Field] = [
            .init(key: "url", value: .string("oci://\(request.pinnedImage)"))
        ]
        fields.add("sha256", .string(request.deployment.digest.hex))
        fields.add("imagePullSecret", request.place.pullSecret.map { .string($0) })
        return fields
    }

    private func plugin(
        _ request: KubernetesRequest, _ rendered: inout RenderedFilter
    ) -> [ConfigValue.Field] {
        let deployment = request.deployment
        var fields: [ConfigValue.Field] = []
        if deployment.kind == .network {
            fields.add("type", "NETWORK")
            rendered.hostFields.append("WasmPlugin.type")
        }
        if !deployment.rootID.isEmpty { fields.add("pluginName", .string(deployment.rootID)) }
        if let strategy = failStrategy(request, &rendered) {
            fields.add("failStrategy", .string(strategy))
            rendered.hostFields.append("WasmPlugin.failStrategy")
        }
        if request.place.pullSecret != nil { rendered.hostFields.append("WasmPlugin.imagePullSecret") }
        fields.add("vmConfig", deployment.istioEnvironment.map { ["env": $0] })
        fields.add("pluginConfig", deployment.objectConfiguration)
        return fields
    }

    /// What to say of traps: an old API server would refuse a value that it does not know.
    private func failStrategy(_ request: KubernetesRequest, _ rendered: inout RenderedFilter) -> String? {
        let reload = "WasmPlugin.failStrategy.FAIL_RELOAD"
        let mayReload = has(reload, request.version)
        switch request.deployment.failurePolicy {
        case .open: return "FAIL_OPEN"
        case .closed:
            // All that versions without the field can do.
            return request.version == nil || has("WasmPlugin.failStrategy", request.version)
                ? "FAIL_CLOSE" : nil
        case .reload:
            guard let version = request.version, !mayReload else { return "FAIL_RELOAD" }
            rendered.warnings.append(
                "Istio \(version) cannot start a module again that has trapped; the filter fails closed: every request is refused from then on"
            )
            return has("WasmPlugin.failStrategy", version) ? "FAIL_CLOSE" : nil
        case nil: return mayReload ? "FAIL_RELOAD" : nil
        }
    }

    private func order(_ request: KubernetesRequest) -> [ConfigValue.Field] {
        var fields: [ConfigValue.Field] = []
        fields.add("phase", request.deployment.phase.map { .string($0.rawValue.uppercased()) })
        fields.add("priority", request.deployment.priority.map { .integer($0) })
        return fields
    }

    private static func match(_ deployment: FilterDeployment) -> ConfigValue? {
        guard !deployment.match.isEmpty else { return nil }
        return .list(
            deployment.match.map { match in
                var fields: [ConfigValue.Field] = []
                switch match.mode {
                case .client: fields.add("mode", "CLIENT")
                case .server: fields.add("mode", "SERVER")
                case .both: fields.add("mode", "CLIENT_AND_SERVER")
                }
                if !match.ports.isEmpty {
                    fields.add("ports", .list(match.ports.map { ["number": .integer($0)] }))
                }
                return .map(fields)
            })
    }
}

extension FilterDeployment {
    /// The variables as Istio and Higress list them; nil for none.
    var istioEnvironment: ConfigValue? {
        guard !environment.isEmpty else { return nil }
        return .list(
            environment.sorted { $0.key < $1.key }.map { name, value in
                switch value {
                case .value(let text): ["name": .string(name), "value": .string(text)]
                case .host: ["name": .string(name), "valueFrom": "HOST"]
                }
            })
    }
}
