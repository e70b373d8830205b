// SPDX-License-Identifier: Apache-2.0

import ProxyWasm

/// An object of JSON (RFC 8259) in one line, put together member by member.
struct JSONLine: ~Copyable {
    private var line = BytesBuilder(capacity: 256)

    mutating func add(_ name: Bytes, _ value: Bytes?) {
        guard let value, !value.isEmpty else { return }
        begin(name)
        appendString(value)
    }

    mutating func add(_ name: Bytes, _ value: Int64?) {
        guard let value else { return }
        begin(name)
        line.append(value)
    }

    consuming func finish() -> Bytes {
        if line.count == 0 { line.append("{") }
        line.append("}")
        return line.finish()
    }

    private mutating func begin(_ name: Bytes) {
        line.append(line.count == 0 ? "{" : ",")
        appendString(name)
        line.append(":")
    }

    /// What a client sends may be anything; a line of JSON is UTF-8, and stays one line.
    private mutating func appendString(_ value: Bytes) {
        line.append("\"")
        for byte in value.isUTF8 ? value : Bytes(value.lossyString) {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                line.append(UInt8(ascii: "\\"))
                line.append(byte)
            case 0..<0x20:
                line.append("\\u00")
                line.append(JSONLine.hexDigit(byte >> 4))
                line.append(JSONLine.hexDigit(byte & 0xF))
            default:
                line.append(byte)
            }
        }
        line.append("\"")
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
