// SPDX-License-Identifier: Apache-2.0

import FilterImage
package import JSON

/// The fields in which somebody fills in a filter's configuration, made of the schema in its image.
///
/// The schema is a stranger's: fields are bounded in number and depth, references that lead in circles end, and what
/// has no field of its own (alternatives, maps, tuples) is written as JSON. Whether a configuration is right is decided
/// by the whole schema, not by the fields.
package struct ConfigurationForm: Sendable {
    /// Bytes of the longest schema that becomes fields.
    static let longestSchema = 64 << 10
    /// Fields inside fields, fields in all, members of a choice.
    static let deepest = 5
    static let mostFields = 150
    static let mostChoices = 100
    /// Elements of a list that have fields.
    package static let mostElements = 12

    /// What a field asks for.
    package indirect enum Kind: Sendable {
        case text
        case number(isInteger: Bool)
        case flag
        /// One of some values.
        case choice([JSONValue])
        /// Anything, as JSON.
        case json
        case group([Field])
        case list(of: Kind)
    }

    package struct Field: Sendable {
        /// The member's name, as it was written.
        package let name: String
        package let title: String?
        package let description: String?
        package let isRequired: Bool
        /// Whether what is written is not for everybody's eyes.
        package let isSecret: Bool
        package let defaultValue: JSONValue?
        /// What the value must be like, in words.
        package let rules: [String]
        package let kind: Kind
    }

    /// The members of the configuration; nil where it is one text of JSON.
    package let fields: [Field]?
    /// Why there are no fields, or no checks; nil if all is well.
    package let problem: String?
    let schema: ConfigSchema?

    /// Makes the form of a filter without a schema: one text, of any kind.
    package init() {
        fields = nil
        problem = nil
        schema = nil
    }

    /// Makes the form of a schema.
    package init(schema text: FilterFacts.Text) {
        guard !text.isCut, text.text.utf8.count <= Self.longestSchema else {
            fields = nil
            problem =
                "The schema in the image is too large for a form; the configuration is not checked here."
            schema = nil
            return
        }
        do {
            let schema = try ConfigSchema(text.text)
            self.schema = schema
            var reader = FormReader(root: schema.document)
            fields = reader.fields(of: schema.document)
            problem =
                reader.isFull
                ? "The schema has more fields than are shown; what is missing is written as JSON." : nil
        } catch {
            schema = nil
            fields = nil
            problem =
                "The schema in the image cannot be used, so that the configuration is not checked here: \(error.message)"
        }
    }

    /// Whether the configuration is held against a schema.
    package var isChecked: Bool { schema != nil }
}

/// Reads the fields out of a schema.
private struct FormReader {
    let root: JSONValue
    private(set) var isFull = false
    private var count = 0

    init(root: JSONValue) { self.root = root }

    /// The members of an object; nil if the schema does not simply list them.
    mutating func fields(of schema: JSONValue, depth: Int = 0) -> [ConfigurationForm.Field]? {
        guard let object = resolved(schema), let properties = object["properties"]?.object,
            properties.count > 0, type(of: object) == "object" || object["type"] == nil
        else { return nil }
        let required = Set(object["required"]?.array?.compactMap(\.string) ?? [])
        var fields: [ConfigurationForm.Field] = []
        for (name, value) in properties.members {
            guard count < ConfigurationForm.mostFields else {
                isFull = true
                break
            }
            count += 1
            let member = resolved(value) ?? JSONObject()
            fields.append(
                ConfigurationForm.Field(
                    name: name, title: member["title"]?.string, description: member["description"]?.string,
                    isRequired: required.contains(name), isSecret: member["writeOnly"] == .bool(true),
                    defaultValue: member["default"]
                        ?? member["examples"]?.array?.first.flatMap {
                            required.contains(name) ? $0 : nil
                        },
                    rules: rules(of: member), kind: kind(of: member, depth: depth + 1)))
        }
        return fields
    }

    private mutating func kind(of schema: JSONObject, depth: Int) -> ConfigurationForm.Kind {
        if let constant = schema["const"] { return .choice([constant]) }
        if let values = schema["enum"]?.array {
            return values.count <= ConfigurationForm.mostChoices ? .choice(values) : .json
        }
        switch type(of: schema) ?? (schema["properties"] == nil ? nil : "object") {
        case "string": return .text
        case "integer": return .number(isInteger: true)
        case "number": return .number(isInteger: false)
        case "boolean": return .flag
        case "object" where depth < ConfigurationForm.deepest:
            return fields(of: .object(schema), depth: depth).map { .group($0) } ?? .json
        case "array" where depth < ConfigurationForm.deepest:
            guard schema["prefixItems"] == nil, let items = schema["items"].flatMap({ resolved($0) }) else {
                return .json
            }
            return .list(of: kind(of: items, depth: depth + 1))
        default: return .json
        }
    }

    /// The only type, null aside; nil if there is none or more than one.
    private func type(of schema: JSONObject) -> String? {
        if let name = schema["type"]?.string { return name }
        let names = schema["type"]?.array?.compactMap(\.string).filter { $0 != "null" } ?? []
        return names.count == 1 ? names[0] : nil
    }

    /// The schema that a reference leads to, a few steps at most.
    private func resolved(_ schema: JSONValue) -> JSONObject? {
        var schema = schema
        for _ in 0..<8 {
            guard let object = schema.object else { return nil }
            guard let reference = object["$ref"]?.string else { return object }
            guard let target = target(of: reference) else { return nil }
            schema = target
        }
        return nil
    }

    /// What a JSON pointer in a fragment names (RFC 6901 §6).
    private func target(of reference: String) -> JSONValue? {
        guard reference.hasPrefix("#") else { return nil }
        var place = root
        for part in reference.dropFirst().split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        {
            let name = part.replacing("~1", with: "/").replacing("~0", with: "~")
            if let next = place.object?[String(name)] {
                place = next
            } else if let elements = place.array, let number = Int(name), elements.indices.contains(number) {
                place = elements[number]
            } else {
                return nil
            }
        }
        return place
    }

    private func rules(of schema: JSONObject) -> [String] {
        let words: [(String, String)] = [
            ("minimum", "at least"), ("maximum", "at most"), ("exclusiveMinimum", "more than"),
            ("exclusiveMaximum", "less than"), ("multipleOf", "a multiple of"),
            ("minLength", "characters: at least"), ("maxLength", "characters: at most"),
            ("minItems", "elements: at least"), ("maxItems", "elements: at most"), ("pattern", "matches"),
            ("format", "format:"),
        ]
        return words.compactMap { keyword, phrase in
            guard let value = schema[keyword] else { return nil }
            return "\(phrase) \((value.string ?? value.description).prefix(200))"
        }
    }
}
