// SPDX-License-Identifier: Apache-2.0

package import Deployment
private import JSON

extension ClusterWriter.Item {
    /// An object of a plan.
    package init(_ object: KubernetesObject) {
        self.init(ClusterObject(object.value.json.object ?? JSONObject()), isShared: object.isShared)
    }
}
