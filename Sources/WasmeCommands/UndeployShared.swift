// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
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
        try await KubernetesUndeploy(
            id, GlooVerbs.word, .list(target.renderer), in: cluster.namespace,
            usually: GlooVerbs.usualNamespace
        ).run(git, cluster, change, output, in: context)
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
        try await KubernetesUndeploy(
            id, ConsulVerbs.word, .list(target.renderer), in: cluster.namespace,
            usually: ConsulVerbs.usualNamespace
        ).run(git, cluster, change, output, in: context)
    }
}
