// SPDX-License-Identifier: Apache-2.0

/// Why a text is not JSON, and where.
package struct JSONError: Error, Hashable, CustomStringConvertible {
    /// Line and column of the byte, both from one.
    package let line: Int
    package let column: Int
    package let reason: String

    package var description: String { "line \(line), column \(column): \(reason)" }
}

extension JSONValue {
    /// Arrays and objects inside each other, at most; what parsers of hosts accept is of that size too.
    package static let maximumDepth = 128

    /// Reads one JSON text, strictly (RFC 8259): no comments, no duplicate names, no unpaired surrogates.
    /// - Parameters:
    ///   - text: the text.
    ///   - members: what of it is wanted, if not all: the rest is not kept, and no more of it is checked than that it is
    ///     well-formed.
    /// - Throws: `JSONError` with the place of the first mistake.
    package init(
        parsing text: some Sequence<UInt8>, only members: JSONMembers = .all
    ) throws(JSONError) {
        var parser = JSONParser(Array(text))
        self = try parser.document(members)
    }

    /// Reads one JSON text.
    package init(parsing text: String) throws(JSONError) {
        try self.init(parsing: text.utf8)
    }
}

struct JSONParser {
    let bytes: [UInt8]
    var offset = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func document(_ members: JSONMembers) throws(JSONError) -> JSONValue {
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { offset = 3 }
        let value = try value(members, depth: 0)
        skipSpace()
        guard offset == bytes.count else { throw error("something follows the value") }
        return value
    }

    func error(_ reason: String, at place: Int? = nil) -> JSONError {
        let before = bytes[..<min(place ?? offset, bytes.count)]
        let line = before.count { $0 == 0x0a } + 1
        let lineStart = before.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
        // Columns count characters, not bytes: continuation bytes of UTF-8 are left out.
        let column = before[lineStart...].count { $0 & 0xc0 != 0x80 } + 1
        return JSONError(line: line, column: column, reason: reason)
    }

    mutating func skipSpace() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x09, 0x0a, 0x0d: offset += 1
            default: return
            }
        }
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard offset < bytes.count, bytes[offset] == UInt8(ascii: character) else { return false }
        offset += 1
        return true
    }

    /// The first byte of a value.
    mutating func beginning(depth: Int) throws(JSONError) -> UInt8 {
        guard depth <= JSONValue.maximumDepth else {
            throw error("more than \(JSONValue.maximumDepth) arrays and objects inside each other")
        }
        skipSpace()
        guard offset < bytes.count else { throw error("the text ends where a value is expected") }
        return bytes[offset]
    }

    private mutating func value(_ members: JSONMembers, depth: Int) throws(JSONError) -> JSONValue {
        switch try beginning(depth: depth) {
        case UInt8(ascii: "{"): return .object(try object(members, depth: depth))
        case UInt8(ascii: "["): return .array(try array(members, depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
        default: return try word()
        }
    }

    mutating func word() throws(JSONError) -> JSONValue {
        for (word, value) in [("true", JSONValue.bool(true)), ("false", .bool(false)), ("null", .null)]
        where bytes[offset...].starts(with: word.utf8) {
            offset += word.utf8.count
            return value
        }
        throw error("expected a value")
    }

    private mutating func object(_ members: JSONMembers, depth: Int) throws(JSONError) -> JSONObject {
        var object = JSONObject()
        offset += 1
        skipSpace()
        if take("}") { return object }
        repeat {
            skipSpace()
            let start = offset
            guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") else {
                throw error("expected a member's name in double quotes")
            }
            let name = try string()
            skipSpace()
            guard take(":") else { throw error("expected a colon after the name \"\(name)\"") }
            let wanted: JSONMembers? =
                switch members {
                case .all: .all
                case .some(let members): members[name]
                }
            if let wanted {
                guard object.insert(name, try value(wanted, depth: depth + 1)) else {
                    throw error("the member \"\(name)\" is there twice", at: start)
                }
            } else {
                try skip(depth: depth + 1)
            }
            skipSpace()
        } while take(",")
        guard take("}") else { throw error("expected a comma or the end of the object") }
        return object
    }

    private mutating func array(_ members: JSONMembers, depth: Int) throws(JSONError) -> [JSONValue] {
        var elements: [JSONValue] = []
        offset += 1
        skipSpace()
        if take("]") { return elements }
        repeat {
            elements.append(try value(members, depth: depth + 1))
            skipSpace()
        } while take(",")
        guard take("]") else { throw error("expected a comma or the end of the array") }
        return elements
    }

    mutating func number() throws(JSONError) -> JSONNumber {
        let start = offset
        let marks = "+-.eE".utf8
        while offset < bytes.count, bytes[offset].isDigit || marks.contains(bytes[offset]) { offset += 1 }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        guard let number = JSONNumber(text) else {
            let shown = text.count > 40 ? "\(text.prefix(40))…" : text
            throw error("\"\(shown)\" is not a number, or one out of all proportion", at: start)
        }
        return number
    }

    private mutating func string() throws(JSONError) -> String {
        let start = offset
        offset += 1
        // What comes before the piece that is read now: most strings have no escape and are one piece.
        var text: [UInt8] = []
        var piece = offset
        while true {
            guard offset < bytes.count else { throw error("the string does not end", at: start) }
            switch bytes[offset] {
            case UInt8(ascii: "\""):
                let last = bytes[piece..<offset]
                offset += 1
                guard
                    let string = text.isEmpty
                        ? String(validating: last, as: UTF8.self)
                        : String(validating: text + last, as: UTF8.self)
                else { throw error("the string is not UTF-8", at: start) }
                return string
            case UInt8(ascii: "\\"):
                text += bytes[piece..<offset]
                text += Array(String(Character(try escape())).utf8)
                piece = offset
            case 0..<0x20: throw error("a control character in a string must be escaped")
            default: offset += 1
            }
        }
    }

    mutating func escape() throws(JSONError) -> Unicode.Scalar {
        let start = offset
        guard offset + 1 < bytes.count else { throw error("the string does not end") }
        let code = bytes[offset + 1]
        offset += 2
        switch code {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(code)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape(from: start)
        default: throw error("unknown escape in a string", at: start)
        }
    }

    /// The rest of `\uXXXX`, or of two of them that are a surrogate pair.
    private mutating func unicodeEscape(from start: Int) throws(JSONError) -> Unicode.Scalar {
        let first = try fourDigits(from: start)
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xdc00, take("\\"), take("u") else {
            throw error("half of a surrogate pair in a string", at: start)
        }
        let second = try fourDigits(from: start)
        guard (0xdc00...0xdfff).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
        else { throw error("half of a surrogate pair in a string", at: start) }
        return scalar
    }

    private mutating func fourDigits(from start: Int) throws(JSONError) -> UInt32 {
        let digits = bytes[min(offset, bytes.count)..<min(offset + 4, bytes.count)]
        let text = String(decoding: digits, as: UTF8.self)
        guard digits.count == 4, text.allSatisfy(\.isHexDigit), let value = UInt32(text, radix: 16) else {
            throw error("\\u needs four hexadecimal digits", at: start)
        }
        offset += 4
        return value
    }
}
