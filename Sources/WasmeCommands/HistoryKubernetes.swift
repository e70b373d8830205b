// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics
import JSON
import KubernetesControl
import OCI

/// `wasme history istio` and its like.
struct HistoryKubernetes<Target: KubernetesVerbTarget>: WasmeCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: Target.word, abstract: "Show what was deployed to \(Target.title).",
            discussion: """
                The history is kept in an annotation of the objects: it goes with them.

                Example:
                  wasme history \(Target.word) add-header\(Target.exampleOptions)
                """)
    }

    @Argument(help: ArgumentHelp("Of this deployment alone.", valueName: "id"))
    var id: String?

    @OptionGroup var target: Target
    @OptionGroup(title: "Clusters") var cluster: ClusterOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        let found = try await target.deployments(of: id, cluster, in: context)
        if let id, found.isEmpty { throw noDeployment(id, Target.word, cluster, target.repeated) }
        let rows = found.flatMap { found -> [ClusterHistoryResult.Row] in
            let revisions = found.history.revisions
            return revisions.map { .init($0, found, isLive: $0 == revisions.last) }
        }
        try output.print(ClusterHistoryResult(revisions: rows), in: context)
    }
}

/// What was deployed into clusters.
struct ClusterHistoryResult: CommandResult {
    struct Row: Encodable {
        let context: String?
        let namespace: String?
        let id: String
        let revision: Int
        let live: Bool
        let time: String
        let who: String
        let image: String?
        let digest: String
        let configuration: String?
        /// Where it ran and what the target was told, as `spec.deployment` of a file has it, in JSON; nil for revisions of
        /// older versions.
        let target: String?

        init(_ revision: KubernetesHistory.Revision, _ found: ClusterDeployment, isLive: Bool) {
            context = found.context
            namespace = found.object.namespace
            id = found.id
            self.revision = revision.number
            live = isLive
            time = revision.time
            who = revision.author
            image = revision.deployment.image.map { "\($0)" }
            digest = revision.deployment.digest.description
            configuration = revision.deployment.configuration
            target = revision.target.map { "\($0.section)" }
        }
    }

    let revisions: [Row]

    var text: String {
        guard !revisions.isEmpty else { return "nothing was deployed there" }
        return table(
            ["", "ID", "REV", "WHEN", "WHO", "IMAGE", "DIGEST", "CONTEXT"],
            revisions.map { row in
                [
                    row.live ? "*" : "", row.id, "\(row.revision)", row.time, row.who, row.image ?? "",
                    String(row.digest.dropFirst(7).prefix(12)), row.context ?? "",
                ]
            })
    }
    var brief: String { revisions.map { "\($0.id) \($0.revision)" }.joined(separator: "\n") }
}
