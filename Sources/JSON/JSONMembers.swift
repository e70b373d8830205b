// SPDX-License-Identifier: Apache-2.0

/// Which members of objects are read, for large texts of which little is wanted.
package indirect enum JSONMembers: Sendable {
    /// All, and all that is in them.
    case all
    /// These, and of their values what stands behind them; elements of arrays count as the array.
    case some([String: JSONMembers])
}

extension JSONParser {
    /// Goes past a value that nobody wants.
    mutating func skip(depth: Int) throws(JSONError) {
        switch try beginning(depth: depth) {
        case UInt8(ascii: "{"):
            offset += 1
            skipSpace()
            if take("}") { return }
            repeat {
                skipSpace()
                guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") else {
                    throw error("expected a member's name in double quotes")
                }
                try skipString()
                skipSpace()
                guard take(":") else { throw error("expected a colon after a name") }
                try skip(depth: depth + 1)
                skipSpace()
            } while take(",")
            guard take("}") else { throw error("expected a comma or the end of the object") }
        case UInt8(ascii: "["):
            offset += 1
            skipSpace()
            if take("]") { return }
            repeat {
                try skip(depth: depth + 1)
                skipSpace()
            } while take(",")
            guard take("]") else { throw error("expected a comma or the end of the array") }
        case UInt8(ascii: "\""): try skipString()
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): _ = try number()
        default: _ = try word()
        }
    }

    private mutating func skipString() throws(JSONError) {
        let start = offset
        offset += 1
        while offset < bytes.count {
            switch bytes[offset] {
            case UInt8(ascii: "\""):
                offset += 1
                return
            case UInt8(ascii: "\\"): _ = try escape()
            case 0..<0x20: throw error("a control character in a string must be escaped")
            default: offset += 1
            }
        }
        throw error("the string does not end", at: start)
    }
}
