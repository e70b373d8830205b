// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics
import HostProfiles
import ImageTransfer
import JSON
import KubernetesControl
import OCI

/// `wasme rollback istio` and its like.
struct RollbackKubernetes<Target: KubernetesVerbTarget>: WasmeCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: Target.word, abstract: "Bring back what a deployment to \(Target.title) was before.",
            discussion: """
                Image, configuration, where the filter runs and what the target was told \
                come back as the history has them. An image that can be had is held against \
                the target as a deploy does.

                Example:
                  wasme rollback \(Target.word) add-header\(Target.exampleOptions) --to 3
                """)
    }

    @Argument(help: ArgumentHelp("The deployment's name.", valueName: "id"))
    var id: String

    @Option(
        help: ArgumentHelp(
            "The revision, as 'wasme history' shows it (default: the one before).", valueName: "number"))
    var to: Int?

    @OptionGroup var target: Target

    @Flag(help: "Bring back also what the target's version is known not to take.")
    var noCheck = false

    @Option(
        help: ArgumentHelp(
            "The version of the mesh or gateway, as in 1.30 (default: found, for Istio).",
            valueName: "version"))
    var targetVersion: String?

    @OptionGroup(title: "Clusters") var cluster: ClusterOptions
    @OptionGroup(title: "The change") var change: ClusterChangeOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Registry options") var access: RegistryAccessOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        let found = try await target.deployments(of: id, cluster, in: context)
        guard !found.isEmpty else { throw noDeployment(id, Target.word, cluster, target.repeated) }
        for name in cluster.contexts where !found.contains(where: { $0.context == name }) {
            output.note("note: there is no deployment \"\(id)\" in context \"\(name)\"", in: context)
        }
        let returns = try found.map { try returning($0, in: context) }
        var options = try KubernetesDeployOptions.parse(["image"])
        (options.cluster, options.change, options.store, options.access) = (cluster, change, store, access)
        (options.noCheck, options.targetVersion) = (noCheck, targetVersion)
        let deploy = KubernetesDeploy(options: options, output: output, context: context)
        guard let changes = try await deploy.bringBack(returns, id, target.repeated) else { return }
        try output.print(ClusterChangeResult(id, changes, isDryRun: change.dryRun != nil), in: context)
    }

    /// What comes back in one cluster.
    private func returning(
        _ found: ClusterDeployment, in context: CommandContext
    ) throws -> KubernetesDeploy.Return {
        let revision: KubernetesHistory.Revision
        do { revision = try found.history.revision(to) } catch let error as DeploymentError {
            throw CommandError(
                .failed,
                "\(found.object.title)\(found.context.map { " of context \"\($0)\"" } ?? ""): \(error.message)",
                hint: error.hint)
        }
        let former = try revision.target ?? target.former(found)
        if revision.target == nil {
            output.note(
                "note: an older version has deployed revision \(revision.number) and has not kept where it ran: it runs where the filter runs now",
                in: context)
        }
        var place = former.place ?? KubernetesPlace()
        // An object stays in its namespace.
        place.namespace = found.object.namespace
        return .init(
            context: found.context, deployment: revision.deployment, place: place,
            target: KubernetesDeploy.Target(former))
    }
}

extension KubernetesVerbTarget {
    /// What examples in help name besides the deployment.
    static var exampleOptions: String {
        switch word {
        case "gloo": " --gateway edge"
        case "consul": " --service web -n shop"
        default: usualNamespace == nil ? " -n shop" : ""
        }
    }
}

extension KubernetesDeploy {
    /// A revision that comes back in a cluster.
    struct Return {
        let context: String?
        let deployment: FilterDeployment
        let place: KubernetesPlace
        let target: Target
    }

    /// Renders all revisions for their clusters, and only then writes them, in one go.
    /// - Parameters:
    ///   - returns: what comes back; the same deployment in all of them.
    ///   - id: the deployment.
    ///   - repeated: the target's options that find it.
    /// - Returns: what became of the objects; nil if they were only printed.
    /// - Throws: a `Diagnostic`.
    func bringBack(_ returns: [Return], _ id: String, _ repeated: String) async throws -> [ObjectChange]? {
        guard let word = returns.first?.target.word else { return [] }
        let versions = try await versions(of: word)
        try await checkImages(of: returns.map(\.deployment), word, versions)
        var plans: [(context: String?, plan: KubernetesPlan)] = []
        var replaced: [(context: String?, objects: [ClusterObject])] = []
        var warnings: [String] = []
        for item in returns {
            var request = request(item.deployment, item.place)
            // The oldest: what it takes, all take.
            request.version = versions.min()
            let writer = ClusterWriter(
                try options.cluster.kubectl(in: context).with(context: item.context), id: id)
            let first = try item.target.make(request).plan(request)
            let present = try await writer.present(
                first.objects.map { ClusterWriter.Item($0) }, options.change.options(nil))
            let former = try await former(id, item.target, in: item.place.namespace, writer).flatMap { $0 }
            request.live = (present.joined() + former).map { .object($0.json) }
            let made = try item.target.make(request)
            let plan = try made.plan(request)
            warnings += plan.warnings
            warnings += try made.conflicts(of: plan, with: request.live)
            plans.append((item.context, plan))
            let gone = former.filter { plan.replaces(.object($0.json), in: item.target.groups) }
            replaced.append((item.context, gone))
        }
        warn(warnings)
        if options.change.dryRun == .client {
            context.terminal.writeOutput(plans.map(\.plan.text).joined(separator: "---\n"))
            return nil
        }
        let writer = try options.cluster.writer(id, in: context)
        // All objects name their namespaces, and those of clusters may differ.
        var changeOptions = options.change.options(nil)
        changeOptions.takeBack =
            "wasme rollback \(word) \(id)\(repeated)\(options.cluster.repeatedAnywhere)"
        let items = writer.contexts.map { context in
            plans.filter { $0.context == context }.flatMap { $0.plan.objects.map { ClusterWriter.Item($0) } }
        }
        let gone = writer.contexts.map { context in
            replaced.filter { $0.context == context }.flatMap(\.objects)
        }
        return try await writer.apply(items, replacing: gone, changeOptions)
    }

    /// Holds images against the target as a deploy does, where they can be had: one that is gone from its registry may still
    /// be in the cluster's own caches.
    private func checkImages(
        of deployments: [FilterDeployment], _ word: String, _ versions: [HostVersion]
    ) async throws {
        guard !options.noCheck else { return }
        var seen: Set<Digest> = []
        for deployment in deployments where seen.insert(deployment.digest).inserted {
            guard var reference = deployment.image else { continue }
            reference.digest = deployment.digest
            let image: StoredFilter
            do {
                image = try await StoredFilter.load(
                    .named(reference), store: options.store, access: options.access, quiet: output.quiet,
                    in: context)
            } catch let error as any Diagnostic {
                output.note(
                    "note: \"\(reference)\" is not held against \(word), as it cannot be had here: \(error.message)",
                    in: context)
                continue
            }
            try await check(image, for: word, versions)
        }
    }
}
