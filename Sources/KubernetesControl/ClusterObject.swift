// SPDX-License-Identifier: Apache-2.0

package import JSON

/// An object as an API server has it, or is to get it (Kubernetes API conventions, "Objects").
package struct ClusterObject: Hashable, Sendable {
    package var json: JSONObject

    package init(_ json: JSONObject) { self.json = json }

    /// Reads one object, or all of a list.
    static func read(_ answer: [UInt8], _ subject: String) throws -> [ClusterObject] {
        guard answer.contains(where: { $0 > 0x20 }) else { return [] }
        do {
            guard let object = try JSONValue(parsing: answer).object else { return [] }
            guard object["kind"]?.string == "List" else { return [ClusterObject(object)] }
            return (object["items"]?.array ?? []).compactMap { $0.object.map { ClusterObject($0) } }
        } catch {
            throw KubernetesError(.failed, "cannot \(subject): kubectl's answer is not JSON", cause: error)
        }
    }

    package var apiVersion: String { json["apiVersion"]?.string ?? "" }
    package var kind: String { json["kind"]?.string ?? "" }
    package var name: String { metadata["name"]?.string ?? "" }
    package var namespace: String? { metadata["namespace"]?.string }
    package var labels: [String: String] { texts("labels") }
    package var annotations: [String: String] { texts("annotations") }
    var metadata: JSONObject { json["metadata"]?.object ?? JSONObject() }

    /// The API's group; empty for the core.
    package var group: String { apiVersion.contains("/") ? String(apiVersion.prefix { $0 != "/" }) : "" }

    private func texts(_ member: String) -> [String: String] {
        var texts: [String: String] = [:]
        for (name, value) in metadata[member]?.object?.members ?? [] { texts[name] = value.string }
        return texts
    }

    /// The object for people, as in `WasmPlugin "shop/add-header"`.
    package var title: String { "\(kind) \"\(namespace.map { "\($0)/" } ?? "")\(name)\"" }

    /// Which object it is, whatever stands in it; a kind keeps its objects when its version changes.
    struct Key: Hashable {
        let group: String
        let kind: String
        let namespace: String?
        let name: String
    }
    func key(in namespace: String?) -> Key {
        Key(group: group, kind: kind, namespace: self.namespace ?? namespace, name: name)
    }

    /// What was said of it, without what the API server keeps for itself.
    var content: JSONObject {
        var content = json
        var metadata = self.metadata
        for name in [
            "managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink",
        ] {
            metadata[name] = nil
        }
        content["metadata"] = .object(metadata)
        content["status"] = nil
        return content
    }

    /// Only what a manager has applied of it, as it would apply it again (structured merge, `fieldsV1`); nil if nothing.
    func applied(by manager: String) -> ClusterObject? {
        let entry = metadata["managedFields"]?.array?.compactMap(\.object).first { entry in
            entry["manager"]?.string == manager && entry["operation"]?.string == "Apply"
        }
        guard let fields = entry?["fieldsV1"]?.object else { return nil }
        var object = Self.part(of: .object(json), fields).object ?? JSONObject()
        object["apiVersion"] = .string(apiVersion)
        object["kind"] = .string(kind)
        var metadata = object["metadata"]?.object ?? JSONObject()
        metadata["name"] = .string(name)
        metadata["namespace"] = namespace.map { .string($0) }
        object["metadata"] = .object(metadata)
        return ClusterObject(object)
    }

    private static func part(of value: JSONValue, _ fields: JSONObject) -> JSONValue {
        // A field without others below it is owned whole; "." is the value itself beside its parts.
        guard fields.names.contains(where: { $0 != "." }) else { return value }
        switch value {
        case .object(let object):
            var part = JSONObject()
            for (name, below) in fields.members where name.hasPrefix("f:") {
                let member = String(name.dropFirst(2))
                if let value = object[member] {
                    part[member] = self.part(of: value, below.object ?? JSONObject())
                }
            }
            return .object(part)
        case .array(let elements):
            return .array(
                elements.compactMap { element in
                    fields.members.first { Self.selects($0.name, element) }.map {
                        part(of: element, $0.value.object ?? JSONObject())
                    }
                })
        default: return value
        }
    }

    /// Whether a path element names this item of a list: by its keys, or by its value.
    static func selects(_ name: String, _ element: JSONValue) -> Bool {
        guard let wanted = try? JSONValue(parsing: String(name.dropFirst(2))) else { return false }
        if name.hasPrefix("v:") { return wanted == element }
        guard name.hasPrefix("k:"), let keys = wanted.object, let element = element.object else {
            return false
        }
        return keys.members.allSatisfy { element[$0.name] == $0.value }
    }
}

/// A field that differs between two states of an object.
package struct FieldChange: Hashable, Sendable {
    /// As in `spec.match[0].mode`.
    package let path: String
    /// Nil if it is new.
    package let before: JSONValue?
    /// Nil if it goes.
    package let after: JSONValue?

    /// All differences, in the order of the new state.
    static func between(_ old: JSONValue?, _ new: JSONValue?, at path: String = "") -> [FieldChange] {
        if old == new { return [] }
        if case .object(let old) = old, case .object(let new) = new {
            let names = new.names + old.names.filter { new[$0] == nil }
            return names.flatMap { name in
                between(old[name], new[name], at: path.isEmpty ? step(name) : join(path, name))
            }
        }
        if case .array(let old) = old, case .array(let new) = new {
            return (0..<max(old.count, new.count)).flatMap { index in
                between(
                    index < old.count ? old[index] : nil, index < new.count ? new[index] : nil,
                    at: "\(path)[\(index)]")
            }
        }
        return [FieldChange(path: path, before: old, after: new)]
    }

    static func join(_ path: String, _ name: String) -> String {
        let step = step(name)
        return step.hasPrefix("[") ? path + step : "\(path).\(step)"
    }

    private static func step(_ name: String) -> String {
        name.wholeMatch(of: /[A-Za-z0-9_-]+/) == nil ? "[\(JSONValue.quoted(name))]" : name
    }
}

/// What became of an object, or would become of it.
package struct ObjectChange: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        case created
        case configured
        case unchanged
        case deleted
    }

    /// The context of kubectl; nil for the current one.
    package let context: String?
    /// As it is now, or would be; as it was if it is gone.
    package let object: ClusterObject
    package let kind: Kind
    /// What differs; empty for an object that is new or gone.
    package let fields: [FieldChange]
    /// As it was.
    let before: ClusterObject?

    init(context: String?, before: ClusterObject?, after: ClusterObject?) {
        self.context = context
        self.before = before
        object = after ?? before ?? ClusterObject(JSONObject())
        fields =
            before != nil && after != nil
            ? FieldChange.between(before.map { .object($0.content) }, after.map { .object($0.content) }) : []
        kind =
            switch (before, after) {
            case (nil, _): .created
            case (_, nil): .deleted
            default: fields.isEmpty ? .unchanged : .configured
            }
    }
}
