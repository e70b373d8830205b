// SPDX-License-Identifier: Apache-2.0

import JSON

/// Writes objects into clusters, as the field manager `wasme`, and never touches what is not ours.
package struct ClusterWriter: Sendable {
    /// The field manager of all that we write (Kubernetes, "Server-Side Apply").
    package static let manager = "wasme"
    /// The labels of objects that are ours.
    package static let managedByLabel = "app.kubernetes.io/managed-by"
    package static let idLabel = "wasme.io/id"

    /// An object to write.
    package struct Item: Hashable, Sendable {
        package var object: ClusterObject
        /// It belongs to others, and is there already; only what stands in it here is ours.
        package var isShared = false

        package init(_ object: ClusterObject, isShared: Bool = false) {
            self.object = object
            self.isShared = isShared
        }
    }

    /// How to write.
    package struct Options: Hashable, Sendable {
        /// The namespace of objects that name none; nil for the context's own.
        package var namespace: String?
        /// Take fields over that belong to others.
        package var forcesConflicts = false
        /// Let the API servers check everything and write nothing.
        package var isDryRun = false
        /// What was changed goes back if something later fails.
        package var isAtomic = false
        /// The command that takes a change back, for errors; they name the contexts.
        package var takeBack: String?

        package init() {}
    }

    /// The clusters, in this order.
    let clusters: [Kubectl]
    /// Whose objects these are: the deployment's id.
    let id: String

    /// - Parameters:
    ///   - kubectl: how clusters are reached.
    ///   - contexts: the contexts of the clusters; empty for the current one.
    ///   - id: the deployment's id.
    package init(_ kubectl: Kubectl, contexts: [String] = [], id: String) {
        clusters = contexts.isEmpty ? [kubectl] : contexts.map { kubectl.with(context: $0) }
        self.id = id
    }

    // MARK: - Applying

    /// Applies objects in each cluster.
    ///
    /// Ownership is looked at before anything is written, and with more than one object or cluster the API servers are asked
    /// first whether they would take all of it.
    /// - Parameters:
    ///   - items: the objects in order: what others refer to comes first.
    ///   - options: how to write.
    /// - Returns: what became of each.
    /// - Throws: `KubernetesError`; its `changes` are those that stay.
    package func apply(_ items: [Item], _ options: Options) async throws -> [ObjectChange] {
        try await apply(clusters.map { _ in items }, options)
    }

    /// Applies objects that differ between clusters, as each has its own history.
    /// - Parameters:
    ///   - items: the objects of each cluster, in the order of the contexts.
    ///   - replaced: objects of ours in each cluster whose place the applied ones take: they go once all is applied, so that
    ///     there is no moment without either.
    ///   - options: how to write.
    /// - Returns: what became of each.
    /// - Throws: `KubernetesError`; its `changes` are those that stay.
    package func apply(
        _ items: [[Item]], replacing replaced: [[ClusterObject]] = [], _ options: Options
    ) async throws -> [ObjectChange] {
        var work: [(cluster: Kubectl, item: Item, live: ClusterObject?)] = []
        for (cluster, items) in zip(clusters, items) {
            let present = try await live(items, in: cluster, options)
            for (item, present) in zip(items, present) {
                try checkOwner(of: item, present, in: cluster)
                work.append((cluster, item, present))
            }
        }
        var planned: [ObjectChange] = []
        if options.isDryRun || work.count + replaced.joined().count > 1 {
            for (cluster, item, present) in work {
                let after = try await write(item, in: cluster, options, isDryRun: true)
                planned.append(ObjectChange(context: cluster.context, before: present, after: after))
            }
        }
        let removals = zip(clusters, replaced).flatMap { cluster, objects in
            objects.map { object in
                (cluster, ObjectChange(context: cluster.context, before: object, after: nil))
            }
        }
        if options.isDryRun { return planned + removals.map(\.1) }
        var changes: [ObjectChange] = []
        do {
            for (cluster, item, present) in work {
                try Task.checkCancellation()
                let after = try await write(item, in: cluster, options, isDryRun: false)
                changes.append(ObjectChange(context: cluster.context, before: present, after: after))
            }
            for (cluster, change) in removals {
                try Task.checkCancellation()
                try await delete(change.object, in: cluster)
                changes.append(change)
            }
        } catch {
            throw await explain(error, after: changes, options)
        }
        return changes
    }

    /// The contexts, in order; nil for the current one.
    package var contexts: [String?] { clusters.map(\.context) }

    /// What the API servers have of these objects and of others of their kinds, for each cluster.
    /// - Parameters:
    ///   - items: the objects.
    ///   - options: where they are.
    /// - Returns: the objects of each cluster.
    /// - Throws: `KubernetesError`.
    package func present(_ items: [Item], _ options: Options) async throws -> [[ClusterObject]] {
        var all: [[ClusterObject]] = []
        for cluster in clusters {
            let own = try await live(items, in: cluster, options).compactMap { $0 }
            var found = own
            let kinds = Set(
                items.filter { !$0.isShared }.map { item in
                    let version = item.object.apiVersion.split(separator: "/").last ?? ""
                    return "\(item.object.kind).\(version).\(item.object.group)"
                })
            for kind in kinds.sorted() {
                let space = items.first?.object.namespace ?? options.namespace
                let subject = "list \(kind)"
                let answer = try await cluster.run(
                    ["get", kind, "-o", "json"] + (space.map { ["-n", $0] } ?? []), to: subject)
                found += try ClusterObject.read(answer, subject).filter { other in
                    !own.contains { $0.key(in: nil) == other.key(in: nil) }
                }
            }
            all.append(found)
        }
        return all
    }

    /// What an API server has of these objects, nil where there is none.
    private func live(
        _ items: [Item], in cluster: Kubectl, _ options: Options
    ) async throws -> [ClusterObject?] {
        let subject = "read \(items.first?.object.title ?? "objects")"
        let answer: [UInt8]
        do {
            answer = try await cluster.run(
                ["get", "-f", "-", "--ignore-not-found", "-o", "json", "--show-managed-fields"]
                    + Self.place(options),
                input: Self.list(items.map(\.object)), to: subject)
        } catch let error as KubernetesError where error.code == .noKind {
            throw try await cluster.versions(of: items.map(\.object), for: error)
        }
        let found = try ClusterObject.read(answer, subject)
        return items.map { item in
            found.first { other in
                other.key(in: nil) == item.object.key(in: other.namespace)
            }
        }
    }

    private func checkOwner(of item: Item, _ live: ClusterObject?, in cluster: Kubectl) throws {
        guard let live else {
            guard !item.isShared else {
                throw KubernetesError(
                    .notFound, "there is no \(item.object.title) in \(cluster.cluster) to add the filter to",
                    hint: "create it first, or name another one")
            }
            return
        }
        if item.isShared { return }
        guard live.labels[Self.managedByLabel] == Self.manager else {
            let manager = live.labels[Self.managedByLabel].map { " (it is managed by \"\($0)\")" } ?? ""
            throw KubernetesError(
                .foreign, "\(live.title) in \(cluster.cluster) is not ours\(manager): it is left as it is",
                hint: "choose another name with --id, or delete it yourself if nobody needs it")
        }
        guard live.labels[Self.idLabel] == id else {
            let owner = live.labels[Self.idLabel] ?? "?"
            throw KubernetesError(
                .foreign,
                "\(live.title) in \(cluster.cluster) belongs to the deployment \"\(owner)\", not to \"\(id)\"",
                hint: "choose another name with --id, or change that deployment")
        }
    }

    func write(
        _ item: Item, in cluster: Kubectl, _ options: Options, isDryRun: Bool, force: Bool = false
    ) async throws -> ClusterObject {
        var arguments = [
            "apply", "--server-side", "--field-manager=\(Self.manager)", "-f", "-", "-o", "json",
        ]
        arguments += ["--show-managed-fields"]
        if options.forcesConflicts || force { arguments.append("--force-conflicts") }
        if isDryRun { arguments.append("--dry-run=server") }
        let subject = "apply \(item.object.title)"
        let answer = try await cluster.run(
            arguments + Self.place(options),
            input: Array(JSONValue.object(item.object.json).description.utf8),
            to: subject)
        guard let object = try ClusterObject.read(answer, subject).first else {
            throw KubernetesError(.failed, "cannot \(subject): kubectl does not say what came of it")
        }
        return object
    }

    // MARK: - Arguments

    private static func place(_ options: Options) -> [String] { options.namespace.map { ["-n", $0] } ?? [] }

    private static func list(_ objects: [ClusterObject]) -> [UInt8] {
        let list: JSONValue = .object([
            "apiVersion": "v1".json, "kind": "List".json, "items": .array(objects.map { .object($0.json) }),
        ])
        return Array(list.description.utf8)
    }
}

extension String {
    fileprivate var json: JSONValue { .string(self) }
}
