// SPDX-License-Identifier: Apache-2.0

/// How a proxy is reached inside its pod.
package struct ProxyPorts: Hashable, Sendable {
    /// The container that it runs in.
    package var container: String
    /// Its admin interface, on the pod's loopback.
    package var admin: UInt16
    /// Where the metrics of Istio's agent are; nil if the container has no such agent.
    package var agent: UInt16?
    /// What else may be the matter if the admin interface does not answer.
    package var note: String?

    package init(container: String, admin: UInt16, agent: UInt16? = nil, note: String? = nil) {
        self.container = container
        self.admin = admin
        self.agent = agent
        self.note = note
    }

    /// Whether `pilot-agent` is in the container, which can ask the proxy in our stead.
    package var hasAgent: Bool { agent != nil }
}
