// SPDX-License-Identifier: Apache-2.0

package import OCI

/// How what the original wasme left becomes deployments of this one.
package struct MigrationPlan: Sendable {
    /// What is deployed, and then what goes.
    package struct Step: Hashable, Sendable {
        package let documents: [FilterDeploymentFile]
        /// In the order in which they go; none for a gateway, whose list is changed.
        package let replaced: [OriginalObject]
    }

    /// An image that holds a module.
    package struct Image: Hashable, Sendable {
        package let reference: Reference
        /// The manifest's digest.
        package let digest: Digest

        package init(reference: Reference, digest: Digest) {
            self.reference = reference
            self.digest = digest
        }
    }

    /// A deployment of ours that runs already, as an earlier migration may have made it.
    package struct Present: Hashable, Sendable {
        package let namespace: String?
        /// The labels of the pods.
        package let labels: [String: String]
        package let deployment: FilterDeployment

        package init(namespace: String?, labels: [String: String], deployment: FilterDeployment) {
            self.namespace = namespace
            self.labels = labels
            self.deployment = deployment
        }
    }

    package private(set) var steps: [Step] = []
    package private(set) var leftAlone: [OriginalInventory.LeftAlone]
    /// Filters whose module is in none of the images.
    package private(set) var missing: [OriginalEnvoyFilter] = []
    /// Workloads with something of the original's in them.
    package let workloads: [OriginalWorkload]
    package let installation: [OriginalObject]
    /// What people have to know about the documents.
    package private(set) var notes: [String] = []
    let inventory: OriginalInventory
    private let present: [Present]

    /// - Parameters:
    ///   - inventory: what the original left.
    ///   - images: the images that hold each module.
    ///   - present: our deployments that are there already.
    package init(_ inventory: OriginalInventory, images: [Digest: [Image]], present: [Present] = []) {
        self.inventory = inventory
        self.present = present
        leftAlone = inventory.leftAlone
        workloads = inventory.workloads.filter { !$0.changes.isEmpty }
        installation = inventory.installation
        var rest = inventory.filters
        for deployment in inventory.deployments {
            let own = rest.filter { Self.belongs($0, to: deployment) }
            rest.removeAll { own.contains($0) }
            add(deployment, own, images)
        }
        missing += rest.filter { images[$0.module] == nil }
        rest.removeAll { images[$0.module] == nil }
        var groups: [(key: [String?], filters: [OriginalEnvoyFilter])] = []
        for filter in rest {
            let key = [filter.object.namespace, filter.id]
            if let index = groups.firstIndex(where: { $0.key == key }) {
                groups[index].filters.append(filter)
            } else {
                groups.append((key, [filter]))
            }
        }
        for (_, filters) in groups {
            let made = documents(of: filters, id: filters[0].id) { filter in
                Self.content(of: filter, images[filter.module]?.first)
            }
            add(made, replacing: filters.map(\.object))
        }
        for filter in rest where filter.traffic == .any {
            notes.append(
                "\(filter.object.title): it was for any traffic; if its pods are gateways, add \"gateway: true\""
            )
        }
        for filter in inventory.gatewayFilters { add([filter.document], replacing: []) }
    }

    /// Whether nothing of the original is there.
    package var isEmpty: Bool {
        steps.isEmpty && missing.isEmpty && leftAlone.isEmpty && workloads.isEmpty && installation.isEmpty
    }

    /// All objects that deployments take the place of.
    package var replaced: [OriginalObject] { steps.flatMap(\.replaced) }

    // MARK: - What becomes what

    private static func belongs(
        _ filter: OriginalEnvoyFilter, to deployment: OriginalFilterDeployment
    ) -> Bool {
        guard filter.object.namespace == deployment.object.namespace else { return false }
        return filter.owner.map { $0 == deployment.object.name } ?? (filter.id == deployment.id)
    }

    private mutating func add(
        _ deployment: OriginalFilterDeployment, _ own: [OriginalEnvoyFilter], _ images: [Digest: [Image]]
    ) {
        var filter = deployment.filter
        let title = deployment.object.title
        // The operator gave all workloads the same module.
        let running = Set(own.map(\.module))
        if let module = running.first, running.count == 1, filter.digest == nil {
            if let image = images[module]?.first(where: { $0.reference == filter.image }) {
                filter.digest = image.digest
            } else {
                notes.append(
                    "\(title): its image \"\(filter.image)\" could not be shown to hold the module that runs now"
                )
            }
        }
        if filter.pull.secret != nil {
            notes.append(
                "\(title): Istio takes a pull secret of type kubernetes.io/dockerconfigjson only; the original's had a username and a password"
            )
        }
        let id = deployment.name
        let made: [FilterDeploymentFile]
        if own.isEmpty {
            notes.append(
                "\(title): no EnvoyFilter shows which pods it reached; the labels were those of workloads, and are now those of pods"
            )
            made = [document(id, filter, deployment.labels, deployment.object.namespace)]
        } else {
            made = documents(of: own, id: id, preferred: deployment.labels) { _ in filter }
        }
        if deployment.labels.isEmpty, made.count == 1, Self.labels(of: made[0]).isEmpty {
            notes.append("\(title): without labels the filter runs in every proxy of the namespace")
        }
        add(made, replacing: [deployment.object] + own.map(\.object))
    }

    private static func content(
        of filter: OriginalEnvoyFilter, _ image: Image?
    ) -> FilterDeploymentFile.Filter? {
        guard let image else { return nil }
        var content = FilterDeploymentFile.Filter(image: image.reference)
        content.digest = image.digest
        content.rootID = filter.rootID
        content.vmID = filter.vmID ?? ""
        content.configuration = filter.configuration
        content.patchContext = filter.traffic
        return content
    }

    private mutating func add(_ documents: [FilterDeploymentFile], replacing objects: [OriginalObject]) {
        var reason: String?
        for document in documents {
            if steps.contains(where: { $0.documents.contains { $0.isSamePlace(as: document) } }) {
                reason = "another filter gets the id \"\(document.id)\""
            } else if case .istio = document.target,
                let there = present(document.name, document.namespace), !Self.isSame(document, there)
            {
                reason =
                    "there is a deployment \"\(document.name)\" already, with another image or configuration"
            }
        }
        if let reason {
            leftAlone += objects.map { .init(object: $0, reason: reason) }
        } else {
            steps.append(Step(documents: documents, replaced: objects))
        }
    }

    // MARK: - What is there already

    func present(_ id: String, _ namespace: String?) -> Present? {
        present.first { $0.deployment.id == id && $0.namespace == namespace }
    }

    private static func isSame(_ document: FilterDeploymentFile, _ there: Present) -> Bool {
        let filter = document.filter
        guard filter.configuration == there.deployment.configuration else { return false }
        return filter.digest.map { $0 == there.deployment.digest }
            ?? (filter.image == there.deployment.image)
    }
}

extension FilterDeploymentFile {
    /// Whether both would be the same object: an id is used once in a namespace and target.
    fileprivate func isSamePlace(as other: FilterDeploymentFile) -> Bool {
        guard name == other.name, namespace == other.namespace, target.name == other.target.name else {
            return false
        }
        if case .gloo(_, let one) = target, case .gloo(_, let two) = other.target {
            return one.gateway == two.gateway
        }
        return true
    }
}
