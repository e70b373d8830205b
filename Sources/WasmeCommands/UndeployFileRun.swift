// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics
import KubernetesControl
import SystemPackage

/// An undeploy of all documents of a file, the last one first.
struct UndeployFileRun {
    private let command: UndeployFile
    private let context: CommandContext
    private var output: OutputOptions { command.output }
    private var isDryRun: Bool { command.dryRun != nil }
    private var done: [Done] = []
    private var missing: [CommandError] = []

    /// What is gone.
    private struct Done {
        let id: String
        /// What became of its objects; nil for Envoys, which go back by a rollback.
        var changes: [ObjectChange]?
    }

    init(_ command: UndeployFile, context: CommandContext) {
        self.command = command
        self.context = context
    }

    /// Takes all of it out; what is not there is said, and is an error once the rest is done.
    mutating func carryOut(_ files: [FilterDeploymentFile], from name: String) async throws {
        let steps = try steps(files.reversed(), from: name)
        let commits = command.kubernetes.git.git != nil
        // Before any Envoy is changed, as by a deploy.
        if commits { try await commit(steps) }
        do {
            for step in steps {
                switch step {
                case .envoys(let named): try await undeploy(named)
                case .kubernetes(let undeploy): if !commits { try await self.undeploy(undeploy) }
                }
            }
        } catch {
            await end()
            throw error
        }
        guard let first = missing.first, !command.ignoreNotFound else { return }
        throw CommandError(
            .failed,
            missing.count == 1 ? first.message : "\(missing.count) of the file's deployments are not there",
            hint: "the rest is done; with --ignore-not-found it is no error")
    }

    // MARK: - What is to be done

    private enum Step {
        case envoys(NamedFleet)
        case kubernetes(KubernetesUndeploy)
    }

    private func steps(_ files: [FilterDeploymentFile], from name: String) throws -> [Step] {
        let steps = try files.compactMap { file -> Step? in
            if let named = NamedFleet(file, from: name, in: context) { return .envoys(named) }
            guard let (target, place) = KubernetesDeploy.Target.named(file.target) else { return nil }
            try KubernetesDeploy.check(file, command.cluster, waits: false)
            return try target.undeploy(
                file.kubernetesID, in: place.namespace ?? command.cluster.namespace
            ).map { .kubernetes($0) }
        }
        let hasClusters = steps.contains { if case .kubernetes = $0 { true } else { false } }
        if !hasClusters, let option = (command.kubernetes.given + command.cluster.given).first {
            throw CommandError(
                .usage, "\(option) is for targets on Kubernetes, and the file names none",
                hint: "leave it out")
        }
        if hasClusters { try command.kubernetes.git.check(command.clusterChange, gitMisfits) }
        return steps
    }

    private var gitMisfits: [String] {
        command.cluster.given
            + [
                command.kubernetes.forceConflicts ? "--force-conflicts" : nil,
                command.change.atomic ? "--atomic" : nil,
            ].compactMap { $0 }
    }

    // MARK: - Doing

    private mutating func undeploy(_ undeploy: KubernetesUndeploy) async throws {
        let change = try command.clusterChange
        let changes = try await undeploy.carryOut(command.cluster, change, in: context)
        guard !changes.isEmpty else { return miss(undeploy.missing(command.cluster)) }
        done.append(Done(id: undeploy.id, changes: changes))
        try output.print(ClusterChangeResult(undeploy.id, changes, isDryRun: isDryRun), in: context)
    }

    private mutating func undeploy(_ named: NamedFleet) async throws {
        let id = named.file?.id ?? ""
        let histories = try command.change.deployer(named, quiet: true, in: context).histories()
        var there = named
        there.fleet.members = []
        for (member, history) in zip(named.fleet.members, histories) {
            if history.current(id) != nil {
                there.fleet.members.append(member)
            } else {
                miss(CommandError(.failed, "there is no deployment \"\(id)\" in \"\(member.slot)\""))
            }
        }
        guard !there.fleet.members.isEmpty else { return }
        guard !isDryRun else {
            return try output.print(
                EnvoyUndeployPlan(id: id, slots: there.fleet.members.map(\.slot.string)), in: context)
        }
        let outcome = try await command.change.deployer(there, quiet: output.quiet, in: context).undeploy(id)
        done.append(Done(id: id))
        let paint = Paint(isActive: context.terminal.showsColour)
        try output.print(EnvoyChangeResult("undeployed", id, outcome, paint: paint), in: context)
    }

    /// Commits that none of it is in a folder any more.
    private mutating func commit(_ steps: [Step]) async throws {
        let undeploys = steps.compactMap { if case .kubernetes(let undeploy) = $0 { undeploy } else { nil } }
        guard !undeploys.isEmpty else { return }
        let git = command.kubernetes.git
        let ids = undeploys.map(\.id)
        let lines = undeploys.map { "\($0.id) from \($0.word)" }
        var absent: [KubernetesUndeploy] = []
        try await git.commit(
            ids, GitOptions.message("Undeploy", ids, lines), isDryRun: isDryRun, output, in: context
        ) { folder in
            try undeploys.reduce(into: []) { changes, undeploy in
                let more = try undeploy.changes(of: folder.after(changes))
                if more.isEmpty { absent.append(undeploy) }
                changes.add(more)
            }
        }
        for undeploy in absent { miss(undeploy.missing(inFolder: git.git ?? "")) }
        done += undeploys.filter { one in !absent.contains { $0.id == one.id } }.map { Done(id: $0.id) }
    }

    // MARK: - Telling

    private mutating func miss(_ error: CommandError) {
        missing.append(error)
        output.note("note: \(error.message)", in: context)
    }

    /// Says what is gone already when a later one cannot be taken out, once what can come back is there again.
    private func end() async {
        guard !isDryRun else { return }
        var (gone, back) = ([String](), [String]())
        for one in done.reversed() {
            if command.change.atomic, let changes = one.changes, await takeBack(one.id, changes) {
                back.append(one.id)
            } else {
                gone.append(one.id)
            }
        }
        for (ids, words) in [(back, "and as it was again"), (gone, "and gone")] where !ids.isEmpty {
            let list = ids.reversed().map { "\"\($0)\"" }.joined(separator: ", ")
            output.note("note: undeployed before that, \(words): \(list)", in: context)
        }
    }

    /// - Returns: whether all of it is as it was.
    private func takeBack(_ id: String, _ changes: [ObjectChange]) async -> Bool {
        guard var options = try? KubernetesDeployOptions.parse(["image"]) else { return false }
        options.cluster = command.cluster
        let deploy = KubernetesDeploy(options: options, output: output, context: context)
        return await deploy.takeBack(id, changes).isEmpty
    }
}

/// What an undeploy would take out of Envoys that stand alone.
struct EnvoyUndeployPlan: CommandResult {
    let id: String
    let slots: [String]

    var text: String { slots.map { "\(id) in \($0) would be undeployed" }.joined(separator: "\n") }
    var brief: String { id }
}
