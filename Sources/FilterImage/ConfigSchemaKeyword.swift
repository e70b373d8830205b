// SPDX-License-Identifier: Apache-2.0

import JSON

/// The types a schema can name (JSON Schema validation, 6.1.1).
enum SchemaType: String, CaseIterable {
    case null, boolean, object, array, number, string, integer

    func accepts(_ value: JSONValue) -> Bool {
        switch (self, value) {
        case (.null, .null), (.boolean, .bool), (.object, .object), (.array, .array), (.number, .number),
            (.string, .string):
            true
        case (.integer, .number(let number)): number.isInteger
        default: false
        }
    }

    /// With its article, for sentences.
    var phrase: String {
        switch self {
        case .null: "null"
        case .boolean: "true or false"
        case .object: "an object"
        case .array: "an array"
        case .number: "a number"
        case .string: "a string"
        case .integer: "an integer"
        }
    }
}

/// One rule of a schema; subschemas are named by their place in the compiled schema.
enum SchemaKeyword: Sendable {
    case type([SchemaType])
    case enumeration([JSONValue])
    case constant(JSONValue)
    case bound(NumericBound, JSONNumber)
    case multipleOf(JSONNumber)
    case size(SizeLimit, Int)
    case pattern(ConfigPattern)
    case uniqueItems
    case required([String])
    case dependentRequired([(name: String, needs: [String])])
    case dependentSchemas([(name: String, schema: Int)])
    case propertyNames(Int)
    case properties([String: Int], patterns: [(pattern: ConfigPattern, schema: Int)], additional: Int?)
    case items(prefix: [Int], rest: Int?)
    case contains(Int, minimum: Int, maximum: Int?)
    case all([Int])
    case any([Int])
    case one([Int])
    case not(Int)
    case conditional(condition: Int, then: Int?, otherwise: Int?)
    case reference(Int)
    case unevaluatedProperties(Int)
    case unevaluatedItems(Int)

    enum NumericBound: String, Sendable, CaseIterable {
        case minimum, maximum, exclusiveMinimum, exclusiveMaximum

        func holds(_ number: JSONNumber, _ limit: JSONNumber) -> Bool {
            switch self {
            case .minimum: number >= limit
            case .maximum: number <= limit
            case .exclusiveMinimum: number > limit
            case .exclusiveMaximum: number < limit
            }
        }

        var phrase: String {
            switch self {
            case .minimum: "at least"
            case .maximum: "at most"
            case .exclusiveMinimum: "more than"
            case .exclusiveMaximum: "less than"
            }
        }
    }

    enum SizeLimit: String, Sendable, CaseIterable {
        case minLength, maxLength, minItems, maxItems, minProperties, maxProperties

        /// The size that counts, or nil if the rule does not concern this kind of value.
        func size(of value: JSONValue) -> Int? {
            switch (self, value) {
            // Characters are code points (JSON Schema validation, 6.3).
            case (.minLength, .string(let text)), (.maxLength, .string(let text)): text.unicodeScalars.count
            case (.minItems, .array(let items)), (.maxItems, .array(let items)): items.count
            case (.minProperties, .object(let object)), (.maxProperties, .object(let object)): object.count
            default: nil
            }
        }

        var isMinimum: Bool { self == .minLength || self == .minItems || self == .minProperties }

        func phrase(_ limit: Int) -> String {
            let unit =
                switch self {
                case .minLength, .maxLength: "character"
                case .minItems, .maxItems: "element"
                case .minProperties, .maxProperties: "member"
                }
            return "\(isMinimum ? "at least" : "at most") \(limit) \(unit)\(limit == 1 ? "" : "s")"
        }
    }
}

/// A schema or subschema, compiled.
struct SchemaNode: Sendable {
    /// Where it is in the schema, as a JSON pointer.
    let pointer: String
    /// Set for the schemas `true` and `false`.
    var always: Bool?
    /// Whether values must not be shown: `writeOnly` marks passwords and keys.
    var isSecret = false
    var keywords: [SchemaKeyword] = []
}
