// SPDX-License-Identifier: Apache-2.0

import Deployment
import KubernetesControl

extension KubernetesDeploy {
    /// What earlier deploys under the id have left in a cluster: perhaps of another kind than is rendered now, as when an
    /// EnvoyFilter has to say what a WasmPlugin cannot.
    ///
    /// Both would run the filter twice: what is not rendered again is replaced.
    /// - Parameters:
    ///   - id: the deployment.
    ///   - target: what renders it.
    ///   - namespace: where its objects are; nil for the context's own.
    ///   - writer: the clusters.
    /// - Returns: the objects of each cluster.
    /// - Throws: `KubernetesError`, but not for a lack of rights: that is only noted.
    func former(
        _ id: String, _ target: Target, in namespace: String?, _ writer: ClusterWriter
    ) async throws -> [[ClusterObject]] {
        guard !target.kinds.isEmpty else { return writer.contexts.map { _ in [] } }
        do {
            let found = try await writer.find(target.kinds, namespace: namespace)
            return writer.contexts.map { context in
                found.filter { $0.context == context }.map(\.object)
            }
        } catch let error as KubernetesError where error.code == .denied {
            output.note(
                "note: whether an earlier deploy has left an object of another kind is not known: \(error.message)",
                in: context)
            return writer.contexts.map { _ in [] }
        }
    }
}
