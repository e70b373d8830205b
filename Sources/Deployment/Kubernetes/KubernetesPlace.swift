// SPDX-License-Identifier: Apache-2.0

/// Where in a cluster a filter is to run.
package struct KubernetesPlace: Hashable, Sendable {
    /// The namespace of the objects that are written; nil for the one that the target usually takes.
    package var namespace: String?
    /// The labels of the pods; empty for all of the namespace.
    package var labels: [String: String] = [:]
    /// The gateways, routes and services that it is attached to, in place of labels.
    package var targets: [TargetReference] = []
    /// The secret with the registry's credentials, in the same namespace.
    package var pullSecret: String?

    package init() {}

    /// An object that a policy is attached to (Gateway API, GEP-713).
    package struct TargetReference: Hashable, Sendable {
        package var group: String
        package var kind: String
        package var name: String
        /// A part of it, as a listener of a gateway.
        package var sectionName: String?

        package init(group: String, kind: String, name: String, sectionName: String? = nil) {
            self.group = group
            self.kind = kind
            self.name = name
            self.sectionName = sectionName
        }
    }
}
