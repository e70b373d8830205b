// SPDX-License-Identifier: Apache-2.0

import JSON

/// What the original's installation looked like, by which its parts are told from objects of others with the same name
/// (solo-io/wasm, `tools/wasme/cli/operator/generate.go`, `tools/wasme/pkg/cache`, `operator/install`).
struct OriginalInstallation {
    let cache: OriginalWasme.Cache

    /// What an object is that has the name of a part.
    enum Verdict: Hashable {
        case original
        /// As in `it binds "ci" too`.
        case other(String)
    }

    /// Rights that some version gave, by API group and resource.
    private static let operatorRights: [String: Set<String>] = [
        "wasme.io/filterdeployments": ["get", "list", "watch"],
        "wasme.io/filterdeployments/status": ["get", "update"],
        "/secrets": ["get", "list", "watch"],
        "/events": ["*"], "/configmaps": ["*"],
        "apps/deployments": ["get", "list", "watch", "update"],
        "apps/daemonsets": ["get", "list", "watch", "update"],
        "apps/statefulsets": ["get", "list", "watch", "update"],
        "networking.istio.io/envoyfilters": ["*"],
    ]
    private static let cacheRights: [String: Set<String>] = ["/events": ["create"]]

    /// Judges an object.
    /// - Returns: nil if it has no name of a part.
    func verdict(on object: OriginalObject) -> Verdict? {
        guard let difference = difference(of: object) else { return nil }
        if let reason = difference() ?? Self.foreignMetadata(of: object) { return .other(reason) }
        return .original
    }

    /// What tells how an object differs from the part that has its name; nil if none has.
    private func difference(of object: OriginalObject) -> (() -> String?)? {
        let isOperator = object.name == OriginalWasme.operatorName
        let isCache = object.name == cache.name
        switch object.kind {
        case "CustomResourceDefinition":
            return object.name == OriginalWasme.definitionName ? { Self.definition(object) } : nil
        case "ClusterRole" where isOperator:
            return {
                Self.rules(object, Self.operatorRights, needed: "wasme.io/filterdeployments")
            }
        case "ClusterRole" where isCache: return { Self.rules(object, Self.cacheRights, needed: "/events") }
        case "ClusterRoleBinding" where isOperator || isCache:
            return { binding(object, to: "ClusterRole") }
        default: break
        }
        guard object.namespace == cache.namespace else { return nil }
        switch object.kind {
        case "DaemonSet" where isCache: return { Self.pods(object, "cache", OriginalWasme.cacheFolder) }
        case "Deployment" where isOperator: return { Self.pods(object, "operator", nil) }
        case "ConfigMap" where isCache:
            return {
                let others = (object.json["data"]?.object?.names ?? []).filter { $0 != "images" }
                return others.first.map { "it has the key \"\($0)\" too" }
            }
        case "Role" where isCache: return { Self.rules(object, Self.cacheRights, needed: "/events") }
        case "RoleBinding" where isCache: return { binding(object, to: "Role") }
        case "ServiceAccount" where isOperator || isCache: return { Self.account(object) }
        default: return nil
        }
    }

    // MARK: - By kind

    /// Ours says what may stand in it; the original's said nothing.
    private static func definition(_ object: OriginalObject) -> String? {
        let versions = object.specification["versions"]?.array ?? []
        let schemas =
            versions.map { $0.object?["schema"]?.object?["openAPIV3Schema"] }
            + [object.specification["validation"]?.object?["openAPIV3Schema"]]
        let isOurs = schemas.contains {
            $0?.object?["properties"]?.object?["spec"]?.object?["properties"] != nil
        }
        return isOurs ? "it has a schema, which the original's had not" : nil
    }

    private static func rules(
        _ object: OriginalObject, _ known: [String: Set<String>], needed: String
    ) -> String? {
        var seen: Set<String> = []
        for case let rule? in (object.json["rules"]?.array ?? []).map(\.object) {
            let verbs = texts(rule["verbs"])
            for group in texts(rule["apiGroups"]) {
                for resource in texts(rule["resources"]) {
                    let right = "\(group)/\(resource)"
                    guard let allowed = known[right] else { return "it is for \(name(right)) too" }
                    if let verb = verbs.first(where: { !allowed.contains($0) && !allowed.contains("*") }) {
                        return "it allows \"\(verb)\" of \(name(right)) too"
                    }
                    seen.insert(right)
                }
            }
            if let url = texts(rule["nonResourceURLs"]).first { return "it is for \"\(url)\" too" }
            if let name = texts(rule["resourceNames"]).first { return "it is for \"\(name)\" alone" }
        }
        if object.json["aggregationRule"] != nil { return "its rules are those of other roles" }
        return seen.contains(needed) ? nil : "it is not for \(name(needed))"
    }

    /// As kubectl calls it, as in `deployments.apps`.
    private static func name(_ right: String) -> String {
        let parts = right.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        return parts[0].isEmpty ? "\(parts[1])" : "\(parts[1]).\(parts[0])"
    }

    private func binding(_ object: OriginalObject, to kind: String) -> String? {
        let role = object.json["roleRef"]?.object
        guard role?["kind"]?.string == kind, role?["name"]?.string == object.name else {
            return "it is for \(role?["kind"]?.string ?? "the role") \"\(role?["name"]?.string ?? "")\""
        }
        let subjects = (object.json["subjects"]?.array ?? []).compactMap(\.object)
        let other = subjects.first { subject in
            // In a RoleBinding an account without a namespace is one of its own.
            subject["kind"]?.string != "ServiceAccount" || subject["name"]?.string != object.name
                || (subject["namespace"]?.string ?? object.namespace) != cache.namespace
        }
        guard let other else { return subjects.isEmpty ? "it binds nobody" : nil }
        let space = other["namespace"]?.string.map { "\($0)/" } ?? ""
        return "it binds \(other["kind"]?.string ?? "") \"\(space)\(other["name"]?.string ?? "")\""
    }

    private static func pods(_ object: OriginalObject, _ verb: String, _ folder: String?) -> String? {
        let pod = object.specification["template"]?.object?["spec"]?.object
        let volumes = (pod?["volumes"]?.array ?? []).map { $0.object?["hostPath"]?.object?["path"]?.string }
        if let folder, !volumes.contains(folder) { return "its pods have no volume \"\(folder)\"" }
        // In an image of their own: the program's first word says which part it is.
        let containers = (pod?["containers"]?.array ?? []).compactMap(\.object)
        let isOurs = containers.contains { container in
            let words = texts(container["command"]) + texts(container["args"])
            return words.contains(verb) || words.isEmpty && folder != nil
        }
        return isOurs ? nil : "its pods do not run \"\(verb)\" of wasme"
    }

    /// An account is nothing but a name: what others have added to it is for something else.
    private static func account(_ object: OriginalObject) -> String? {
        let secrets = (object.json["imagePullSecrets"]?.array ?? []).compactMap { $0.object?["name"]?.string }
        // OpenShift adds one to every account.
        if let secret = secrets.first(where: { !$0.hasPrefix("\(object.name)-dockercfg-") }) {
            return "it has the pull secret \"\(secret)\""
        }
        let tools = ["kubectl.kubernetes.io/", "meta.helm.sh/", "openshift.io/"]
        let other = (object.metadata["annotations"]?.object?.names ?? []).first { name in
            !tools.contains(where: name.hasPrefix)
        }
        return other.map { "it has the annotation \"\($0)\"" }
    }

    /// What says that somebody else manages an object.
    private static func foreignMetadata(of object: OriginalObject) -> String? {
        if let owner = object.metadata["ownerReferences"]?.array?.first?.object {
            return "it belongs to \(owner["kind"]?.string ?? "") \"\(owner["name"]?.string ?? "")\""
        }
        let labels = OriginalObject.texts(object.metadata["labels"])
        // The original was installed by Helm, too.
        if let manager = labels["app.kubernetes.io/managed-by"], manager != "Helm" {
            return "it is managed by \"\(manager)\""
        }
        // The original's own label.
        if let app = labels["app"], app != object.name { return "it has the label app=\(app)" }
        return nil
    }

    private static func texts(_ value: JSONValue?) -> [String] { (value?.array ?? []).compactMap(\.string) }
}
