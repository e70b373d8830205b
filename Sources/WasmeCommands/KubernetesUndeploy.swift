// SPDX-License-Identifier: Apache-2.0

import Deployment
import Diagnostics
import JSON
import KubernetesControl

/// An undeploy from a target on Kubernetes: the same way for all of them, from clusters or from a folder.
struct KubernetesUndeploy {
    /// Where a target has its filters.
    enum Place {
        /// Objects of these resources, which are wholly ours.
        case objects([String])
        /// The list of an object that belongs to others.
        case list(any SharedObjectTarget)
    }

    let id: String
    /// The verb's word for the target, as in "istio".
    let word: String
    let place: Place
    /// The namespace that was asked for; nil if nobody says it.
    let namespace: String?
    /// The target's own; nil for that of the context.
    let usualNamespace: String?

    init(_ id: String, _ word: String, _ place: Place, in namespace: String?, usually usual: String?) {
        self.id = id
        self.word = word
        self.place = place
        self.namespace = namespace
        usualNamespace = usual
    }

    // MARK: - From clusters

    /// Takes the filter out.
    /// - Returns: what became of the objects; nothing if the filter is not there.
    /// - Throws: `KubernetesError`; its `changes` are those that stay.
    func carryOut(
        _ cluster: ClusterOptions, _ change: ClusterChangeOptions, in context: CommandContext
    ) async throws -> [ObjectChange] {
        let writer = try cluster.writer(id, in: context)
        var options = change.options(namespace ?? usualNamespace)
        options.isDryRun = change.dryRun != nil
        switch place {
        case .objects(let kinds):
            return try await writer.remove(kinds, namespace: options.namespace, options)
        case .list(let target):
            let present = try await writer.present(
                [ClusterWriter.Item(target.object(with: [], inPlace))], options)
            let items = present.map { live in
                target.removal(of: id, at: inPlace, live: live.map { .object($0.json) }).map {
                    [ClusterWriter.Item($0)]
                } ?? []
            }
            return items.contains { !$0.isEmpty } ? try await writer.apply(items, options) : []
        }
    }

    /// The error for a filter that no cluster has.
    func missing(_ cluster: ClusterOptions) -> CommandError {
        switch place {
        case .objects:
            var cluster = cluster
            cluster.namespace = namespace
            return noDeployment(id, word, cluster)
        case .list(let target):
            return CommandError(
                .failed, "there is no filter \"\(id)\" in \(target.object(with: [], inPlace).description)",
                hint: "look at it with kubectl")
        }
    }

    private var inPlace: KubernetesPlace {
        var place = KubernetesPlace()
        place.namespace = namespace ?? usualNamespace
        return place
    }

    // MARK: - From a folder

    /// What taking it out makes of a folder.
    ///
    /// A list of others stays, even an empty one: who removed the object would have a controller delete it.
    /// - Returns: nothing if the filter is not there.
    /// - Throws: `DeploymentError`.
    func changes(of folder: KubernetesFolder) throws -> [FileChange] {
        switch place {
        case .objects(let kinds):
            return try folder.removal(of: id, groups: apiGroups(of: kinds), namespace: namespace)
        case .list(let target):
            let live = try folder.items().map(\.object)
            guard let object = target.removal(of: id, at: inPlace, live: live) else { return [] }
            return try folder.changes(for: KubernetesPlan(summary: "", objects: [object]))
        }
    }

    /// The error for a filter that a folder has not.
    func missing(inFolder folder: String) -> CommandError {
        switch place {
        case .objects:
            let place = namespace.map { " of namespace \"\($0)\"" } ?? ""
            return CommandError(
                .failed, "there is no deployment \"\(id)\"\(place) in \"\(folder)\"",
                hint: "its files have the label wasme.io/id: \(id); --branch names another branch")
        case .list(let target):
            return CommandError(
                .failed, "there is no filter \"\(id)\" of \(target.title) in \"\(folder)\"",
                hint: "--branch names another branch")
        }
    }
}

extension KubernetesUndeploy {
    /// Takes the filter out as a command line says it, and prints what became of it.
    func run(
        _ git: GitOptions, _ cluster: ClusterOptions, _ change: ClusterChangeOptions, _ output: OutputOptions,
        in context: CommandContext
    ) async throws {
        if let folder = git.git {
            try git.check(change, cluster.given + change.given)
            return try await git.commit(
                [id], "Undeploy \(id) from \(word)", isDryRun: change.dryRun != nil, output, in: context
            ) {
                let changes = try self.changes(of: $0)
                guard !changes.isEmpty else { throw missing(inFolder: folder) }
                return changes
            }
        }
        let changes = try await carryOut(cluster, change, in: context)
        guard !changes.isEmpty else { throw missing(cluster) }
        try output.print(ClusterChangeResult(id, changes, isDryRun: change.dryRun != nil), in: context)
    }
}
