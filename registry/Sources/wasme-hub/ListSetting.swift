// SPDX-License-Identifier: Apache-2.0

import Yams

/// Things of which a hub may have several, each with settings of its own: `webhooks`, `mirrors`, `sync`.
///
/// In a file they are a list of mappings; a variable of the environment holds the same list as YAML, on one line.
struct ListSetting: Sendable {
    /// One setting of an entry.
    struct Field: Sendable {
        let name: String
        let meaning: String
        /// How the default is written; nil for none.
        var standard: String?
        var isRequired = false
        /// Whether it takes several values, as in `[acme/*, other]`.
        var isList = false
    }

    /// The values of one entry as they are written.
    struct Entry {
        fileprivate(set) var values: [String: [String]] = [:]

        subscript(_ name: String) -> String? { values[name]?.first }

        /// All values of a field, or what it is without any.
        func all(_ name: String, default standard: [String]) -> [String] { values[name] ?? standard }
    }

    let key: String
    let meaning: String
    let fields: [Field]
    /// Adds an entry that has all that it needs.
    let add: @Sendable (inout HubConfiguration, Entry) throws(HubConfiguration.Problem) -> Void
    /// Removes what was set before: a later place replaces the whole list.
    let clear: @Sendable (inout HubConfiguration) -> Void

    /// As in the environment.
    var variable: String { "WASME_HUB_" + key.uppercased() }

    /// How the sample file shows it.
    var sample: [String] {
        var lines = ["# \(meaning) (\(variable))", "# \(key):"]
        for (index, field) in fields.enumerated() {
            lines.append("#   # \(field.meaning)\(field.isRequired ? " Required." : "")")
            let value = field.standard.map { field.isList ? " [\($0)]" : " \($0)" } ?? ""
            lines.append("#   \(index == 0 ? "-" : " ") \(field.name):\(value)")
        }
        return lines
    }
}

extension HubConfiguration {
    /// Takes a list of a file, or of a variable.
    mutating func apply(_ list: ListSetting, _ node: Node, _ report: (Node, String) -> Void) {
        // A name without a value leaves the default.
        if let scalar = node.scalar, scalar.string.isEmpty { return }
        guard case .sequence(let sequence) = node else {
            return report(node, "\(list.key): this takes a list")
        }
        list.clear(&self)
        for (index, node) in sequence.enumerated() {
            func explain(_ node: Node, _ name: String, _ text: String) {
                report(node, "\(list.key)[\(index)]\(name): \(text)")
            }
            guard case .mapping(let mapping) = node else {
                explain(node, "", "this takes settings, NAME: VALUE")
                continue
            }
            var entry = ListSetting.Entry()
            var isWhole = true
            for (name, value) in mapping {
                let word = name.scalar?.string ?? ""
                guard let field = list.fields.first(where: { $0.name == word }) else {
                    isWhole = false
                    let near = Self.suggestion(word, list.fields.map(\.name))
                    explain(name, ".\(word)", "there is no such setting\(near)")
                    continue
                }
                guard let values = Self.values(value, of: field) else {
                    isWhole = false
                    explain(value, ".\(word)", field.isList ? "this takes a list" : "this takes one value")
                    continue
                }
                if !values.isEmpty { entry.values[word] = values }
            }
            for field in list.fields where field.isRequired && entry[field.name] == nil && isWhole {
                isWhole = false
                explain(node, ".\(field.name)", "this is missing")
            }
            guard isWhole else { continue }
            do {
                try list.add(&self, entry)
            } catch {
                explain(node, "", error.text)
            }
        }
    }

    /// The values that a field is given; nil if they are not of its kind.
    private static func values(_ node: Node, of field: ListSetting.Field) -> [String]? {
        switch node {
        case .scalar(let scalar): return scalar.string.isEmpty ? [] : [scalar.string]
        case .sequence(let sequence) where field.isList:
            let values = sequence.compactMap { $0.scalar?.string }
            return values.count == sequence.count && !values.contains("") ? values : nil
        default: return nil
        }
    }

    /// Takes a list from a variable of the environment.
    mutating func apply(_ list: ListSetting, variable text: String) throws(Problem) {
        let node: Node?
        do {
            node = try Yams.compose(yaml: text, .basic)
        } catch {
            throw Problem(text: "this is not YAML")
        }
        guard let node else { return }
        var problems: [String] = []
        apply(list, node) { _, text in problems.append(text) }
        if !problems.isEmpty { throw Problem(text: problems.joined(separator: "; ")) }
    }

    /// All names of settings.
    static var keys: [String] { settings.map(\.key) + lists.map(\.key) }

    /// All lists that can be set, in the order of the sample file.
    static let lists: [ListSetting] = [mirrorList, syncList, webhookList]
}
