// SPDX-License-Identifier: Apache-2.0

import Deployment

/// `wasme deploy istio` and its like.
protocol KubernetesDeployVerb: WasmeCommand {
    /// What the other verbs of the target say.
    associatedtype Verbs: KubernetesVerbTarget
    /// What stands on the command line after the verb, in examples.
    static var example: String { get }
    var options: KubernetesDeployOptions { get }
    var proof: ProofOptions { get }
    var output: OutputOptions { get }

    /// The target with what it is told; where it runs is said by `options`.
    /// - Throws: `CommandError` of usage.
    func target(_ image: StoredFilter) throws -> FilterDeploymentFile.Target
}

extension KubernetesDeployVerb {
    func run(in context: CommandContext) async throws {
        try proof.check(Verbs.word, of: options.reference)
        try await KubernetesDeploy(options: options, output: output, context: context).run(proof: proof) {
            .init(try target($0))
        }
    }
}
