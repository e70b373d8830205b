// SPDX-License-Identifier: Apache-2.0

private import Deployment
import JSON

extension ProxyFleet {
    /// Kuma's sidecars (kumahq/kuma, `pkg/plugins/runtime/k8s/containers`).
    package static let kuma = ProxyFleet(
        word: "kuma", title: "Kuma",
        ports: ProxyPorts(
            container: "kuma-sidecar", admin: 9901,
            note:
                "from Kuma 2.14 on it is a unix socket in the pod, unless the control plane runs with KUMA_BOOTSTRAP_SERVER_PARAMS_ENVOY_ADMIN_UNIX_SOCKET=false"
        ),
        filter: { object, id in
            guard object.kind == "MeshProxyPatch" else { return nil }
            var filter = ListenerFilter(plugin: id)
            let last = KubernetesStamp.history(of: id, in: .object(object.json)).revisions.last
            filter.configuration = last?.deployment.configuration.map {
                ListenerDump.configured(.string($0))
            }
            return .listener(filter)
        },
        find: { object, search in
            let target = object.spec?["targetRef"]?.object
            try await search.findKuma(
                target?["labels"]?.texts ?? [:], mesh: object.labels["kuma.io/mesh"] ?? "default")
        })

    /// The sidecars of a service (hashicorp/consul-k8s, `control-plane/connect-inject`).
    package static let consul = ProxyFleet(
        word: "consul", title: "Consul", ports: ProxyPorts(container: "consul-dataplane", admin: 19000),
        answersInStatus: true,
        filter: { object, id in
            let plugins = (object.spec?["envoyExtensions"]?.array ?? []).compactMap {
                $0.object?["arguments"]?.object?["pluginConfig"]?.object
            }
            guard let ours = plugins.first(where: { $0["name"]?.string == id }) else { return nil }
            var filter = ListenerFilter(plugin: id)
            filter.configuration = ours["configuration"].map(ListenerDump.configured)
            let code = ours["vmConfig"]?.object?["code"]?.object
            filter.module = code?["remote"]?.object?["sha256"]?.string
            return .listener(filter)
        },
        find: { object, search in
            // Pods belong to the service of Consul that has the name of theirs on Kubernetes.
            guard let service = try await search.referent("Service", object.name, in: object.namespace)
            else { return }
            guard var labels = service.spec?["selector"]?.texts, !labels.isEmpty else {
                return search.remark("\(service.title) selects no pods by labels")
            }
            labels["consul.hashicorp.com/connect-inject-status"] = "injected"
            try await search.look(for: labels, in: object.namespace)
        })

    /// Cilium's Envoys, one for each node (cilium/cilium, `install/kubernetes/cilium/templates/cilium-envoy`).
    package static let cilium = ProxyFleet(
        word: "cilium", title: "Cilium", ports: ProxyPorts(container: "cilium-envoy", admin: 0),
        obstacle:
            "the admin interface of Cilium's Envoys is a unix socket on each node; 'cilium-dbg envoy admin config listeners' in the agent's pod shows it",
        filter: { _, id in .listener(ListenerFilter(plugin: id)) }, find: { _, _ in })
}

extension ProxySearch {
    /// Pods of a mesh: what neither they nor their namespace say to be of another one is of the default one.
    fileprivate mutating func findKuma(_ labels: [String: String], mesh: String) async throws {
        let label = "kuma.io/mesh"
        var spaces: [String: String] = [:]
        do {
            for space in try await kubectl.objects("namespaces", everywhere: true) {
                spaces[space.name] = space.labels[label]
            }
        } catch let error as KubernetesError where error.code == .denied {
            remark("who asks may not read namespaces, whose labels can tell the mesh")
        }
        let meshes = spaces
        try await look(for: labels, in: nil) { pod in
            pod.containers.contains(ProxyFleet.kuma.ports.container)
                && (pod.labels[label] ?? meshes[pod.namespace] ?? "default") == mesh
        }
    }
}
