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
