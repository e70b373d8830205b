// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ProxyWasm

@Suite struct HeaderNameTests {
    @Test func `takes the characters of a token and no other`() {
        let tokens = Set(
            "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
        for byte in UInt8.min...UInt8.max {
            #expect(HeaderField.isValidName(Bytes([byte])) == tokens.contains(byte), "\(byte)")
            #expect(HeaderField.isValidName(Bytes([0x61, byte])) == tokens.contains(byte), "\(byte)")
        }
    }

    @Test(arguments: [
        ("", false), (":", false), (":path", true), ("::path", false), ("x:y", false), ("x-y", true),
        ("x ", false),
    ])
    func `takes a colon in front only`(name: String, isValid: Bool) {
        #expect(HeaderField.isValidName(Bytes(name)) == isValid)
    }
}
