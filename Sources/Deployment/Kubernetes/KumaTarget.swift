// SPDX-License-Identifier: Apache-2.0

private import HostProfiles
private import JSON

/// Kuma and Kong Mesh: a `MeshProxyPatch` of the sidecars' listeners (kumahq/kuma, `pkg/plugins/policies/meshproxypatch`).
///
/// Nothing there fetches images: the module is a file in the sidecar, or Envoy fetches it over HTTP.
package struct KumaTarget: KubernetesTarget {
    package var options: KumaOptions

    package var name: String { "kuma" }
    package var title: String { "Kuma" }
    package var usualNamespace: String? { "kuma-system" }
    package var fetchesImage: Bool { false }

    package init(_ options: KumaOptions) { self.options = options }

    package func written(at place: KubernetesPlace) -> FilterDeploymentFile.Target { .kuma(place, options) }

    package func refusal(of field: DeploymentField) -> String? {
        switch field {
        case .phaseAuthz, .phaseStats:
            "it finds a place by the name of another filter, which may not be there"
        case .priority: "patches are applied in the order of their policies"
        case .matchPorts: "a patch is for all listeners of a direction"
        case .targets, .sectionName: "a patch is for proxies; use labels"
        case .pullSecret: "it fetches no images"
        default: nil
        }
    }

    package func render(_ request: KubernetesRequest) throws -> RenderedFilter {
        let deployment = request.deployment
        let cluster = "wasme_\(deployment.id)"
        let code: ConfigValue
        var modifications: [ConfigValue] = []
        switch options.module {
        case .file(let path): code = ["local": ["filename": .string(path)]]
        case .remote(let url, let sha256):
            code = EnvoyTerms.remote(url, sha256: sha256, cluster: cluster)
            let value = try EnvoyTerms.cluster(cluster, for: url)
            modifications.append(["cluster": ["operation": "Add", "value": Self.text(value)]])
        }
        var terms = EnvoyTerms(self, request)
        let filter: ConfigValue = [
            "name": .string("wasme.\(deployment.id)"), "typedConfig": terms.typedConfig(code: code),
        ]
        modifications += origins(deployment).map { modification(deployment, filter, origin: $0) }
        let target: ConfigValue =
            request.place.labels.isEmpty
            ? ["kind": "Mesh"] : ["kind": "Dataplane", "labels": .sorted(request.place.labels)]
        var policy = KubernetesObject(
            apiVersion: "kuma.io/v1alpha1", kind: "MeshProxyPatch", namespace: request.place.namespace,
            name: deployment.id,
            spec: [
                .init(key: "targetRef", value: target),
                .init(key: "default", value: ["appendModifications": .list(modifications)]),
            ])
        policy.labels["kuma.io/mesh"] = options.mesh
        var rendered = RenderedFilter(mount(request) + [policy])
        rendered.hostFields = ["MeshProxyPatch"]
        if !request.place.labels.isEmpty { rendered.hostFields.append("targetRef.kind.Dataplane") }
        rendered.warnings = terms.warnings + notes(request)
        return rendered
    }

    private func notes(_ request: KubernetesRequest) -> [String] {
        var notes: [String] = []
        switch options.module {
        case .file(let path):
            notes.append("the module has to be in every sidecar as \"\(path)\" before the policy is applied")
        case .remote:
            notes.append(
                "a module that Envoy fetches itself is not fetched again when it cannot be had at once: then every request is refused"
            )
        }
        if let volume = options.volume {
            notes.append(
                "the pods need a volume \"\(volume)\" with the module, and the annotation kuma.io/container-patches: \(request.deployment.id)"
            )
        }
        if request.place.labels.isEmpty {
            notes.append("without labels the filter runs in every proxy of the mesh \"\(options.mesh)\"")
        }
        return notes
    }

    private func origins(_ deployment: FilterDeployment) -> [String] {
        let modes = Set(deployment.match.map(\.mode))
        if modes.isEmpty || modes.contains(.both) { return ["inbound", "outbound"] }
        return (modes.contains(.server) ? ["inbound"] : []) + (modes.contains(.client) ? ["outbound"] : [])
    }

    private func modification(
        _ deployment: FilterDeployment, _ filter: ConfigValue, origin: String
    ) -> ConfigValue {
        let isNetwork = deployment.kind == .network
        let isFirst = isNetwork || deployment.phase == .authn
        var match: [ConfigValue.Field] = []
        if !isFirst { match.add("name", "envoy.filters.http.router") }
        match.add("origin", .string(origin))
        return [
            isNetwork ? "networkFilter" : "httpFilter": [
                "operation": isFirst ? "AddFirst" : "AddBefore", "match": .map(match),
                "value": Self.text(filter),
            ]
        ]
    }

    /// A value as Kuma takes it, a text of YAML.
    private static func text(_ value: ConfigValue) -> ConfigValue {
        .string(value.yamlLines.joined(separator: "\n") + "\n")
    }

    /// The patch that mounts the pods' volume with the module into their sidecars.
    private func mount(_ request: KubernetesRequest) -> [KubernetesObject] {
        guard let volume = options.volume, case .file(let path) = options.module else { return [] }
        let folder = path.split(separator: "/").dropLast().map { "/\($0)" }.joined()
        let mount: ConfigValue = [
            "name": .string(volume), "mountPath": .string(folder.isEmpty ? "/" : folder), "readOnly": true,
        ]
        let patch = KubernetesObject(
            apiVersion: "kuma.io/v1alpha1", kind: "ContainerPatch", namespace: request.place.namespace,
            name: request.deployment.id,
            spec: [
                .init(
                    key: "sidecarPatch",
                    value: [
                        [
                            "op": "add", "path": "/volumeMounts/-",
                            "value": .string(mount.json.description),
                        ]
                    ])
            ])
        return [patch]
    }
}
