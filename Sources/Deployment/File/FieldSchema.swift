// SPDX-License-Identifier: Apache-2.0

import JSON

/// A field of a file: what may stand there, and what people are told of it.
///
/// The reader, the JSON schema and the schema of the custom resource are made from the same values.
struct FieldSchema: Sendable {
    /// What may stand in a field.
    indirect enum Value: Sendable {
        /// A text; what it means is checked by whoever reads it.
        case text
        /// A text that may be empty.
        case anyText
        /// One of these words.
        case word([String])
        case integer(ClosedRange<Int>)
        case flag
        /// As in `300ms` or `30s`.
        case duration
        /// Anything that JSON can say.
        case anything
        case list(Value, atLeast: Int)
        /// Texts by name.
        case texts
        case object([FieldSchema], exactlyOne: Bool)
        /// What the API server writes, and nobody else reads.
        case ignored

        static func object(_ fields: [FieldSchema]) -> Value { .object(fields, exactlyOne: false) }
        static func words<Word: RawRepresentable & CaseIterable>(_ type: Word.Type) -> Value
        where Word.RawValue == String { .word(Word.allCases.map(\.rawValue)) }
    }

    let name: String
    let value: Value
    let isRequired: Bool
    /// What is meant without it.
    let standard: JSONValue?
    let about: String

    init(
        _ name: String, _ value: Value, required: Bool = false, standard: JSONValue? = nil, _ about: String
    ) {
        self.name = name
        self.value = value
        isRequired = required
        self.standard = standard
        self.about = about
    }
}

// MARK: - Schemas

extension FieldSchema {
    /// Which language a schema is written in.
    enum Dialect {
        /// JSON Schema, draft 2020-12.
        case jsonSchema
        /// The structural schemas of `apiextensions.k8s.io/v1`.
        case kubernetes
    }

    func schema(_ dialect: Dialect) -> JSONValue {
        var object = JSONObject()
        if !about.isEmpty { object["description"] = .string(about) }
        for (name, rule) in value.schema(dialect).members { object[name] = rule }
        if let standard { object["default"] = standard }
        return .object(object)
    }
}

extension FieldSchema.Value {
    /// A pattern of durations, as `DurationText` reads them.
    private static let durationPattern = "^[0-9]{1,6}(\\.[0-9]{1,6})?(ms|s|m|h)$"

    func schema(_ dialect: FieldSchema.Dialect) -> JSONObject {
        var rules = JSONObject()
        switch self {
        case .text:
            rules["type"] = .string("string")
            rules["minLength"] = .integer(1)
        case .anyText: rules["type"] = .string("string")
        case .word(let words):
            rules["type"] = .string("string")
            rules["enum"] = .array(words.map { .string($0) })
        case .integer(let range):
            rules["type"] = .string("integer")
            rules["minimum"] = .integer(range.lowerBound)
            rules["maximum"] = .integer(range.upperBound)
        case .flag: rules["type"] = .string("boolean")
        case .duration:
            rules["type"] = .string("string")
            rules["pattern"] = .string(Self.durationPattern)
        case .anything:
            if dialect == .kubernetes { rules["x-kubernetes-preserve-unknown-fields"] = .bool(true) }
        case .ignored:
            if dialect == .kubernetes {
                rules["type"] = .string("object")
                rules["x-kubernetes-preserve-unknown-fields"] = .bool(true)
            }
        case .list(let item, let least):
            rules["type"] = .string("array")
            if least > 0 { rules["minItems"] = .integer(least) }
            rules["items"] = .object(item.schema(dialect))
        case .texts:
            rules["type"] = .string("object")
            rules["additionalProperties"] = .object(["type": .string("string")])
        case .object(let fields, let exactlyOne):
            rules["type"] = .string("object")
            let required = fields.filter(\.isRequired).map { JSONValue.string($0.name) }
            if !required.isEmpty { rules["required"] = .array(required) }
            if exactlyOne {
                rules["minProperties"] = .integer(1)
                rules["maxProperties"] = .integer(1)
            }
            // Structural schemas know all fields anyway, and refuse the keyword.
            if dialect == .jsonSchema { rules["additionalProperties"] = .bool(false) }
            var properties = JSONObject()
            for field in fields { properties[field.name] = field.schema(dialect) }
            rules["properties"] = .object(properties)
        }
        return rules
    }
}
