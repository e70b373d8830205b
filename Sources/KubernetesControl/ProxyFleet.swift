// SPDX-License-Identifier: Apache-2.0

/// What is known of a target's proxies: which pods they are in, how they are asked, and what a filter is called in them.
package struct ProxyFleet: Sendable {
    /// The target's plain name, which is the verb's word, as in `envoy-gateway`.
    package let word: String
    /// Its name for people.
    package let title: String
    package let ports: ProxyPorts
    /// Whether its control plane says in an object's status what it made of it: then silence means that it has not looked.
    package let answersInStatus: Bool
    /// Whether its control plane serves the module of the image to proxies that fetch it, so that they name its digest.
    package let servesModules: Bool
    /// Why its proxies cannot be asked from here; nil if they can.
    package let obstacle: String?
    private let makeFilter: @Sendable (ClusterObject, String) -> ProxyFilter?
    private let find: @Sendable (ClusterObject, inout ProxySearch) async throws -> Void

    init(
        word: String, title: String, ports: ProxyPorts, answersInStatus: Bool = false,
        servesModules: Bool = false,
        obstacle: String? = nil,
        filter: @escaping @Sendable (ClusterObject, String) -> ProxyFilter?,
        find: @escaping @Sendable (ClusterObject, inout ProxySearch) async throws -> Void
    ) {
        self.word = word
        self.title = title
        self.ports = ports
        self.answersInStatus = answersInStatus
        self.servesModules = servesModules
        self.obstacle = obstacle
        makeFilter = filter
        self.find = find
    }

    /// All that are known.
    package static let all: [ProxyFleet] = [
        .istio, .envoyGateway, .higress, .kuma, .gloo, .consul, .cilium,
    ]

    /// The fleet of a target; nil for one that is not on Kubernetes.
    package static func named(_ word: String) -> ProxyFleet? { all.first { $0.word == word } }

    /// What the filter of an object is called in the proxies.
    /// - Parameters:
    ///   - object: as the API server has it.
    ///   - id: the deployment.
    /// - Returns: nil for an object that makes no filter.
    package func filter(of object: ClusterObject, _ id: String) -> ProxyFilter? { makeFilter(object, id) }

    /// Finds the pods whose proxies are to run the filter of an object.
    /// - Throws: `KubernetesError`.
    package func search(for object: ClusterObject, by kubectl: Kubectl) async throws -> ProxySearch {
        var search = ProxySearch(kubectl)
        try await find(object, &search)
        return search
    }

    /// How its proxies are asked through Istio's agent in their containers.
    /// - Throws: `KubernetesError` if there is none.
    package func exec(_ kubectl: Kubectl) throws -> PodExec {
        guard ports.hasAgent else {
            throw KubernetesError(
                .proxy,
                "the proxies of \(title) cannot be asked by exec: their container \"\(ports.container)\" has no pilot-agent",
                hint: "leave out --via: port-forward is the way")
        }
        return PodExec(kubectl, ports: ports)
    }
}
