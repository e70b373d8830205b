// SPDX-License-Identifier: Apache-2.0

private import JSON
private import OCI

/// Higress: its own `WasmPlugin`, for its whole gateway (alibaba/higress, `api/extensions/v1alpha1/wasmplugin.proto`).
package struct HigressTarget: KubernetesTarget {
    package var options: HigressOptions

    package var name: String { "higress" }
    package var title: String { "Higress" }
    package var usualNamespace: String? { "higress-system" }

    package init(_ options: HigressOptions = HigressOptions()) { self.options = options }

    package func written(at place: KubernetesPlace) -> FilterDeploymentFile.Target {
        .higress(place, options)
    }

    package func refusal(of field: DeploymentField) -> String? {
        switch field {
        case .network: "it runs filters of requests only"
        case .valueConfiguration, .textConfiguration: "a configuration is a JSON object"
        case .vmID, .vmConfiguration, .capabilities: "its WasmPlugin has no field for it"
        case .failReload: "a filter that has trapped fails closed or open"
        case .matchClient, .matchServer, .matchPorts:
            "a plugin is for the whole gateway; rules are matched by the plugin itself"
        case .labels, .targets, .sectionName: "a plugin is for the whole gateway"
        default: nil
        }
    }

    package func render(_ request: KubernetesRequest) throws -> RenderedFilter {
        let deployment = request.deployment
        var spec: [ConfigValue.Field] = [
            .init(key: "url", value: .string("oci://\(request.pinnedImage)")),
            .init(key: "sha256", value: .string(deployment.digest.hex)),
        ]
        spec.add("imagePullSecret", request.place.pullSecret.map { .string($0) })
        if !deployment.rootID.isEmpty { spec.add("pluginName", .string(deployment.rootID)) }
        spec.add("failStrategy", deployment.failurePolicy.map { $0 == .open ? "FAIL_OPEN" : "FAIL_CLOSE" })
        spec.add("phase", deployment.phase.map { .string($0.rawValue.uppercased()) })
        spec.add("priority", deployment.priority.map { .integer($0) })
        spec.add("vmConfig", deployment.istioEnvironment.map { ["env": $0] })
        spec.add("defaultConfig", deployment.objectConfiguration)
        if options.isDefaultDisabled { spec.add("defaultConfigDisable", true) }
        if !options.rules.isEmpty { spec.add("matchRules", .list(options.rules.map(Self.rule))) }
        var rendered = RenderedFilter([
            KubernetesObject(
                apiVersion: "extensions.higress.io/v1alpha1", kind: "WasmPlugin",
                namespace: request.place.namespace, name: deployment.id, spec: spec)
        ])
        rendered.warnings = request.inexactNumbers(in: title)
        if !options.rules.isEmpty {
            rendered.hostFields = ["WasmPlugin.matchRules"]
            rendered.warnings.append(
                "the rules reach the filter inside its configuration, as \"_rules_\": a filter that is not written with Higress's SDK ignores them"
            )
        }
        return rendered
    }

    private static func rule(_ rule: HigressOptions.Rule) -> ConfigValue {
        var fields: [ConfigValue.Field] = []
        func texts(_ list: [String]) -> ConfigValue? {
            list.isEmpty ? nil : .list(list.map { .string($0) })
        }
        fields.add("ingress", texts(rule.ingresses))
        fields.add("domain", texts(rule.domains))
        fields.add("service", texts(rule.services))
        fields.add("routeType", rule.routeType.map { .string($0.rawValue) })
        fields.add("config", rule.configuration.map { ConfigValue(.object($0)) })
        if rule.isDisabled { fields.add("configDisable", true) }
        return .map(fields)
    }
}
