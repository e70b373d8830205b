// SPDX-License-Identifier: Apache-2.0

package import JSON
import YAML

/// An object that the original wasme may have written or changed, as a file or an API server has it.
package struct OriginalObject: Hashable, Sendable {
    package let json: JSONObject
    package let namespace: String?
    /// Where it was read, as in `old.yaml:12`; nil for a cluster.
    package let place: String?

    /// - Parameters:
    ///   - json: the whole object.
    ///   - namespace: its namespace, if it names none.
    ///   - place: where it was read.
    package init(_ json: JSONObject, namespace: String? = nil, place: String? = nil) {
        self.json = json
        self.namespace = json["metadata"]?.object?["namespace"]?.string ?? namespace
        self.place = place
    }

    package var apiVersion: String { json["apiVersion"]?.string ?? "" }
    package var kind: String { json["kind"]?.string ?? "" }
    package var name: String { metadata["name"]?.string ?? "" }
    package var uid: String? { metadata["uid"]?.string }
    package var resourceVersion: String? { metadata["resourceVersion"]?.string }
    var group: String { apiVersion.contains("/") ? String(apiVersion.prefix { $0 != "/" }) : "" }
    var metadata: JSONObject { json["metadata"]?.object ?? JSONObject() }
    var specification: JSONObject { json["spec"]?.object ?? JSONObject() }

    /// The object for people, as in `EnvoyFilter "shop/web-auth"`.
    package var title: String { "\(kind) \"\(namespace.map { "\($0)/" } ?? "")\(name)\"" }

    /// Whether both are the same object, whatever stands in it.
    package func isSame(as other: OriginalObject) -> Bool {
        (group, kind, namespace, name) == (other.group, other.kind, other.namespace, other.name)
    }

    /// The object that owns this one: the name, if it is of some kind.
    func owner(kind: String, group: String) -> String? {
        for case let owner? in metadata["ownerReferences"]?.array?.map(\.object) ?? []
        where owner["kind"]?.string == kind
            && owner["apiVersion"]?.string?.hasPrefix("\(group)/") == true
        {
            return owner["name"]?.string
        }
        return nil
    }

    /// Whether its pods run as a service account, or it gives that rights.
    func uses(account: String, of namespace: String?) -> Bool {
        if kind.hasSuffix("RoleBinding") {
            return (json["subjects"]?.array ?? []).compactMap(\.object).contains { subject in
                subject["kind"]?.string == "ServiceAccount" && subject["name"]?.string == account
                    && (subject["namespace"]?.string ?? self.namespace) == namespace
            }
        }
        let pod = specification["template"]?.object?["spec"]?.object
        return self.namespace == namespace && pod?["serviceAccountName"]?.string == account
    }

    /// Whether it is an `EnvoyFilter` that runs a module of the original's cache, in whatever form.
    package var usesCache: Bool {
        kind == "EnvoyFilter"
            && JSONValue.object(specification).description.contains(OriginalWasme.cacheFolder + "/")
    }

    /// The texts of a map of texts.
    static func texts(_ value: JSONValue?) -> [String: String] {
        var texts: [String: String] = [:]
        for (name, value) in value?.object?.members ?? [] { texts[name] = value.string }
        return texts
    }
}

extension OriginalObject {
    /// Bytes of a file at most: a whole cluster's objects may be in it.
    package static let maximumSize = 16 << 20

    /// Reads the objects of a file: documents of YAML or JSON, and what is in lists among them.
    /// - Parameters:
    ///   - text: the file's text.
    ///   - file: what errors call it.
    ///   - namespace: the namespace of objects that name none.
    /// - Returns: the objects, in order.
    /// - Throws: `DeploymentError` that names file, line and column.
    package static func read(
        _ text: String, file: String, namespace: String? = nil
    ) throws -> [OriginalObject] {
        let documents: [YAMLNode]
        do {
            documents = try YAMLNode.documents(
                text, file: file, limit: maximumSize, maximumCount: 2_000_000)
        } catch {
            throw DeploymentError(.unreadable, error.message, cause: error.cause)
        }
        guard !documents.isEmpty else {
            throw DeploymentError(
                .unreadable, "\"\(file)\" is empty",
                hint: "write objects into it, as 'kubectl get envoyfilters -A -o yaml' prints them")
        }
        return try documents.flatMap { try objects($0, file: file, namespace: namespace) }
    }

    private static func objects(
        _ node: YAMLNode, file: String, namespace: String?
    ) throws -> [OriginalObject] {
        func refuse(_ reason: String) -> DeploymentError {
            DeploymentError(
                .unreadable,
                "\(file):\(node.line):\(node.column): this is no object of Kubernetes: \(reason)",
                hint: "'kubectl get … -o yaml' prints objects that can be read")
        }
        let values = FieldValues(node)
        guard case .map = node.content else { throw refuse("it is \(node.phrase)") }
        guard let kind = values.text("kind"), !kind.isEmpty else { throw refuse("it lacks \"kind\"") }
        if kind.hasSuffix("List"), values["items"] != nil {
            return try values.list("items").flatMap {
                try objects($0, file: file, namespace: namespace)
            }
        }
        guard let object = node.json.object,
            object["metadata"]?.object?["name"]?.string?.isEmpty == false
        else { throw refuse("it lacks \"metadata.name\"") }
        return [OriginalObject(object, namespace: namespace, place: "\(file):\(node.line)")]
    }
}
