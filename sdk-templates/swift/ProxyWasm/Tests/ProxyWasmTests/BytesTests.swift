// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ProxyWasm

@Suite struct BytesTests {
    @Test func `a literal and an array of the same bytes are equal`() {
        let literal: Bytes = "grüße"
        #expect(literal == Bytes(Array("grüße".utf8)))
        #expect(literal.hashValue == Bytes("grüße" as String).hashValue)
        #expect(literal.count == 7)
        #expect(Array(literal) == Array("grüße".utf8))
    }

    @Test func `a literal of one character works too`() {
        let literal: Bytes = "é"
        #expect(literal == Bytes([0xC3, 0xA9]))
        #expect(("" as Bytes).isEmpty)
    }

    @Test func `interpolation mixes bytes, strings and integers`() {
        let raw = Bytes([0xFF, 0x00])
        let text = "t"
        let mixed: Bytes = "a\(raw)b\(text)\(-128 as Int8)\(UInt64.max)\(Int64.min)\(true)"
        let rest = Array("bt-12818446744073709551615-9223372036854775808true".utf8)
        #expect(mixed == Bytes([0x61, 0xFF, 0x00] + rest))
    }

    @Test(
        arguments: [
            [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xFF], [0xE2, 0x82], [0x61, 0x80],
            [0xF8],
            [0xE0, 0x80, 0x80], [0xF0, 0x80, 0x80, 0x80],
        ] as [[UInt8]]
    )
    func `bytes that are not UTF-8 have no string, but a lossy one`(bytes: [UInt8]) {
        #expect(Bytes(bytes).string == nil)
        #expect(Bytes(bytes).lossyString.contains("\u{FFFD}"))
    }

    @Test func `agrees with the standard library on what UTF-8 is`() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...6)).map { _ in
                [
                    UInt8.random(in: 0...255, using: &generator), UInt8.random(in: 0x80...0xBF), 0xE1, 0xF1,
                    0x41,
                ]
                .randomElement(using: &generator) ?? 0
            }
            #expect(Bytes(bytes).isUTF8 == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes)")
        }
    }

    @Test func `integers are read strictly`() {
        #expect(Bytes("200" as String).integer() == 200)
        #expect(("-128" as Bytes).integer(as: Int8.self) == -128)
        #expect(("128" as Bytes).integer(as: Int8.self) == nil)
        #expect(("-1" as Bytes).integer(as: UInt8.self) == nil)
        #expect(("18446744073709551616" as Bytes).integer(as: UInt64.self) == nil)
        #expect(("" as Bytes).integer(as: Int.self) == nil)
        #expect(("-" as Bytes).integer(as: Int.self) == nil)
        #expect((" 1" as Bytes).integer(as: Int.self) == nil)
    }

    @Test func `compares without regard to ASCII case only`() {
        #expect(("Content-Type" as Bytes).equalsIgnoringCase("content-type"))
        #expect(!("[" as Bytes).equalsIgnoringCase("{"))
        #expect(!("ab" as Bytes).equalsIgnoringCase("abc"))
    }

    @Test func `knows its prefix and suffix`() {
        let path: Bytes = "/api/v1"
        #expect(path.hasPrefix("/api"))
        #expect(!path.hasPrefix("/api/v1/"))
        #expect(path.hasSuffix("v1"))
        #expect(!path.hasSuffix("//api/v1"))
    }
}
