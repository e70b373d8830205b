// SPDX-License-Identifier: Apache-2.0

import Deployment
import Diagnostics
import KubernetesControl
import OCI

extension KubernetesDeploy {
    /// Whether no cluster is asked: the objects are printed, written into a folder, or committed.
    var asksNoCluster: Bool {
        options.change.dryRun == .client || options.output != nil || options.git.git != nil
    }

    /// Refuses options that would be without effect.
    func checkDestination(waits: Bool) throws {
        if waits, options.output != nil || options.git.git != nil {
            throw CommandError(
                .usage,
                "--wait asks proxies, and \(options.output == nil ? "--git" : "--output") asks no cluster",
                hint: "leave it out; 'wasme status' shows it once a controller has applied it")
        }
        guard options.git.git != nil else { return }
        if options.output != nil {
            throw CommandError(
                .usage, "--git writes the files itself: --output cannot name another folder",
                hint: "leave one of them out")
        }
        try options.git.check(
            options.change,
            options.cluster.given + options.change.given)
    }

    /// Prints what a cluster would get, or writes it where a controller takes it from.
    func carryOutWithoutCluster(_ request: KubernetesRequest, _ target: Target) async throws {
        let isDryRun = options.change.dryRun != nil
        if options.git.git != nil { return try await commit([(request, target)]) }
        guard let folder = options.output else {
            let plan = try target.make(request).plan(request)
            warn(plan.warnings)
            return context.terminal.writeOutput(plan.text)
        }
        let (plan, changes) = try change(KubernetesFolder(context.path(folder)), request, target)
        if isDryRun { context.terminal.writeOutput(plan.text) }
        for change in changes {
            if !isDryRun { try change.carryOut() }
            let word = isDryRun && change.kind != .unchanged ? "would be " : ""
            output.note("\(word)\(change.kind.rawValue) \(change.path)", in: context)
        }
    }

    /// Commits what documents of a file say of clusters: all of them at once, or nothing.
    /// - Throws: a `Diagnostic`.
    func commit(_ files: [FilterDeploymentFile]) async throws {
        var orders: [(request: KubernetesRequest, target: Target)] = []
        for file in files {
            guard let found = try await prepare(file) else { continue }
            let request = try request(found.deployment, found.place, version: version())
            try await check(found.image, for: found.target.word, request.version.map { [$0] } ?? [])
            orders.append((request, found.target))
        }
        try await commit(orders)
    }

    private func commit(_ orders: [(request: KubernetesRequest, target: Target)]) async throws {
        let lines = orders.map { request, target in
            let deployment = request.deployment
            let image = deployment.image.map { "\($0)" } ?? "an image"
            return "\(deployment.id) to \(target.word): \(image) (\(deployment.digest.short))"
        }
        let ids = orders.map(\.request.deployment.id)
        try await options.git.commit(
            ids, GitOptions.message("Deploy", ids, lines), isDryRun: options.change.dryRun != nil, output,
            in: context
        ) { folder in
            // Two filters can be in one list: the second is added to what the first has made of it.
            try orders.reduce(into: []) { changes, order in
                changes.add(try change(folder.after(changes), order.request, order.target).changes)
            }
        }
    }

    /// What the deployment makes of a folder, whose objects have its history and say whose they are.
    private func change(
        _ folder: KubernetesFolder, _ request: KubernetesRequest, _ target: Target
    ) throws -> (plan: KubernetesPlan, changes: [FileChange]) {
        var request = request
        let first = try target.make(request).plan(request)
        request.live = try folder.items(needed: Set(first.objects.map(KubernetesPlan.fileName)))
            .map(\.object)
        let made = try target.make(request)
        let plan = try made.plan(request)
        warn(try plan.warnings + made.conflicts(of: plan, with: request.live))
        return (plan, try folder.changes(for: plan, in: target.groups))
    }
}
