// SPDX-License-Identifier: Apache-2.0

import FilterImage
import JSON
import Testing

@Suite struct ConfigSchemaTests {
    private func violations(_ schema: String, _ configuration: String) throws -> [String] {
        try ConfigSchema(schema).validate(json: configuration).map(\.description)
    }

    // MARK: What a violation says

    private static let headerSchema = """
        {
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "type": "object",
          "properties": {
            "header": {"type": "string", "pattern": "^[a-z-]+$", "minLength": 1},
            "value": {"type": "string"},
            "repeat": {"type": "integer", "minimum": 1, "maximum": 5},
            "mode": {"enum": ["add", "set"]},
            "key": {"type": "string", "minLength": 8, "pattern": "^k", "writeOnly": true}
          },
          "required": ["header"],
          "additionalProperties": false
        }
        """

    @Test(
        arguments: [
            (#"{"header": "x-a", "value": "1", "repeat": 2.0, "mode": "add"}"#, []),
            (#"{"value": "1"}"#, [#"the configuration: expected a member "header", found none"#]),
            (#"{"header": 3}"#, [#""/header": expected a string, found the number 3"#]),
            (
                #"{"header": "X"}"#,
                [#""/header": expected a string that matches "^[a-z-]+$", found the string "X""#]
            ),
            (
                #"{"header": "x", "repeat": 6, "mode": "put"}"#,
                [
                    #""/repeat": expected at most 5, found the number 6"#,
                    #""/mode": expected one of "add", "set", found the string "put""#,
                ]
            ),
            (
                #"{"header": "x", "vaule": 1}"#,
                [
                    #"the configuration: expected only the members "header", "key", "mode", "repeat", "value", "#
                        + #"found "vaule" (did you mean "value"?)"#
                ]
            ),
            (#"[]"#, ["the configuration: expected an object, found an empty array"]),
            // A secret is not shown.
            (
                #"{"header": "x", "key": "hunter2"}"#,
                [
                    #""/key": expected at least 8 characters, found 7"#,
                    #""/key": expected a string that matches "^k", found a string of 7 characters"#,
                ]
            ),
        ] as [(String, [String])])
    func `a violation says where, what was expected and what was found`(
        configuration: String, expected: [String]
    ) throws {
        #expect(try violations(Self.headerSchema, configuration) == expected)
    }

    @Test func `a violation names its place in both documents`() throws {
        let schema = try ConfigSchema(
            ##"{"properties": {"a/b": {"items": {"$ref": "#/$defs/n"}}}, "$defs": {"n": {"type": "null"}}}"##)
        let violation = try #require(try schema.validate(json: #"{"a/b": [null, true]}"#).first)
        #expect(violation.pointer == "/a~1b/1")
        #expect(violation.rule == "/$defs/n/type")
    }

    @Test func `a failed choice says why each alternative failed`() throws {
        let found = try violations(
            #"{"anyOf": [{"type": "string"}, {"type": "object", "required": ["a"]}]}"#, #"{"b": 1}"#)
        #expect(
            found == [
                "the configuration: expected one of 2 alternatives to hold, found none that does (1: the "
                    + "configuration: expected a string, found an object; 2: the configuration: expected a member "
                    + "\"a\", found none)"
            ])
    }

    // MARK: Keywords, beyond what the specification's own suite is run for

    @Test(
        arguments: [
            (#"{"type": "integer"}"#, "9007199254740993", true),
            (#"{"const": 9007199254740993}"#, "9007199254740992", false),
            (#"{"const": 1}"#, "1.0", true),
            (#"{"multipleOf": 0.1}"#, "0.3", true),
            (#"{"multipleOf": 0.1}"#, "0.35", false),
            (#"{"maximum": 1e400}"#, "1", nil),
            (#"{"exclusiveMinimum": -0.5}"#, "-0.5", false),
            (#"{"minLength": 2}"#, #""😀""#, false),
            (#"{"maxLength": 1}"#, #""😀""#, true),
            (#"{"pattern": "^\\d+$"}"#, #""١""#, false),
            (#"{"pattern": "^a$"}"#, #""a\n""#, false),
            (#"{"pattern": "^[\\w.-]+$"}"#, #""x-a.b""#, true),
            (#"{"pattern": "^[[&&]$"}"#, #""&""#, true),
            (#"{"pattern": "\\p{Lu}"}"#, #""É""#, true),
            (#"{"pattern": "a"}"#, "1", true),
            (#"{"format": "ipv4"}"#, #""not one""#, true),
            (#"{"uniqueItems": true}"#, "[1, 1.0]", false),
            (#"{"uniqueItems": true}"#, #"[{"a": 1, "b": 2}, {"b": 2, "a": 1}]"#, false),
            (#"{"prefixItems": [{"type": "string"}], "items": false}"#, #"["a", 1]"#, false),
            (#"{"contains": {"const": 1}, "minContains": 2}"#, "[1, 2, 1]", true),
            (#"{"dependentRequired": {"a": ["b"]}}"#, #"{"a": 1}"#, false),
            (#"{"dependentSchemas": {"a": {"required": ["b"]}}}"#, #"{"a": 1}"#, false),
            (#"{"propertyNames": {"pattern": "^[a-z]+$"}}"#, #"{"A": 1}"#, false),
            (#"{"patternProperties": {"^x-": true}, "additionalProperties": false}"#, #"{"x-a": 1}"#, true),
            (#"{"if": {"required": ["a"]}, "then": {"required": ["b"]}}"#, #"{"a": 1}"#, false),
            (#"{"oneOf": [{"minimum": 1}, {"maximum": 1}]}"#, "1", false),
            (#"{"not": {"type": "null"}}"#, "null", false),
            (#"false"#, "1", false),
            (
                #"{"allOf": [{"properties": {"a": true}}], "unevaluatedProperties": false}"#, #"{"a": 1}"#,
                true
            ),
            (
                #"{"unevaluatedProperties": false, "allOf": [{"properties": {"a": true}}]}"#, #"{"b": 1}"#,
                false
            ),
            (#"{"prefixItems": [true], "unevaluatedItems": false}"#, "[1, 2]", false),
            (##"{"$anchor": "me", "items": {"$ref": "#me"}, "type": "array"}"##, "[[], [[]]]", true),
            (
                ##"{"$id": "https://a.b/c", "items": {"$ref": "https://a.b/c#/$defs/x"}, "$defs": {"x": false}}"##,
                "[1]", false
            ),
            (##"{"$ref": "#/$defs/a%20b", "$defs": {"a b": {"type": "null"}}}"##, "null", true),
        ] as [(String, String, Bool?)])
    func `keywords mean what the specification says`(
        schema: String, configuration: String, holds: Bool?
    ) throws {
        guard let holds else {
            #expect(throws: ConfigSchemaError.self) { try ConfigSchema(schema) }
            return
        }
        #expect(try violations(schema, configuration).isEmpty == holds)
    }

    // MARK: Schemas that cannot be used

    @Test(
        arguments: [
            ("{", .notJSON, nil),
            (#"{"type": "string", "type": "null"}"#, .notJSON, nil),
            (#"{"type": "text"}"#, .malformed, nil),
            (#"{"minimum": "1"}"#, .malformed, nil),
            (#"{"minLength": -1}"#, .malformed, nil),
            (#"{"multipleOf": 0}"#, .malformed, nil),
            (#"{"required": ["a", "a"]}"#, .malformed, nil),
            (#"{"anyOf": []}"#, .malformed, nil),
            (#"{"properties": {"a": 1}}"#, .malformed, nil),
            (#"{"pattern": "("}"#, .malformed, "ECMA-262"),
            (#"{"pattern": "\\Aa"}"#, .malformed, "ECMA-262"),
            (#"{"pattern": "(?i)a"}"#, .malformed, "ECMA-262"),
            (#"{"pattern": "a++"}"#, .malformed, "ECMA-262"),
            (#"{"then": true}"#, .malformed, nil),
            (#"{"minlength": 1}"#, .unknownKeyword, "\"minLength\""),
            (#"{"requird": []}"#, .unknownKeyword, "\"required\""),
            (#"{"nonsense": 1}"#, .unknownKeyword, "x-"),
            (#"{"dependencies": {}}"#, .unsupported, "dependentRequired"),
            (#"{"items": [true]}"#, .unsupported, "prefixItems"),
            (##"{"$dynamicRef": "#a"}"##, .unsupported, "$ref"),
            (#"{"$ref": "https://example.com/schema.json"}"#, .unsupported, "$defs"),
            (#"{"$schema": "http://json-schema.org/draft-07/schema#"}"#, .unsupported, "2020-12"),
            (##"{"$ref": "#/$defs/heder", "$defs": {"header": true}}"##, .danglingReference, "header"),
            (##"{"$ref": "#nowhere"}"##, .danglingReference, nil),
            (##"{"$ref": "#"}"##, .tooComplex, nil),
            (
                ##"{"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"not": {"$ref": "#/$defs/a"}}}}"##,
                .tooComplex, nil
            ),
        ] as [(String, ConfigSchemaError.Code, String?)])
    func `a schema that cannot be honoured is refused`(
        schema: String, code: ConfigSchemaError.Code, hint: String?
    ) throws {
        let error = try #require(#expect(throws: ConfigSchemaError.self) { try ConfigSchema(schema) })
        #expect(error.code == code, "\(error)")
        if let hint { #expect(error.hint?.contains(hint) == true, "\(error.hint ?? "no hint")") }
    }

    @Test func `what only describes is accepted`() throws {
        let schema = try ConfigSchema(
            """
            {"$comment": "", "title": "t", "description": "d", "default": 1, "examples": [1], "deprecated": true,
             "readOnly": true, "writeOnly": true, "format": "uri", "contentEncoding": "base64", "x-order": 1}
            """)
        #expect(try schema.validate(.null).isEmpty)
    }

    // MARK: Bounds

    @Test func `a configuration nested deeply is checked to its end`() throws {
        let schema = try ConfigSchema(
            ##"{"$defs": {"n": {"items": {"$ref": "#/$defs/n"}}}, "$ref": "#/$defs/n"}"##)
        let nested = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
        #expect(try schema.validate(json: nested).isEmpty)
        let tooDeep = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
        let error = #expect(throws: ConfigSchemaError.self) { try schema.validate(json: tooDeep) }
        #expect(error?.code == .notJSON)
    }

    @Test func `schemas that multiply are given up`() throws {
        var definitions: [String] = [#""d0": {"type": "null"}"#]
        for level in 1...40 {
            let below = ##"{"$ref": "#/$defs/d\##(level - 1)"}"##
            definitions.append(#""d\#(level)": {"oneOf": [\#(below), \#(below)]}"#)
        }
        let schema = try ConfigSchema(
            ##"{"$ref": "#/$defs/d40", "$defs": {\##(definitions.joined(separator: ", "))}}"##)
        let error = #expect(throws: ConfigSchemaError.self) { try schema.validate(.null) }
        #expect(error?.code == .tooComplex)
    }

    @Test func `a pattern that backtracks without end is given up`() throws {
        let schema = try ConfigSchema(#"{"pattern": "^(a+)+$"}"#)
        let error = #expect(throws: ConfigSchemaError.self) {
            try schema.validate(.string(String(repeating: "a", count: 60) + "b"))
        }
        #expect(error?.code == .tooComplex)
    }
}
