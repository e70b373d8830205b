// SPDX-License-Identifier: Apache-2.0

package import Deployment
import JSON

extension OriginalCluster {
    /// Deletes an object of the original's, if it is still the one that was read.
    /// - Returns: whether it was there.
    /// - Throws: `KubernetesError`.
    @discardableResult
    package func delete(_ object: OriginalObject) async throws -> Bool {
        let subject = "delete \(object.title)"
        guard let path = Self.path(of: object), let uid = object.uid else {
            throw KubernetesError(
                .failed, "cannot \(subject): it is of a kind that the original did not write")
        }
        var conditions = JSONObject()
        conditions["uid"] = .string(uid)
        // What has a status changes by itself; what was edited meanwhile stays.
        if object.kind == "EnvoyFilter" {
            conditions["resourceVersion"] = object.resourceVersion.map { .string($0) }
        }
        let options: JSONValue = .object([
            "apiVersion": .string("v1"), "kind": .string("DeleteOptions"),
            "preconditions": .object(conditions), "propagationPolicy": .string("Background"),
        ])
        do {
            try await kubectl.run(
                ["delete", "--raw", path, "-f", "-"], input: Array(options.description.utf8), to: subject)
            return true
        } catch let error as KubernetesError where error.code == .notFound {
            return false
        }
    }

    /// Takes the original's annotations out of a workload's pod template; its pods start anew.
    /// - Throws: `KubernetesError`; nothing is changed if somebody else has changed one of them.
    package func restore(_ workload: OriginalWorkload) async throws {
        let object = workload.object
        let subject = "change the annotations of \(object.title)"
        let annotations = "/spec/template/metadata/annotations/"
        func operation(_ name: String, _ key: String, _ value: String?) -> JSONValue {
            var operation = JSONObject()
            operation["op"] = .string(name)
            let step = key.replacing("~", with: "~0").replacing("/", with: "~1")
            operation["path"] = .string(annotations + step)
            operation["value"] = value.map { .string($0) }
            return .object(operation)
        }
        // All of it holds for the values that were read, or none (RFC 6902 §5).
        var patch = workload.changes.compactMap { change in
            change.before.map { operation("test", change.key, $0) }
        }
        patch += workload.changes.map { change in
            guard let after = change.after else { return operation("remove", change.key, nil) }
            return operation(change.before == nil ? "add" : "replace", change.key, after)
        }
        do {
            try await kubectl.run(
                [
                    "patch", "\(object.kind.lowercased()).apps/\(object.name)", "--type", "json", "-p",
                    JSONValue.array(patch).description, "--field-manager", ClusterWriter.manager, "-o",
                    "name",
                ] + (object.namespace.map { ["-n", $0] } ?? []), to: subject)
        } catch let error as KubernetesError where error.code == .invalid {
            throw KubernetesError(
                .conflict, "cannot \(subject): somebody else changed them at the same moment", cause: error,
                hint: "run the command again")
        }
    }

    /// Where the API server has an object (Kubernetes API, "Resource URIs").
    private static func path(of object: OriginalObject) -> String? {
        let resources = [
            "EnvoyFilter": "envoyfilters", "FilterDeployment": "filterdeployments",
            "Deployment": "deployments", "DaemonSet": "daemonsets", "ConfigMap": "configmaps",
            "ServiceAccount": "serviceaccounts", "Role": "roles", "RoleBinding": "rolebindings",
            "ClusterRole": "clusterroles", "ClusterRoleBinding": "clusterrolebindings",
            "CustomResourceDefinition": "customresourcedefinitions",
        ]
        guard let resource = resources[object.kind] else { return nil }
        let root =
            object.apiVersion.contains("/") ? "/apis/\(object.apiVersion)" : "/api/\(object.apiVersion)"
        return "\(root)\(object.namespace.map { "/namespaces/\($0)" } ?? "")/\(resource)/\(object.name)"
    }
}
