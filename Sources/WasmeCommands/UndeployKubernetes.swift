// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KubernetesControl

/// `wasme undeploy istio` and its like.
struct UndeployKubernetes<Target: KubernetesOwnedTarget>: WasmeCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: Target.word, abstract: "Take a filter out of \(Target.title).",
            discussion: """
                Deletes the objects with wasme's labels and this id, and nothing else.

                Examples:
                  wasme undeploy \(Target.word) add-header -n shop
                  wasme undeploy \(Target.word) add-header --git fleet/shop
                """)
    }

    @Argument(help: ArgumentHelp("The deployment's name.", valueName: "id"))
    var id: String

    @OptionGroup var git: GitOptions
    @OptionGroup(title: "Clusters") var cluster: ClusterOptions
    @OptionGroup(title: "The change") var change: ClusterChangeOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        try await KubernetesUndeploy(
            id, Target.word, .objects(Target.kinds), in: cluster.namespace, usually: Target.usualNamespace
        ).run(git, cluster, change, output, in: context)
    }
}
