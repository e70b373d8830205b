// SPDX-License-Identifier: Apache-2.0

import Deployment

/// `wasme deploy istio` and its like.
protocol KubernetesDeployVerb: WasmeCommand {
    /// What the other verbs of the target say.
    associatedtype Verbs: KubernetesVerbTarget
    /// What stands on the command line after the verb, in examples.
    static var example: String { get }
    var options: KubernetesDeployOptions { get }
    var output: OutputOptions { get }

    /// Whether it is to be proved.
    var waits: Bool { get }

    /// The target with what it is told; where it runs is said by `options`.
    /// - Throws: `CommandError` of usage.
    func target(_ image: StoredFilter) throws -> FilterDeploymentFile.Target
}

extension KubernetesDeployVerb {
    var waits: Bool { false }

    func run(in context: CommandContext) async throws {
        try await KubernetesDeploy(options: options, output: output, context: context).run {
            .init(try target($0))
        }
    }
}
