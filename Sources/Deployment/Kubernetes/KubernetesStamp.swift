// SPDX-License-Identifier: Apache-2.0

package import JSON
private import OCI

/// What an object says of itself: that it is ours, what it runs, who deployed it, and what ran before.
package enum KubernetesStamp {
    /// Recommended by Kubernetes for the tool that manages an object ("Recommended Labels").
    package static let managedBy = (key: "app.kubernetes.io/managed-by", value: "wasme")
    package static let idLabel = "wasme.io/id"

    /// The key of an annotation of a deployment.
    ///
    /// Several can share an object that belongs to others: there the id is part of it.
    package static func annotation(_ name: String, of id: String, in object: KubernetesObject) -> String {
        object.isShared ? "\(id).wasme.io/\(name)" : "wasme.io/\(name)"
    }

    /// Whether a live object is ours to change and to delete.
    package static func isOurs(_ live: JSONValue) -> Bool {
        live.metadata?["labels"]?.object?[managedBy.key]?.string == managedBy.value
    }

    /// Which deployments a live object holds, ours or shared.
    package static func deployments(in live: JSONValue) -> [String] {
        if isOurs(live), let id = live.metadata?["labels"]?.object?[idLabel]?.string { return [id] }
        let suffix = ".wasme.io/digest"
        return (live.metadata?["annotations"]?.object?.names ?? [])
            .filter { $0.hasSuffix(suffix) }.map { String($0.dropLast(suffix.count)) }
    }

    /// What has been deployed, as a live object tells it.
    package static func history(of id: String, in live: JSONValue) -> KubernetesHistory {
        let annotations = live.metadata?["annotations"]?.object
        let text = annotations?["wasme.io/history"]?.string ?? annotations?["\(id).wasme.io/history"]?.string
        return KubernetesHistory(id: id, annotation: text)
    }

    /// Labels and annotates the objects of a plan; the last one keeps the history.
    static func apply(
        _ request: KubernetesRequest, _ target: FilterDeploymentFile.Target,
        to objects: inout [KubernetesObject]
    ) {
        let deployment = request.deployment
        guard let last = objects.last else { return }
        let live = request.live.first { $0.isSameObject(as: last) }
        // An object of another kind may have been deployed under the id before.
        let former = request.live.filter { isOurs($0) && deployments(in: $0).contains(deployment.id) }
        var history =
            ((live.map { [$0] } ?? []) + former).lazy.map { Self.history(of: deployment.id, in: $0) }
            .first { !$0.revisions.isEmpty } ?? KubernetesHistory()
        history.add(
            deployment, at: target, author: request.author, time: request.time,
            limit: last.isShared ? KubernetesHistory.maximumSharedSize : KubernetesHistory.maximumSize)
        for index in objects.indices {
            if objects[index].isShared {
                keepOthers(than: deployment.id, of: live, in: &objects[index])
            } else {
                objects[index].labels[managedBy.key] = managedBy.value
                objects[index].labels[idLabel] = deployment.id
            }
            let object = objects[index]
            func set(_ name: String, _ value: String?) {
                objects[index].annotations[annotation(name, of: deployment.id, in: object)] = value
            }
            set("image", deployment.image?.description)
            set("digest", deployment.digest.description)
            // Who applies the same again has not deployed it, and changes nothing.
            set("deployed-by", history.revisions.last?.author)
            if index == objects.count - 1 { set("history", history.annotation) }
        }
    }

    /// What is said of other deployments stays: what the same field manager does not apply again goes.
    static func keepOthers(than id: String, of live: JSONValue?, in object: inout KubernetesObject) {
        for (name, value) in live?.metadata?["annotations"]?.object?.members ?? []
        where !name.hasPrefix("\(id).wasme.io/") {
            guard name.contains(".wasme.io/"), let text = value.string else { continue }
            object.annotations[name] = text
        }
    }
}

extension JSONValue {
    var metadata: JSONObject? { object?["metadata"]?.object }

    /// Whether this is the live form of an object.
    func isSameObject(as other: KubernetesObject) -> Bool {
        guard let object, object["kind"]?.string == other.kind, metadata?["name"]?.string == other.name
        else { return false }
        let group = object["apiVersion"]?.string.map {
            $0.contains("/") ? String($0.prefix { $0 != "/" }) : ""
        }
        guard group == other.group else { return false }
        return other.namespace == nil || metadata?["namespace"]?.string == other.namespace
    }
}
