// SPDX-License-Identifier: Apache-2.0

import Deployment
import JSON

extension PodSelection {
    /// The pods that an object selects by labels, as its target reads it.
    ///
    /// Nil for an object that selects none by labels, as one that is for a whole namespace or attached to a gateway.
    package init?(_ object: ClusterObject) {
        let spec = object.json["spec"]?.object
        let labels: JSONObject?
        switch (object.group, object.kind) {
        case ("extensions.istio.io", "WasmPlugin"), ("extensions.istio.io", "TrafficExtension"):
            labels = spec?["selector"]?.object?["matchLabels"]?.object
        case ("networking.istio.io", "EnvoyFilter"):
            labels = spec?["workloadSelector"]?.object?["labels"]?.object
        case ("kuma.io", "MeshProxyPatch"):
            // A Dataplane has the labels of its pod.
            labels = spec?["targetRef"]?.object?["labels"]?.object
        default: labels = nil
        }
        guard let members = labels?.members, !members.isEmpty else { return nil }
        self.init(namespace: object.namespace)
        for (name, value) in members { self.labels[name] = value.string }
        // Policies of Kuma's own namespace are for the whole mesh.
        let system = KumaTarget(KumaOptions(module: .file("/"))).usualNamespace
        if object.group == "kuma.io", namespace == system { namespace = nil }
    }

    /// The place for people.
    private var place: String { namespace.map { "namespace \"\($0)\"" } ?? "any namespace" }

    /// That no pod is selected, and what was meant most likely.
    /// - Parameter labels: those of all pods there.
    /// - Returns: words to stand behind the name of what selects.
    package func miss(among labels: [[String: String]]) -> String {
        guard !labels.isEmpty else {
            return "selects no pod: there are no pods in \(place) yet, so no proxy runs it"
        }
        let near = (try? LabelSelector(self.labels))?.suggestions(among: labels) ?? []
        return "selects no pod in \(place)" + near.map { "; \($0)" }.joined()
    }
}

extension Kubectl {
    /// Says that a selection means no pod, and what was meant most likely.
    ///
    /// Asks for one matching pod, however many there are; only if there is none the labels of the others are listed.
    /// - Returns: words to stand behind the name of what selects; nil if a pod is selected.
    /// - Throws: `KubernetesError`.
    package func miss(of selection: PodSelection) async throws -> String? {
        if try await hasPod(selection) { return nil }
        var selection = selection
        // What stands in the namespace of Istio's control plane is for all namespaces.
        if let space = selection.namespace,
            try await istioControlPlanes().contains(where: { $0.namespace == space })
        {
            selection.namespace = nil
            if try await hasPod(selection) { return nil }
        }
        return selection.miss(
            among: try await pods(PodSelection(namespace: selection.namespace)).map(\.labels))
    }
}
