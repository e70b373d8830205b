// SPDX-License-Identifier: Apache-2.0

package import JSON
import YAML

extension FilterDeploymentFile.Target {
    /// The word of its verbs, as in "envoy-gateway"; the same as of its host profiles.
    package var word: String { name == "envoyGateway" ? "envoy-gateway" : name }

    /// The same target somewhere else; Envoys that stand alone stay where they are.
    package func at(_ place: KubernetesPlace) -> Self {
        switch self {
        case .envoy: self
        case .istio(_, let options, let original): .istio(place, options, original)
        case .envoyGateway(_, let options): .envoyGateway(place, options)
        case .gloo(_, let options): .gloo(place, options)
        case .higress(_, let options): .higress(place, options)
        case .kuma(_, let options): .kuma(place, options)
        case .consul(_, let options): .consul(place, options)
        case .cilium(_, let options): .cilium(place, options)
        }
    }

    /// What renders objects for it; nil for Envoys that stand alone.
    package func renderer(for request: KubernetesRequest) -> (any KubernetesTarget)? {
        switch self {
        case .envoy: nil
        case .istio(_, let options, _): IstioTarget(options, for: request)
        case .envoyGateway(_, let options): EnvoyGatewayTarget(options)
        case .gloo(_, let options): GlooTarget(options)
        case .higress(_, let options): HigressTarget(options)
        case .kuma(_, let options): KumaTarget(options)
        case .consul(_, let options): ConsulTarget(options)
        case .cilium(_, let options): CiliumTarget(options)
        }
    }
}

// MARK: - In a history

extension FilterDeploymentFile.Target {
    /// What a history keeps of it: the namespace is that of the object that has the history.
    var withoutNamespace: Self {
        guard var place else { return self }
        place.namespace = nil
        return at(place)
    }

    /// `spec.deployment` alone, as one line of JSON can have it.
    package var section: JSONValue { .object([name: written(nil, namespace: place?.namespace).json]) }

    /// Reads a `section`; nil if it is not understood.
    init?(section: JSONValue, pullSecret: String?) {
        let reader = FieldReader(file: "history")
        // This way of writing JSON is YAML, too.
        let text = ConfigValue(section).jsonLines(unit: nil).joined()
        guard let node = try? YAMLNode.document(text, file: reader.file),
            (try? reader.check(
                node, is: .object(FilterDeploymentFile.targetFields, exactlyOne: true),
                at: "spec.deployment")) != nil,
            let target = try? reader.target(
                FieldValues(node), pullSecret: pullSecret, patchContext: nil, namespace: nil)
        else { return nil }
        self = target
    }
}
