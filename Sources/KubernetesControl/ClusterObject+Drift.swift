// SPDX-License-Identifier: Apache-2.0

package import JSON

/// A field of an object of ours that somebody else has set.
package struct ForeignField: Hashable, Sendable {
    /// As in `spec.pluginConfig.header`.
    package let path: String
    /// What it is now; nil if it cannot be told.
    package let value: JSONValue?
    /// Who has set it, as in `kubectl-edit`.
    package let manager: String
    /// When, as in RFC 3339; nil if the API server does not say.
    package let time: String?
}

extension ClusterObject {
    /// The fields of the specification that others have set, and that are theirs alone by now.
    ///
    /// The API server keeps who has set what (`metadata.managedFields`, structured merge): what is here is not what was
    /// deployed. Needs an object that was read with its managed fields.
    /// - Parameter path: the part of the specification that is ours; all of it if the object is.
    /// - Returns: the fields, as their managers have them.
    package func foreignFields(in path: [String] = ["spec"]) -> [ForeignField] {
        let entries = (metadata["managedFields"]?.array ?? []).compactMap(\.object).filter {
            // What controllers report is no drift.
            $0["subresource"]?.string == nil
        }
        let ours = entries.filter { $0["manager"]?.string == ClusterWriter.manager }
            .compactMap { Self.below(path, $0["fieldsV1"]) }
        let value = path.reduce(Optional(JSONValue.object(json))) { $0?.object?[$1] }
        return entries.filter { $0["manager"]?.string != ClusterWriter.manager }.flatMap { entry in
            guard let fields = Self.below(path, entry["fieldsV1"]) else { return [ForeignField]() }
            return Self.leaves(fields, without: ours, value, at: path.joined(separator: ".")).map {
                ForeignField(
                    path: $0.path, value: $0.value, manager: entry["manager"]?.string ?? "",
                    time: entry["time"]?.string)
            }
        }
    }

    private static func below(_ path: [String], _ fields: JSONValue?) -> JSONObject? {
        path.reduce(fields) { $0?.object?["f:\($1)"] }?.object
    }

    /// The ends of a tree of fields that are in none of the others.
    private static func leaves(
        _ fields: JSONObject, without others: [JSONObject], _ value: JSONValue?, at path: String
    ) -> [(path: String, value: JSONValue?)] {
        let steps = fields.members.filter { $0.name != "." }
        // Owned whole, as an atomic list is.
        guard !steps.isEmpty else { return others.isEmpty ? [(path, value)] : [] }
        return steps.flatMap { name, below in
            let (step, part) = Self.step(name, in: value, at: path)
            return leaves(
                below.object ?? JSONObject(), without: others.compactMap { $0[name]?.object }, part, at: step)
        }
    }

    private static func step(
        _ name: String, in value: JSONValue?, at path: String
    ) -> (path: String, value: JSONValue?) {
        let rest = String(name.dropFirst(2))
        if name.hasPrefix("f:") { return (FieldChange.join(path, rest), value?.object?[rest]) }
        return ("\(path)[\(rest)]", value?.array?.first { selects(name, $0) })
    }
}
