// SPDX-License-Identifier: Apache-2.0

import FilterImage
import YAML

/// Holds what somebody wrote against the fields that there are, each error with its place.
struct FieldReader {
    let file: String

    func error(_ node: YAMLNode, _ message: String, hint: String? = nil) -> DeploymentError {
        DeploymentError(.invalid, "\(file):\(node.line):\(node.column): \(message)", hint: hint)
    }

    /// Makes sure that a value is what may stand there, with all that is in it.
    /// - Parameters:
    ///   - node: what was written.
    ///   - value: what may stand there.
    ///   - path: what errors call it, as in `spec.filter`; empty for the whole.
    /// - Throws: `DeploymentError` with the place.
    func check(_ node: YAMLNode, is value: FieldSchema.Value, at path: String) throws {
        func refuse(_ expected: String) -> DeploymentError {
            error(node, "\"\(path)\" must be \(expected), not \(node.phrase)")
        }
        switch value {
        case .ignored, .anything: return
        default: if case .null = node.content { throw error(node, "\"\(path)\" has no value") }
        }
        switch value {
        case .ignored, .anything: break
        case .anyText: guard case .string = node.content else { throw refuse("a text") }
        case .text:
            guard case .string(let text) = node.content else { throw refuse("a text") }
            guard !text.isEmpty else { throw error(node, "\"\(path)\" is empty") }
        case .word(let words):
            guard case .string(let word) = node.content, words.contains(word) else {
                let meant = closestName(to: node.text ?? "", in: words).map { "did you mean \"\($0)\"?" }
                throw error(
                    node,
                    "\"\(path)\" must be \(words.count == 1 ? "" : "one of ")\(words.joined(separator: ", ")), not \(node.phrase)",
                    hint: meant)
            }
        case .integer(let range):
            guard case .number = node.content, let number = node.text.flatMap({ Int($0) }),
                range.contains(number)
            else { throw refuse("a whole number from \(range.lowerBound) to \(range.upperBound)") }
        case .flag: guard case .bool = node.content else { throw refuse("true or false") }
        case .duration:
            guard case .string(let text) = node.content, DurationText.parse(text) != nil else {
                throw refuse("a duration, as in 300ms or 30s")
            }
        case .list(let item, let least):
            guard case .list(let elements) = node.content else { throw refuse("a list") }
            guard elements.count >= least else { throw error(node, "\"\(path)\" is empty") }
            for (index, element) in elements.enumerated() {
                try check(element, is: item, at: "\(path)[\(index)]")
            }
        case .texts:
            guard case .map(let members) = node.content else { throw refuse("a mapping of texts") }
            for (key, value) in members {
                guard case .string = value.content else {
                    throw error(
                        value, "\"\(path).\(key.text ?? "")\" must be a text, not \(value.phrase)",
                        hint: "put quotes around it")
                }
            }
        case .object(let fields, let exactlyOne):
            try check(node, has: fields, exactlyOne: exactlyOne, at: path)
        }
    }

    private func check(
        _ node: YAMLNode, has fields: [FieldSchema], exactlyOne: Bool, at path: String
    ) throws {
        let name = path.isEmpty ? "a FilterDeployment" : "\"\(path)\""
        guard case .map(let members) = node.content else {
            throw error(node, "\(name) must be a mapping, not \(node.phrase)")
        }
        for (key, value) in members {
            let written = key.text ?? ""
            guard let field = fields.first(where: { $0.name == written }) else {
                let names = fields.map(\.name)
                let place = path.isEmpty ? "" : " in \"\(path)\""
                throw error(
                    key, "there is no field \"\(written)\"\(place)",
                    hint: closestName(to: written, in: names).map { "did you mean \"\($0)\"?" }
                        ?? "the fields here are \(names.joined(separator: ", "))")
            }
            try check(value, is: field.value, at: path.isEmpty ? written : "\(path).\(written)")
        }
        for field in fields where field.isRequired && !members.contains(where: { $0.key.text == field.name })
        {
            throw error(node, "\(name) lacks the field \"\(field.name)\"")
        }
        guard exactlyOne, members.count != 1 else { return }
        throw error(
            members.count > 1 ? members[1].key : node,
            members.isEmpty ? "\(name) names nothing" : "\(name) names more than one",
            hint: members.isEmpty
                ? "name one of \(fields.map(\.name).joined(separator: ", "))"
                : "write a document for each, with --- between them")
    }
}

/// What is in a value that has been checked.
struct FieldValues {
    private let members: [(key: YAMLNode, value: YAMLNode)]
    let node: YAMLNode

    init(_ node: YAMLNode) {
        self.node = node
        if case .map(let members) = node.content { self.members = members } else { members = [] }
    }

    /// The place of a field, for errors.
    subscript(key: String) -> YAMLNode? { members.first { $0.key.text == key }?.value }

    func text(_ key: String) -> String? { self[key]?.text }
    func integer(_ key: String) -> Int? { self[key]?.text.flatMap { Int($0) } }
    func duration(_ key: String) -> Duration? { self[key]?.text.flatMap { DurationText.parse($0) } }

    func flag(_ key: String) -> Bool? {
        if case .bool(let flag) = self[key]?.content { flag } else { nil }
    }

    func word<Word: RawRepresentable>(_ key: String) -> Word? where Word.RawValue == String {
        text(key).flatMap { Word(rawValue: $0) }
    }

    func list(_ key: String) -> [YAMLNode] {
        if case .list(let elements) = self[key]?.content { elements } else { [] }
    }

    func texts(_ key: String) -> [String: String] {
        guard case .map(let members) = self[key]?.content else { return [:] }
        return Dictionary(uniqueKeysWithValues: members.map { ($0.key.text ?? "", $0.value.text ?? "") })
    }

    func object(_ key: String) -> FieldValues? { self[key].map(FieldValues.init) }
}
