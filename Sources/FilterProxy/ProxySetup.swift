// SPDX-License-Identifier: Apache-2.0

import Deployment
package import EnvoyControl

/// The configuration of an Envoy that filters are tried in.
package struct ProxySetup: Sendable {
    package var listeners: [ProxyListener] = []
    package var clusters: [ProxyCluster] = []

    package init() {}

    /// The bootstrap (`envoy/config/bootstrap/v3/bootstrap.proto`), with the admin interface that a run gives it.
    package var configuration: EnvoyConfiguration {
        let root: ConfigValue = [
            // What is discovered is discovered for a node.
            "node": ["id": "wasme", "cluster": "wasme"],
            // Histograms would otherwise show only every five seconds.
            "stats_flush_on_admin": true,
            "static_resources": [
                "listeners": .list(listeners.map(\.config)), "clusters": .list(clusters.map(\.config)),
            ],
        ]
        return .text(root.yamlLines.joined(separator: "\n") + "\n")
    }
}
