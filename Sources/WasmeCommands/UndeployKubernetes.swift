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
        if git.git != nil {
            try git.check(change, cluster.given + change.given)
            return try await git.undeploy(
                id, Target.word, kinds: Target.kinds, namespace: cluster.namespace,
                isDryRun: change.dryRun != nil, output, in: context)
        }
        let writer = try cluster.writer(id, in: context)
        var options = change.options(cluster.namespace ?? Target.usualNamespace)
        options.isDryRun = change.dryRun != nil
        let changes = try await writer.remove(
            Target.kinds, namespace: cluster.namespace ?? Target.usualNamespace, options)
        guard !changes.isEmpty else { throw noDeployment(id, Target.word, cluster) }
        try output.print(ClusterChangeResult(id, changes, isDryRun: options.isDryRun), in: context)
    }
}
