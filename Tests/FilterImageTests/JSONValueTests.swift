// SPDX-License-Identifier: Apache-2.0

import FilterImage
import JSON
import Testing

@Suite struct JSONValueTests {
    @Test(arguments: [
        #"{"b":1,"a":[true,false,null,"é\n\"\\"],"n":-0.10e+5}"#, "[]", "{}", "\"\"", "1e5", "-0",
        "12345678901234567890123",
    ])
    func `a text without white space is printed as it was written`(text: String) throws {
        #expect(try JSONValue(parsing: text).description == text)
    }

    @Test(arguments: [
        ("", 1, 1), ("{\n  \"a\" 1}", 2, 7), ("[1,]", 1, 4), ("01", 1, 1), ("1 2", 1, 3), ("\"\u{1}\"", 1, 2),
        (#""\ud800""#, 1, 2), (#""\u12""#, 1, 2), ("{\"é\": 1, \"é\": 2}", 1, 10), ("nul", 1, 1),
        ("'a'", 1, 1),
        ("1.", 1, 1), ("+1", 1, 1), ("1e9999999", 1, 1), ("// c", 1, 1),
    ])
    func `what is not JSON is refused at its place`(text: String, line: Int, column: Int) throws {
        let error = try #require(#expect(throws: JSONError.self) { try JSONValue(parsing: text) })
        #expect((error.line, error.column) == (line, column), "\(error)")
    }

    @Test func `bytes that are not UTF-8 are refused`() {
        #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22, 0xff, 0x22] as [UInt8]) }
    }

    @Test func `a surrogate pair is one character`() throws {
        #expect(try JSONValue(parsing: #""\ud83d\ude00""#) == .string("😀"))
    }

    @Test(arguments: [
        (#""a\nb""#, "a\nb"), (#""\\""#, "\\"), (#""\u0041bc\u00e9é\/""#, "Abcéé/"), (#""é\té""#, "é\té"),
        (#""""#, ""), (#""\"\"""#, "\"\""),
    ])
    func `escapes stand anywhere in a string`(text: String, value: String) throws {
        #expect(try JSONValue(parsing: text) == .string(value))
        #expect(try JSONValue(parsing: "{\(text): [\(text)]}").object?[value] == .array([.string(value)]))
    }

    @Test func `of a large text only what is wanted is kept`() throws {
        let text = #"""
            {"items": [{"name": "a", "labels": {"x": "1", "y": ["\"]}", {"z": null}]}, "rest": {"name": [1, "\\"]}},
             {"rest": [{}, [], "\u00e9", -1.5e3, true], "name": "b"}, 7], "name": "c", "next": false}
            """#
        let members = JSONMembers.some(["items": .some(["name": .all, "labels": .all]), "next": .all])
        #expect(
            try JSONValue(parsing: text.utf8, only: members).description
                == #"{"items":[{"name":"a","labels":{"x":"1","y":["\"]}",{"z":null}]}},{"name":"b"},7],"next":false}"#
        )
        #expect(try JSONValue(parsing: text.utf8, only: .all) == JSONValue(parsing: text))
        #expect(try JSONValue(parsing: text.utf8, only: .some([:])).description == "{}")
    }

    @Test(arguments: [
        (#"{"a": [1,]}"#, 1, 10), (#"{"a": {"b" 1}}"#, 1, 12), (#"{"a": "\x"}"#, 1, 8), (#"{"a": "b}"#, 1, 7),
        (#"{"a": 01}"#, 1, 7), (#"{"a": nul}"#, 1, 7), (#"{"a": {1}}"#, 1, 8), (#"{"a": [1 2]}"#, 1, 10),
        (#"{"a": {"b": 1"#, 1, 14), (#"{"a": "\ud800"}"#, 1, 8), (#"{"a": }"#, 1, 7), (#"{"a": 1} x"#, 1, 10),
        (#"{"k": 1, "k": 2}"#, 1, 10),
    ])
    func `what is not wanted has to be well-formed, too`(text: String, line: Int, column: Int) throws {
        let error = try #require(
            #expect(throws: JSONError.self) { try JSONValue(parsing: text.utf8, only: .some(["k": .all])) })
        #expect((error.line, error.column) == (line, column), "\(error)")
        let deep = "{\"a\": " + String(repeating: "[", count: 200) + String(repeating: "]", count: 200) + "}"
        #expect(throws: JSONError.self) { try JSONValue(parsing: deep.utf8, only: .some([:])) }
    }

    @Test func `numbers are compared by value`() throws {
        let sorted = ["-1e2", "-3", "-2.5", "0", "1e-3", "0.1", "2", "10", "1e2"].compactMap {
            JSONNumber($0)
        }
        #expect(sorted.count == 9)
        #expect(sorted.shuffled().sorted().map(\.description) == sorted.map(\.description))
        #expect(JSONNumber("100") == JSONNumber("1e2"))
        #expect(JSONNumber("-0") == JSONNumber("0.0"))
        #expect(JSONNumber("-12e1")?.int == -120)
        #expect(JSONNumber("9223372036854775808")?.int == nil)
    }

    @Test func `an object keeps its order and is equal in any`() throws {
        var object = JSONObject()
        object["b"] = .integer(1)
        object["a"] = .null
        object["b"] = .integer(2)
        #expect(JSONValue.object(object).description == #"{"b":2,"a":null}"#)
        #expect(try JSONValue.object(object) == JSONValue(parsing: #"{"a":null,"b":2.0}"#))
        object["b"] = nil
        #expect(object.names == ["a"])
        #expect(
            JSONValue.object(["a": .array([.bool(true)])]).prettyPrinted == "{\n  \"a\": [\n    true\n  ]\n}")
    }

    @Test(arguments: [
        ("hedder", "header"), ("Header", "header"), ("vaule", "value"), ("xyz", nil), ("nmae", "name"),
    ])
    func `a mistyped name finds the one that was meant`(typed: String, meant: String?) {
        #expect(closestName(to: typed, in: ["header", "value", "name"]) == meant)
    }
}
