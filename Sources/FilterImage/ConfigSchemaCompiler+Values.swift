// SPDX-License-Identifier: Apache-2.0

import JSON

// The values that keywords may have, and the words for those they may not.
extension SchemaCompiler {
    /// Keywords that describe and demand nothing (JSON Schema core 8.3, validation 7, 8 and 9).
    static let annotations: Set<String> = [
        "$comment", "title", "description", "default", "deprecated", "readOnly", "examples", "format",
        "contentEncoding", "contentMediaType", "contentSchema", "$vocabulary",
    ]

    /// Keywords of other drafts, with what to write instead, and those that this reader cannot honour.
    private static let refused: [String: String] = [
        "$dynamicRef": "use \"$ref\"",
        "$dynamicAnchor": "use \"$anchor\"",
        "$recursiveRef": "use \"$ref\"",
        "$recursiveAnchor": "use \"$anchor\"",
        "additionalItems": "write the first elements as \"prefixItems\" and the others as \"items\"",
        "dependencies": "draft 2020-12 has \"dependentRequired\" and \"dependentSchemas\"",
        "id": "draft 2020-12 calls it \"$id\"",
    ]

    /// Every keyword that is known, to find the one that was meant.
    private static let known: [String] =
        Array(annotations) + SchemaKeyword.NumericBound.allCases.map(\.rawValue)
        + SchemaKeyword.SizeLimit.allCases.map(\.rawValue) + [
            "$schema", "$id", "$anchor", "$ref", "$defs", "writeOnly", "if", "then", "else", "minContains",
            "maxContains", "contains", "properties", "patternProperties", "additionalProperties", "items",
            "prefixItems", "type", "enum", "const", "multipleOf", "pattern", "uniqueItems", "required",
            "dependentRequired", "dependentSchemas", "propertyNames", "allOf", "anyOf", "oneOf", "not",
            "unevaluatedProperties", "unevaluatedItems",
        ]

    // MARK: Errors

    func shown(_ pointer: String) -> String { "\"#\(pointer)\"" }

    func malformed(
        _ name: String, _ expected: String, _ found: JSONValue, at place: String
    ) -> ConfigSchemaError {
        ConfigSchemaError(
            .malformed,
            "\"\(name)\" at \(shown(place)) in the schema must be \(expected), not \(found.phrase())")
    }

    func unsupported(_ what: String, at place: String, hint: String) -> ConfigSchemaError {
        ConfigSchemaError(
            .unsupported, "\(what) at \(shown(place)) in the schema is not supported", hint: hint)
    }

    func withoutEffect(_ name: String, _ missing: String, at place: String) -> ConfigSchemaError {
        ConfigSchemaError(
            .malformed, "\"\(name)\" at \(shown(place)) in the schema has no effect without \"\(missing)\"")
    }

    func unknown(_ name: String, at place: String) -> ConfigSchemaError {
        if let hint = Self.refused[name] { return unsupported("\"\(name)\"", at: place, hint: hint) }
        let meant = closestName(to: name, in: Self.known)
        return ConfigSchemaError(
            .unknownKeyword, "unknown keyword \"\(name)\" at \(shown(place)) in the schema",
            hint: meant.map { "did you mean \"\($0)\"?" }
                ?? "names of your own begin with \"x-\"; all others are those of JSON Schema draft 2020-12")
    }

    // MARK: Values

    func dialect(_ value: JSONValue, at place: String) throws(ConfigSchemaError) {
        let dialect = try string(value, "$schema", at: place)
        guard Self.withoutFragment(dialect) == Self.dialect else {
            throw unsupported(
                "the dialect \"\(dialect)\"", at: place,
                hint: "write the schema in draft 2020-12 and set \"$schema\" to \"\(Self.dialect)\"")
        }
    }

    func string(_ value: JSONValue, _ name: String, at place: String) throws(ConfigSchemaError) -> String {
        guard let text = value.string else { throw malformed(name, "a string", value, at: place) }
        return text
    }

    func number(_ value: JSONValue, _ name: String, at place: String) throws(ConfigSchemaError) -> JSONNumber
    {
        guard case .number(let number) = value else { throw malformed(name, "a number", value, at: place) }
        return number
    }

    func size(_ value: JSONValue, _ name: String, at place: String) throws(ConfigSchemaError) -> Int {
        guard case .number(let number) = value, number.isInteger, number >= JSONNumber(0) else {
            throw malformed(name, "an integer from 0 on", value, at: place)
        }
        // Nothing is larger than the largest `Int`, so a limit beyond it is never reached either.
        return number.int ?? .max
    }

    func elements(
        _ value: JSONValue, _ name: String, at place: String
    ) throws(ConfigSchemaError) -> [JSONValue] {
        guard let elements = value.array else { throw malformed(name, "an array", value, at: place) }
        return elements
    }

    func members(
        _ value: JSONValue, _ name: String, at place: String
    ) throws(ConfigSchemaError) -> [(name: String, value: JSONValue)] {
        guard let object = value.object else { throw malformed(name, "an object", value, at: place) }
        return object.members
    }

    func strings(_ value: JSONValue, _ name: String, at place: String) throws(ConfigSchemaError) -> [String] {
        let elements = try elements(value, name, at: place)
        let strings = elements.compactMap(\.string)
        guard strings.count == elements.count, Set(strings).count == strings.count else {
            throw malformed(name, "an array of different strings", value, at: place)
        }
        return strings
    }

    func types(_ value: JSONValue, at place: String) throws(ConfigSchemaError) -> [SchemaType] {
        let names = value.string.map { [JSONValue.string($0)] } ?? value.array ?? []
        let types = names.compactMap { $0.string.flatMap(SchemaType.init(rawValue:)) }
        guard !types.isEmpty, types.count == names.count, Set(types).count == types.count else {
            let all = SchemaType.allCases.map { "\"\($0)\"" }.joined(separator: ", ")
            throw malformed("type", "one or several of \(all)", value, at: place)
        }
        return types
    }

    func pattern(_ text: String, at place: String) throws(ConfigSchemaError) -> ConfigPattern {
        do {
            return try ConfigPattern(text)
        } catch {
            throw ConfigSchemaError(
                .malformed,
                "the pattern \"\(text)\" at \(shown(place)) in the schema is malformed: \(error.reason)",
                hint: "patterns are regular expressions of ECMA-262 (JavaScript) with the flag \"u\"")
        }
    }

    // MARK: Pointers (RFC 6901)

    static func escaped(_ token: String) -> String {
        guard token.contains(where: { $0 == "~" || $0 == "/" }) else { return token }
        return token.map { $0 == "~" ? "~0" : $0 == "/" ? "~1" : String($0) }.joined()
    }

    static func withoutFragment(_ reference: String) -> String { String(reference.prefix { $0 != "#" }) }

    static func percentDecoded(_ text: String) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            guard digits.count == 2, digits.allSatisfy(\.isHexDigit), let value = UInt8(digits, radix: 16)
            else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
