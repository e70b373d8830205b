// SPDX-License-Identifier: Apache-2.0

/// A pod that is selected, and what is known of it.
package struct Pod: Hashable, Sendable {
    package let namespace: String
    package let name: String
    /// As in `Running` (PodPhase).
    package let phase: String
    package let labels: [String: String]
    /// Whether it has a container of this name, as a proxy of its own.
    package let containers: [String]

    package init(
        namespace: String, name: String, phase: String = "Running", labels: [String: String] = [:],
        containers: [String] = []
    ) {
        self.namespace = namespace
        self.name = name
        self.phase = phase
        self.labels = labels
        self.containers = containers
    }

    /// Which of Istio's control planes it belongs to.
    package var revision: String? { labels["istio.io/rev"] }
}

/// How a proxy is reached inside its pod.
package struct ProxyPorts: Hashable, Sendable {
    /// The container that it runs in.
    package var container: String
    /// Its admin interface, on the pod's loopback.
    package var admin: UInt16
    /// Where its agent's metrics are; nil if there is no agent.
    package var agent: UInt16?

    package init(container: String, admin: UInt16, agent: UInt16? = nil) {
        self.container = container
        self.admin = admin
        self.agent = agent
    }

    package static let istio = ProxyPorts(container: "istio-proxy", admin: 15000, agent: 15020)
    package static let envoyGateway = ProxyPorts(container: "envoy", admin: 19000)
}
