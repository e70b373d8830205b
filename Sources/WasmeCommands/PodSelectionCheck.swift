// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import KubernetesControl

extension KubernetesDeploy {
    /// Warns of objects whose labels no pod has: they are taken, and do nothing.
    ///
    /// It is never a reason to fail: pods may come later, and who deploys need not have the right to see them.
    func warnOfMissedPods(_ changes: [ObjectChange]) async throws {
        for change in changes where change.kind != .deleted {
            guard let selection = PodSelection(change.object) else { continue }
            let kubectl = try options.cluster.kubectl(in: context).with(context: change.context)
            let place = change.context.map { " (context \"\($0)\")" } ?? ""
            do {
                guard let words = try await kubectl.miss(of: selection) else { continue }
                output.note("warning: \(change.object.title)\(place) \(words)", in: context)
            } catch let error as KubernetesError {
                output.note(
                    "note: whether \(change.object.title)\(place) selects a pod is not known: \(error.message)",
                    in: context)
            }
        }
    }
}
