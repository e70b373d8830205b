// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ProxyWasm

private func message(_ body: () throws(ConfigurationError) -> Void) -> String? {
    do {
        try body()
        return nil
    } catch {
        return error.description
    }
}

@Suite struct JSONTests {
    @Test func `reads every kind of value`() throws {
        let json = try JSON(
            #" { "s" : "text", "t":true,"f":false, "n":null, "i":-12, "d":1.5e3, "a":[1,[],{}], "o":{"x":{}} } "#
        )
        #expect(try json["s"].string() == "text")
        #expect(try json["t"].boolean())
        #expect(try !json["f"].boolean())
        #expect(json["n"].isNull)
        #expect(try json["i"].integer() == -12)
        #expect(try json["d"].number() == 1500)
        #expect(try json["a"].elements().count == 3)
        #expect(try json["a"].elements()[0].integer() == 1)
        #expect(json["o"]["x"].exists)
        #expect(try json.members().map(\.name) == ["s", "t", "f", "n", "i", "d", "a", "o"])
    }

    @Test func `takes defaults for what is not there, at any depth`() throws {
        let json = try JSON("{}")
        #expect(try json["a"]["b"].string(default: "x") == "x")
        #expect(try json["a"].integer(default: 3) == 3)
        #expect(try json["a"].number(default: 0.5) == 0.5)
        #expect(try json["a"].boolean(default: true))
        #expect(!json["a"]["b"].exists)
    }

    @Test func `says where, what was expected and what was found`() throws {
        let json = try JSON("{\"retry\": {\n  \"count\": \"three\",\n \"when\": [1, false]}}")
        #expect(
            message { () throws(ConfigurationError) in _ = try json["retry"]["count"].integer() }
                == "retry.count: expected an integer, found a string (line 2, column 12)"
        )
        #expect(
            message { () throws(ConfigurationError) in _ = try json["retry"]["when"].elements()[1].string() }
                == "retry.when[1]: expected a string, found false (line 3, column 14)"
        )
        #expect(
            message { () throws(ConfigurationError) in _ = try json["retry"]["max"].integer() }
                == "retry.max: expected an integer, found nothing"
        )
        #expect(
            message { () throws(ConfigurationError) in
                _ = try json["retry"]["count"]["deep"].integer(default: 1)
            }
                == "retry.count: expected an object, found a string (line 2, column 12)"
        )
        #expect(
            message { () throws(ConfigurationError) in try json["retry"].allow("count") }
                == "retry: unknown member \"when\" (line 3, column 10)"
        )
        #expect(
            message { () throws(ConfigurationError) in
                _ = try JSON("[300]").elements()[0].integer(in: 0...255)
            }
                == "[0]: expected an integer from 0 to 255, found 300 (line 1, column 2)"
        )
    }

    @Test func `decodes escapes and surrogate pairs`() throws {
        let json = try JSON(#"["\"\\\/\b\f\n\r\t", "\u0041\u00e9\u20AC\uD83D\uDE00", "é😀", "\u0000"]"#)
        let strings = try json.elements().map { try $0.string().string }
        #expect(strings == ["\"\\/\u{8}\u{C}\n\r\t", "Aé€😀", "é😀", "\0"])
    }

    @Test(arguments: [
        "", " ", "{", "}", "[", "[1", "[1,", "[1,]", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,",
        "{\"a\":1,}", "{a:1}",
        "{1:1}", "nul", "truee", "True", "01", "-", "+1", "1.", ".5", "1e", "1e+", "0x1", "1 2", "\"", "\"\\",
        "\"\\x\"",
        "\"\\u12\"", "\"\\u12G4\"", "\"\\uD800\"", "\"\\uDC00\"", "\"\\uD800\\u0041\"", "\"\\uD800\\uD800\"",
        "\"\\uD800\\n\"",
        "\"\t\"", "\"\n\"", "'a'", "// x", "{\"a\":1,\"a\":2}", "NaN", "Infinity", "[1] x", "\u{FEFF}{}",
    ])
    func `refuses what is not JSON`(text: String) {
        #expect(throws: ConfigurationError.self) { try JSON(Bytes(text)) }
    }

    @Test func `refuses bytes that are not UTF-8, and says where`() {
        let bytes = Bytes(Array("{\"a\":\n\"x".utf8) + [0xC0, 0xAF] + Array("\"}".utf8))
        #expect(
            message { () throws(ConfigurationError) in _ = try JSON(bytes) }
                == "expected UTF-8 text, found other bytes (line 2, column 3)"
        )
    }

    @Test func `bounds the depth`() throws {
        _ = try JSON(Bytes(String(repeating: "[", count: 64) + String(repeating: "]", count: 64)))
        for opening in ["[", "{\"a\":"] {
            #expect(throws: ConfigurationError.self) {
                try JSON(Bytes(String(repeating: opening, count: 100_000)))
            }
        }
    }

    @Test(
        arguments: [
            ("0", 0), ("-0", 0), ("9223372036854775807", Int64.max), ("-9223372036854775808", Int64.min),
            ("1e3", 1000),
            ("1.50e1", 15), ("1000e-3", 1), ("0.0", 0), ("0e999999999999", 0),
            ("120000000000000000000e-3", 120_000_000_000_000_000),
        ] as [(String, Int64)]
    )
    func `reads integers however they are written`(text: String, value: Int64) throws {
        #expect(try JSON(Bytes(text)).integer() == value)
    }

    @Test(arguments: [
        "9223372036854775808", "-9223372036854775809", "1.5", "1e19", "1e99999999999999999999", "1e-1",
        "99999999999999999999999",
    ])
    func `refuses integers that have a fraction or do not fit`(text: String) {
        #expect(throws: ConfigurationError.self) { try JSON(Bytes(text)).integer() }
    }

    @Test(arguments: [
        "0.1", "123456789012345680", "1.7976931348623157e308", "2.2250738585072014e-308",
        "4.9406564584124654e-324", "5e-324",
        "2.4703282292062327e-324", "2.4703282292062328e-324", "1e-400", "9007199254740993",
        "9007199254740992.5", "3.14159265358979",
        "2.2250738585072011e-308", "179769313486231580793e288", "0.000001", "1e23", "8.5e22", "-1.5",
        "1e0000000000000000002",
    ])
    func `reads numbers as the nearest double`(text: String) throws {
        let expected = try #require(Double(text))
        #expect(try JSON(Bytes(text)).number() == expected)
    }

    @Test func `reads random doubles back exactly`() throws {
        for _ in 0..<2_000 {
            let value = Double(bitPattern: UInt64.random(in: 0...UInt64.max))
            guard value.isFinite else { continue }
            #expect(try JSON(Bytes("\(value)" as String)).number() == value)
        }
    }

    @Test(arguments: ["1e309", "-1e400", "1e999999999999999999999", "1.7976931348623159e308"])
    func `refuses numbers that are too large`(text: String) {
        #expect(throws: ConfigurationError.self) { try JSON(Bytes(text)).number() }
    }

    @Test func `survives any damage to a text`() {
        let text = Array(#"{"a":[1,-2.5e10,"x\u00e9\uD83D\uDE00\n",null,true,{"b":{}}],"c":"\\"}"#.utf8)
        for _ in 0..<50_000 {
            var damaged = text
            for _ in 0...Int.random(in: 0..<4) where !damaged.isEmpty {
                let index = Int.random(in: 0..<damaged.count)
                switch Int.random(in: 0..<3) {
                case 0: damaged[index] = UInt8.random(in: 0...255)
                case 1: damaged.remove(at: index)
                default: damaged.insert(text.randomElement() ?? 0, at: index)
                }
            }
            guard let json = try? JSON(Bytes(damaged)) else { continue }
            _ = try? json["a"].elements().map { (try? $0.integer(), try? $0.number(), try? $0.string()) }
        }
    }

    @Test func `header accessors take only what can go on the wire`() throws {
        let json = try JSON(#"{"name":"x y","empty":"","value":"a\r\nb","good":"x-a"}"#)
        #expect(throws: ConfigurationError.self) { try json["name"].headerName() }
        #expect(throws: ConfigurationError.self) { try json["empty"].headerName() }
        #expect(throws: ConfigurationError.self) { try json["value"].headerValue() }
        #expect(try json["good"].headerName() == "x-a")
        #expect(try json["empty"].headerValue() == "")
    }
}

@Suite struct JSONPlaceTests {
    @Test(arguments: [
        ("", "expected a value, found the end (line 1, column 1)"),
        ("[1,\n x]", "expected a value, found \"x\" (line 2, column 2)"),
        ("truee", "expected the end, found \"e\" (line 1, column 5)"),
        ("true\"", "expected the end, found \"\"\" (line 1, column 5)"),
        ("tru", "expected a value, found \"t\" (line 1, column 1)"),
        ("{1:1}", "expected a member name, found \"1\" (line 1, column 2)"),
        ("{\"a\" 1}", "expected \":\", found \"1\" (line 1, column 6)"),
        ("{\"a\":1]", "expected \",\" or \"}\", found \"]\" (line 1, column 7)"),
        ("[[1]}", "expected \",\" or \"]\", found \"}\" (line 1, column 5)"),
        ("{\"a\":1,}", "expected a member name, found \"}\" (line 1, column 8)"),
        ("-x", "expected a digit, found \"x\" (line 1, column 2)"),
        ("1.", "expected a digit, found the end (line 1, column 3)"),
        ("01", "expected the end, found \"1\" (line 1, column 2)"),
        ("\"\\u12G4\"", "expected a hexadecimal digit, found \"G\" (line 1, column 6)"),
        ("\"a\nb\"", "expected a character of a string, found byte 10 (line 1, column 3)"),
        ("\"a", "expected the end of a string, found the end (line 1, column 3)"),
        ("\"a\\", "expected an escape sequence, found another (line 1, column 3)"),
        ("\"\\uD800\\n\"", "expected a pair of surrogates, found half of one (line 1, column 2)"),
        ("{\"a\":{\"b\":1},\"\\u0061\":2}", "duplicate member \"a\" (line 1, column 14)"),
        (
            "{\"a\":{\"a\":1},\"b\":[{\"a\":2},{\"a\":3,\"a\":3}]}",
            "duplicate member \"a\" (line 1, column 34)"
        ),
        ("\0", "expected a value, found byte 0 (line 1, column 1)"),
    ])
    func `says where a text stops being JSON, and why`(text: String, expected: String) {
        #expect(message { () throws(ConfigurationError) in _ = try JSON(Bytes(text)) } == expected)
    }

    @Test func `says so at the bracket that is too deep`() {
        let text = Bytes(String(repeating: "[", count: 65))
        #expect(
            message { () throws(ConfigurationError) in _ = try JSON(text) }
                == "nested more than 64 deep (line 1, column 65)"
        )
    }

    @Test func `an error about what is missing names the whole way`() throws {
        let json = try JSON(#"{"a":[{"b":1},{"c":{}}]}"#)
        let c = try json["a"].elements()[1]["c"]
        #expect(c["d"]["e"].error("wrong").description == "a[1].c.d.e: wrong")
        #expect(c.error("wrong").description == "a[1].c: wrong (line 1, column 20)")
        #expect(try json.members()[0].value.elements()[0]["b"].integer() == 1)
        #expect(json.error("wrong").description == "wrong (line 1, column 1)")
    }

    @Test func `takes no longer than the text is long`() throws {
        // As many members as there may be, many elements, many objects; and then everything looked at.
        let members = (0..<1000).map { "\"member \($0)\":\"\(String(repeating: "x", count: 100))\"" }
        let object = try JSON(Bytes("{\(members.joined(separator: ","))}"))
        #expect(try object.members().count == 1000)
        #expect(try object["member 999"].string().count == 100)
        let elements = try JSON(Bytes("[\(Array(repeating: "[1]", count: 20_000).joined(separator: ","))]"))
            .elements()
        #expect(elements.count == 20_000)
        let full = "{\((0..<1000).map { "\"\($0)\":0" }.joined(separator: ","))}"
        let objects = try JSON(Bytes("[\(Array(repeating: full, count: 10).joined(separator: ","))]"))
        #expect(try objects.elements()[9]["999"].integer() == 0)
        let more = "{\((0...1000).map { "\"\($0)\":0" }.joined(separator: ","))}"
        #expect(
            message { () throws(ConfigurationError) in _ = try JSON(Bytes(more)) }
                == "more than 1000 members in one object (line 1, column 7892)"
        )
    }
}
