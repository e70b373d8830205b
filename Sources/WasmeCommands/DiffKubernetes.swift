// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics
import KubernetesControl

/// `wasme diff istio` and its like.
struct DiffKubernetes<Deploy: KubernetesDeployVerb>: WasmeCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: Deploy.Verbs.word,
            abstract: "Show what a deploy to \(Deploy.Verbs.title) would change.",
            discussion: """
                The image, the configuration and the cluster are looked at as a deploy would; \
                nothing is written, and the API server says what would come of it. The exit \
                status is 1 if something would change.

                Example:
                  wasme diff \(Deploy.Verbs.word) \(Deploy.example)
                """)
    }

    @OptionGroup var deploy: Deploy

    func validate() throws {
        let change = deploy.options.change
        let given = [
            deploy.options.output.map { _ in "--output" },
            deploy.options.printDeployment ? "--print-deployment" : nil,
            change.dryRun.map { _ in "--dry-run" }, change.atomic ? "--atomic" : nil,
            deploy.proof.wait ? "--wait" : nil, deploy.options.git.given.first,
        ]
        if let option = given.compactMap({ $0 }).first {
            throw ValidationError("\(option) is for a deploy: a diff writes nothing anyway")
        }
    }

    func run(in context: CommandContext) async throws {
        let result = try await KubernetesDeploy(
            options: deploy.options, output: deploy.output, context: context
        ).difference { .init(try deploy.target($0)) }
        try deploy.output.print(result, in: context)
        if !result.isEmpty { throw ExitCode.failure }
    }
}

extension KubernetesDeploy {
    /// What a deploy would change.
    /// - Throws: a `Diagnostic`.
    func difference(_ makeTarget: (StoredFilter) throws -> Target) async throws -> ClusterDifferenceResult {
        var deploy = self
        deploy.options.change.dryRun = .server
        let (deployment, place, target, image) = try await deploy.prepare(makeTarget)
        let made = try await deploy.carryOut(deployment, place, target, image)
        return ClusterDifferenceResult(deployment.id, made?.1 ?? [])
    }
}

/// What a deploy would change in clusters.
struct ClusterDifferenceResult: CommandResult {
    let id: String
    let changes: [ClusterChangeResult.Change]

    init(_ id: String, _ changes: [ObjectChange]) {
        self.id = id
        self.changes = changes.map { ClusterChangeResult.Change($0) }
    }

    /// Whether nothing would change.
    var isEmpty: Bool { !changes.contains(where: \.isChange) }

    var text: String {
        changes.flatMap { change in
            change.isChange
                ? change.lines(isDryRun: true) : ["\(change.title) has \"\(id)\" like this already"]
        }.joined(separator: "\n")
    }

    var brief: String { changes.filter(\.isChange).map { "\($0.kind)/\($0.name)" }.joined(separator: "\n") }
}
