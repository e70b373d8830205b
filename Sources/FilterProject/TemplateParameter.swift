// SPDX-License-Identifier: Apache-2.0

private import FilterImage
import JSON

/// Something that a template asks for: its value stands wherever the template's files name it.
package struct TemplateParameter: Sendable, Hashable {
    /// As the files name it, as in `header`.
    package let name: String
    /// One line for people.
    package let description: String?
    /// The regular expression, as in JSON Schema, that a value has to match from its beginning to its end.
    package let pattern: String?
    /// The value unless another is given; nil if one has to be given.
    package let defaultValue: String?
    /// The values there are; empty if any line of text will do.
    package let choices: [String]

    /// Why a description of a parameter is none.
    struct Fault: Error {
        let reason: String
    }

    private static let keys = ["description", "pattern", "default", "choices"]
    /// What every template is given.
    static let reserved: Set<String> = [
        "name", "module", "rootId", "description", "licence", "language", "kind",
    ]

    init(_ name: String, _ value: JSONValue) throws(Fault) {
        let first = name.first.map { ("a"..."z").contains($0) } ?? false
        guard first, name.count <= 64,
            name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
        else {
            throw Fault(
                reason:
                    "a name has ASCII letters, digits and underscores, and begins with a lower-case letter")
        }
        guard !Self.reserved.contains(name) else { throw Fault(reason: "every template has that value") }
        guard let object = value.object else { throw Fault(reason: "it is no object") }
        if let unknown = object.names.first(where: { !Self.keys.contains($0) }) {
            throw Fault(
                reason: "unknown key \(quoted(unknown)); the keys are \(Self.keys.joined(separator: ", "))")
        }
        func text(_ key: String) throws(Fault) -> String? {
            guard let value = object[key] else { return nil }
            guard let text = value.string, isLine(text) else {
                throw Fault(reason: "\"\(key)\" is no line of text")
            }
            return text
        }
        self.name = name
        description = try text("description")
        pattern = try text("pattern")
        defaultValue = try text("default")
        var choices: [String] = []
        if let list = object["choices"] {
            for choice in list.array ?? [] {
                guard let choice = choice.string, isLine(choice), !choice.isEmpty, !choices.contains(choice)
                else {
                    throw Fault(reason: "\"choices\" is no list of different texts")
                }
                choices.append(choice)
            }
            guard (2...50).contains(choices.count) else {
                throw Fault(reason: "\"choices\" has not 2 to 50 texts")
            }
        }
        self.choices = choices
        if pattern != nil {
            do { _ = try schema() } catch { throw Fault(reason: "\"pattern\" cannot be used: \(error)") }
        }
        for value in choices + [defaultValue].compactMap(\.self) {
            if let fault = self.fault(in: value) {
                throw Fault(reason: "its own value \(quoted(value)) \(fault)")
            }
        }
    }

    /// Why a value is not allowed, as in "is none of a, b"; nil for one that is.
    package func fault(in value: String) -> String? {
        guard isLine(value) else { return "is not one line of text" }
        if !choices.isEmpty, !choices.contains(value) {
            return "is none of \(choices.joined(separator: ", "))"
        }
        guard let pattern else { return nil }
        do {
            return try schema().validate(.string(value)).isEmpty ? nil : "does not match \"\(pattern)\""
        } catch {
            return "cannot be held against \"\(pattern)\": \(error)"
        }
    }

    /// Whether it is a yes or a no, and stands for whether a section of a file is there.
    var isSwitch: Bool { Set(choices) == ["true", "false"] }

    private func schema() throws -> ConfigSchema {
        try ConfigSchema(.object(["type": .string("string"), "pattern": .string("^(?:\(pattern ?? ""))$")]))
    }
}
