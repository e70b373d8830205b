// SPDX-License-Identifier: Apache-2.0

/// JSON (RFC 8259) that is written as it comes.
///
/// For long lists: an encoder of the library builds all of an answer first, and takes several times as long.
struct JSONText {
    private(set) var bytes: [UInt8] = []
    /// Whether the next member or element needs a comma before it.
    private var follows = false

    private static let escapes: [UInt8: StaticString] = [
        UInt8(ascii: "\""): "\\\"", UInt8(ascii: "\\"): "\\\\", 0x08: "\\b", 0x09: "\\t", 0x0A: "\\n",
        0x0C: "\\f",
        0x0D: "\\r",
    ]
    private static let digits = Array("0123456789abcdef".utf8)

    // MARK: - Values

    mutating func object(_ members: (inout JSONText) -> Void) { enclose("{", "}", members) }

    mutating func array<Elements: Sequence>(
        _ elements: Elements, _ write: (inout JSONText, Elements.Element) -> Void
    ) {
        enclose("[", "]") { text in
            for element in elements {
                text.separate()
                write(&text, element)
                text.follows = true
            }
        }
    }

    mutating func string(_ value: String) {
        bytes.append(UInt8(ascii: "\""))
        // Bytes of other characters than those of ASCII are never below 0x80.
        if value.utf8.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            bytes.append(contentsOf: value.utf8)
        } else {
            for byte in value.utf8 { append(escaping: byte) }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func number(_ value: Int64) { bytes.append(contentsOf: "\(value)".utf8) }

    // MARK: - Members

    mutating func member(_ name: StaticString, _ value: (inout JSONText) -> Void) {
        separate()
        append("\"")
        append(name)
        append("\":")
        value(&self)
        follows = true
    }

    /// Leaves out what is nil.
    mutating func member(_ name: StaticString, _ value: String?) {
        if let value { member(name) { $0.string(value) } }
    }

    mutating func member(_ name: StaticString, _ value: Int64) { member(name) { $0.number(value) } }

    mutating func member(_ name: StaticString, _ value: Bool) {
        member(name) { $0.append(value ? "true" : "false") }
    }

    // MARK: - Bytes

    private mutating func enclose(
        _ begin: StaticString, _ end: StaticString, _ content: (inout JSONText) -> Void
    ) {
        append(begin)
        follows = false
        content(&self)
        append(end)
    }

    private mutating func separate() {
        if follows { bytes.append(UInt8(ascii: ",")) }
        follows = false
    }

    private mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    private mutating func append(escaping byte: UInt8) {
        if let escape = Self.escapes[byte] {
            append(escape)
        } else if byte < 0x20 {
            append("\\u00")
            bytes.append(Self.digits[Int(byte >> 4)])
            bytes.append(Self.digits[Int(byte & 15)])
        } else {
            bytes.append(byte)
        }
    }
}
