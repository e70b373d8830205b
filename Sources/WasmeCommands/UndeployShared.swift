// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics
import JSON
import KubernetesControl

/// `wasme undeploy gloo`.
struct UndeployGloo: WasmeCommand {
    static let configuration = CommandConfiguration(
        commandName: "gloo", abstract: "Take a filter out of a gateway of Gloo.")

    @Argument(help: ArgumentHelp("The deployment's name.", valueName: "id"))
    var id: String

    @OptionGroup var target: GlooVerbs
    @OptionGroup var git: GitOptions
    @OptionGroup(title: "Clusters") var cluster: ClusterOptions
    @OptionGroup(title: "The change") var change: ClusterChangeOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        try await cluster.remove(id, from: target.renderer, git, change, output, in: context)
    }
}

/// `wasme undeploy consul`.
struct UndeployConsul: WasmeCommand {
    static let configuration = CommandConfiguration(
        commandName: "consul", abstract: "Take a filter out of the proxies of a service of Consul.")

    @Argument(help: ArgumentHelp("The deployment's name.", valueName: "id"))
    var id: String

    @OptionGroup var target: ConsulVerbs
    @OptionGroup var git: GitOptions
    @OptionGroup(title: "Clusters") var cluster: ClusterOptions
    @OptionGroup(title: "The change") var change: ClusterChangeOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        try await cluster.remove(id, from: target.renderer, git, change, output, in: context)
    }
}

extension ClusterOptions {
    /// Takes a filter out of a list that belongs to others.
    fileprivate func remove(
        _ id: String, from target: some SharedObjectTarget, _ git: GitOptions,
        _ change: ClusterChangeOptions, _ output: OutputOptions, in context: CommandContext
    ) async throws {
        var place = KubernetesPlace()
        place.namespace = namespace ?? target.usualNamespace
        if git.git != nil {
            try git.check(change, given + change.given)
            return try await git.undeploy(
                id, from: target, at: place, isDryRun: change.dryRun != nil, output, in: context)
        }
        let writer = try writer(id, in: context)
        var options = change.options(place.namespace)
        options.isDryRun = change.dryRun != nil
        let present = try await writer.present(
            [ClusterWriter.Item(target.object(with: [], place))], options)
        let items = present.map { live in
            target.removal(of: id, at: place, live: live.map { .object($0.json) }).map {
                [ClusterWriter.Item($0)]
            } ?? []
        }
        guard items.contains(where: { !$0.isEmpty }) else {
            throw CommandError(
                .failed,
                "there is no filter \"\(id)\" in \(present.first?.first?.title ?? "what \(target.title) has")",
                hint: "look at it with kubectl")
        }
        let changes = try await writer.apply(items, options)
        try output.print(ClusterChangeResult(id, changes, isDryRun: options.isDryRun), in: context)
    }
}
