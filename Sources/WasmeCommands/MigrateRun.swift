// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics
import JSON
import KubernetesControl
import OCI

/// A migration in one cluster, or of files.
struct MigrationRun {
    private let command: Migrate
    private let cluster: (there: OriginalCluster, context: String?)?
    private let context: CommandContext

    init(_ command: Migrate, cluster: (OriginalCluster, String?)?, context: CommandContext) {
        self.command = command
        self.cluster = cluster
        self.context = context
    }

    private var name: String? { cluster?.context }
    private var isApplied: Bool { command.change.apply }

    private func note(_ text: String) {
        command.output.note("note: \(text)\(name.map { " (context \($0))" } ?? "")", in: context)
    }

    // MARK: - Telling

    /// Says what a plan is about to do, and adds it to the result.
    /// - Parameters:
    ///   - plan: the plan.
    ///   - others: the filters that are known to run a module of the cache, and the deployments of the operator.
    ///   - gaps: what could not be looked at.
    ///   - result: what is printed in the end.
    func tell(
        _ plan: MigrationPlan, others: [OriginalObject], gaps: [String], into result: inout MigrationResult
    ) {
        result.add(plan, name)
        let keepsOld = command.change.keepOld
        let remaining = others.filter { other in
            keepsOld || !plan.replaced.contains { $0.isSame(as: other) }
        }
        let staying = remaining.filter(\.usesCache)
        let deployments = remaining.filter { !$0.usesCache }
        let restored = keepsOld ? [] : plan.workloads.filter { !$0.isNeeded(by: staying) }
        result.workloads += restored.map { .init($0, name) }
        let mayEnd = !keepsOld && staying.isEmpty && gaps.isEmpty
        let ending =
            mayEnd
            ? plan.installation.filter { deployments.isEmpty || !OriginalWasme.isOperator($0) } : []
        result.installation += ending.map { .init($0, name) }
        result.notes += gaps
        guard !plan.isEmpty else {
            note("nothing of the original wasme is there\(gaps.isEmpty ? "" : ", as far as rights go")")
            return noteGaps(gaps)
        }
        let would = isApplied ? "will be" : "would be"
        noteGaps(gaps)
        for text in plan.notes { note(text) }
        for alone in plan.leftAlone { note("left alone: \(alone.object.title): \(alone.reason)") }
        for filter in plan.missing {
            note("left alone: \(filter.object.title): no image holds its module \(filter.module)")
        }
        if !keepsOld {
            for step in plan.steps {
                let ids = step.documents.map { "\"\($0.name)\"" }.joined(separator: ", ")
                for object in step.replaced {
                    note("\(would) deleted: \(object.title), once \(ids) is deployed")
                }
            }
            for workload in restored {
                let what = workload.changes.map { change in
                    change.after.map { "\(change.key) becomes \($0)" } ?? "\(change.key) goes"
                }
                note(
                    "\(would) changed: \(workload.object.title), whose pods restart: \(what.joined(separator: "; "))"
                )
            }
        }
        for workload in plan.workloads where !restored.contains(workload) {
            note("stays as it is: \(workload.object.title), as a filter that stays needs its annotations")
        }
        guard !plan.installation.isEmpty, !keepsOld else { return }
        if mayEnd {
            for object in ending { note("\(would) deleted at the end: \(object.title)") }
            if let deployment = deployments.first {
                note("the operator stays: it is for \(deployment.title) too")
            }
            note("the namespace of the cache stays: delete it yourself if nothing else is in it")
        } else {
            let why =
                staying.first.map { "\($0.title) runs a module of it" }
                ?? "not everything could be looked at"
            note("the cache and the operator stay: \(why)")
        }
    }

    private func noteGaps(_ gaps: [String]) {
        guard !gaps.isEmpty else { return }
        note("not everything could be looked at: \(gaps.joined(separator: "; "))")
    }

    // MARK: - Doing

    /// Deploys, and takes away what was there before, in the order that leaves no moment without a filter.
    /// - Parameters:
    ///   - plan: the plan.
    ///   - gaps: what could not be looked at.
    ///   - result: gets each change as soon as it is made.
    /// - Throws: a `Diagnostic`; what was changed before is in the result.
    func apply(_ plan: MigrationPlan, gaps: [String], into result: inout MigrationResult) async throws {
        guard let there = cluster?.there else { return }
        for (index, step) in plan.steps.enumerated() {
            do {
                try await apply(step, there, into: &result)
            } catch {
                let ids = plan.steps[index...].flatMap(\.documents).map { "\"\($0.name)\"" }
                note("not done, or not to the end: \(ids.joined(separator: ", "))")
                throw error
            }
        }
        guard !command.change.keepOld, !plan.workloads.isEmpty || !plan.installation.isEmpty else { return }
        try await cleanUp(plan, there, isComplete: gaps.isEmpty, into: &result)
    }

    private func apply(
        _ step: MigrationPlan.Step, _ there: OriginalCluster, into result: inout MigrationResult
    ) async throws {
        for document in step.documents {
            let deploy = try deploy(document)
            guard let changes = try await deploy.carryOut(document)?.changes else { continue }
            result.changes += changes.map { .init($0) }
        }
        guard !command.change.keepOld else { return }
        for object in step.replaced where try await there.delete(object) {
            result.changed(object, name, "deleted")
        }
    }

    /// Gives workloads their annotations back, and deletes what fed them, if nothing needs it any more.
    private func cleanUp(
        _ plan: MigrationPlan, _ there: OriginalCluster, isComplete: Bool, into result: inout MigrationResult
    ) async throws {
        let staying: [OriginalObject]
        do {
            staying = try await there.usesOfCache()
        } catch let error as KubernetesError where error.code == .denied {
            // Who may not look elsewhere knows at least what this plan leaves.
            staying = plan.leftAlone.map(\.object) + plan.missing.map(\.object)
        }
        for workload in plan.workloads where !workload.isNeeded(by: staying) {
            try await there.restore(workload)
            result.changed(workload.object, name, "restored")
        }
        guard staying.isEmpty, isComplete else { return }
        let deployments = try await there.deployments()
        for object in plan.installation where deployments.isEmpty || !OriginalWasme.isOperator(object) {
            if try await there.delete(object) { result.changed(object, name, "deleted") }
        }
    }

    /// What deploys a document in the same way as `wasme deploy -f`.
    private func deploy(_ document: FilterDeploymentFile) throws -> KubernetesDeploy {
        var options = try KubernetesDeployOptions.parse([document.filter.image.description])
        options.cluster = command.cluster
        options.cluster.namespace = document.namespace
        options.cluster.context = name
        options.change.forceConflicts = command.change.forceConflicts
        options.place.bestEffort = command.change.bestEffort
        options.targetVersion = command.change.targetVersion
        options.noCheck = command.change.noCheck
        (options.store, options.access) = (command.store, command.access)
        return KubernetesDeploy(options: options, output: command.output, context: context)
    }
}

extension OriginalWorkload {
    fileprivate func isNeeded(by filters: [OriginalObject]) -> Bool { filters.contains { isNeeded(by: $0) } }
}
