// SPDX-License-Identifier: Apache-2.0

/// Reads JSON (RFC 8259) strictly: valid UTF-8, no duplicate members, no lone surrogates, bounded depth.
struct JSONParser {
    private static let deepest = 64

    private let bytes: UnsafeBufferPointer<UInt8>
    private var offset = 0
    private var depth = 0

    static func parse(_ text: Bytes) throws(ConfigurationError) -> JSONNode {
        try text.withUnsafeBytes { (bytes) throws(ConfigurationError) in
            if let offset = firstInvalidUTF8(in: bytes) {
                let place = place(of: offset, in: text)
                throw ConfigurationError("expected UTF-8 text, found other bytes (\(place))")
            }
            var parser = JSONParser(bytes: bytes)
            do throws(Failure) {
                return try parser.parseText()
            } catch {
                throw ConfigurationError("\(error.message) (\(place(of: error.offset, in: text)))")
            }
        }
    }

    /// Line and column of an offset, both from 1; columns count bytes.
    static func place(of offset: Int, in text: Bytes) -> Bytes {
        var line = 1
        var column = 1
        for byte in text.prefix(offset) {
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else {
                column += 1
            }
        }
        return "line \(line), column \(column)"
    }

    private struct Failure: Error {
        let message: Bytes
        let offset: Int
    }

    private init(bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    // MARK: Values

    private mutating func parseText() throws(Failure) -> JSONNode {
        skipSpace()
        let node = try parseValue()
        skipSpace()
        guard offset == bytes.count else { throw unexpected("the end") }
        return node
    }

    private mutating func parseValue() throws(Failure) -> JSONNode {
        let start = offset
        let value: JSONNode.Value
        guard let first = peek else { throw unexpected("a value") }
        switch first {
        case UInt8(ascii: "{"): value = try parseObject()
        case UInt8(ascii: "["): value = try parseArray()
        case UInt8(ascii: "\""): value = .string(try parseString())
        case UInt8(ascii: "t"): value = try parse("true", .boolean(true))
        case UInt8(ascii: "f"): value = try parse("false", .boolean(false))
        case UInt8(ascii: "n"): value = try parse("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): value = .number(try parseNumber())
        default: throw unexpected("a value")
        }
        return JSONNode(offset: start, value: value)
    }

    private mutating func parse(_ word: Bytes, _ value: JSONNode.Value) throws(Failure) -> JSONNode.Value {
        guard bytes[offset...].starts(with: word) else { throw unexpected("a value") }
        offset += word.count
        return value
    }

    private mutating func parseObject() throws(Failure) -> JSONNode.Value {
        try descend()
        var members: [JSONNode.Member] = []
        if skip(UInt8(ascii: "}")) { return .object(members) }
        repeat {
            skipSpace()
            let start = offset
            guard peek == UInt8(ascii: "\"") else { throw unexpected("a member name") }
            let name = try parseString()
            guard !members.contains(where: { $0.name == name }) else {
                throw Failure(message: "duplicate member \"\(name)\"", offset: start)
            }
            guard members.count < 1000 else {
                throw Failure(message: "more than 1000 members in one object", offset: start)
            }
            skipSpace()
            guard skip(UInt8(ascii: ":")) else { throw unexpected("\":\"") }
            skipSpace()
            members.append(JSONNode.Member(name: name, node: try parseValue()))
            skipSpace()
        } while skip(UInt8(ascii: ","))
        guard skip(UInt8(ascii: "}")) else { throw unexpected("\",\" or \"}\"") }
        depth -= 1
        return .object(members)
    }

    private mutating func parseArray() throws(Failure) -> JSONNode.Value {
        try descend()
        var elements: [JSONNode] = []
        if skip(UInt8(ascii: "]")) { return .array(elements) }
        repeat {
            skipSpace()
            elements.append(try parseValue())
            skipSpace()
        } while skip(UInt8(ascii: ","))
        guard skip(UInt8(ascii: "]")) else { throw unexpected("\",\" or \"]\"") }
        depth -= 1
        return .array(elements)
    }

    private mutating func descend() throws(Failure) {
        guard depth < Self.deepest else {
            throw Failure(message: "nested more than \(Self.deepest) deep", offset: offset)
        }
        depth += 1
        offset += 1
        skipSpace()
    }

    /// The characters of a number, checked but not converted.
    private mutating func parseNumber() throws(Failure) -> Bytes {
        let start = offset
        _ = skip(UInt8(ascii: "-"))
        if !skip(UInt8(ascii: "0")) { try parseDigits() }
        if skip(UInt8(ascii: ".")) { try parseDigits() }
        if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
            if !skip(UInt8(ascii: "+")) { _ = skip(UInt8(ascii: "-")) }
            try parseDigits()
        }
        return Bytes(Array(bytes[start..<offset]))
    }

    private mutating func parseDigits() throws(Failure) {
        let start = offset
        while let byte = peek, decimalDigit(byte) != nil {
            offset += 1
        }
        guard offset > start else { throw unexpected("a digit") }
    }

    // MARK: Strings

    private mutating func parseString() throws(Failure) -> Bytes {
        offset += 1
        var text: [UInt8] = []
        while let byte = peek {
            switch byte {
            case UInt8(ascii: "\""):
                offset += 1
                return Bytes(text)
            case UInt8(ascii: "\\"):
                try parseEscape(into: &text)
            case 0..<0x20:
                throw unexpected("a character of a string")
            default:
                text.append(byte)
                offset += 1
            }
        }
        throw unexpected("the end of a string")
    }

    private mutating func parseEscape(into text: inout [UInt8]) throws(Failure) {
        let start = offset
        offset += 1
        let escape = peek
        offset += 1
        switch escape {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(escape ?? 0)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var scalar = try parseCodeUnit()
            if (0xD800..<0xDC00).contains(scalar), skip(UInt8(ascii: "\\")) {
                let low = skip(UInt8(ascii: "u")) ? try parseCodeUnit() : 0
                if (0xDC00..<0xE000).contains(low) {
                    scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
                }
            }
            guard !(0xD800..<0xE000).contains(scalar) else {
                throw Failure(message: "expected a pair of surrogates, found half of one", offset: start)
            }
            append(scalar, to: &text)
        default:
            throw Failure(message: "expected an escape sequence, found another", offset: start)
        }
    }

    private mutating func parseCodeUnit() throws(Failure) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = hexDigit(byte) else { throw unexpected("a hexadecimal digit") }
            unit = unit << 4 | digit
            offset += 1
        }
        return unit
    }

    private func hexDigit(_ byte: UInt8) -> UInt32? {
        if let digit = decimalDigit(byte) { return UInt32(digit) }
        let letter = lowercased(byte) &- UInt8(ascii: "a")
        return letter < 6 ? UInt32(letter) + 10 : nil
    }

    /// Appends the UTF-8 encoding of a scalar value.
    private func append(_ scalar: UInt32, to text: inout [UInt8]) {
        func continuation(_ shift: UInt32) -> UInt8 {
            0x80 | UInt8(truncatingIfNeeded: scalar >> shift & 0x3F)
        }
        switch scalar {
        case 0..<0x80:
            text.append(UInt8(truncatingIfNeeded: scalar))
        case 0x80..<0x800:
            text += [0xC0 | UInt8(truncatingIfNeeded: scalar >> 6), continuation(0)]
        case 0x800..<0x10000:
            text += [0xE0 | UInt8(truncatingIfNeeded: scalar >> 12), continuation(6), continuation(0)]
        default:
            text += [
                0xF0 | UInt8(truncatingIfNeeded: scalar >> 18), continuation(12), continuation(6),
                continuation(0),
            ]
        }
    }

    // MARK: Characters

    private var peek: UInt8? {
        offset < bytes.count ? bytes[offset] : nil
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        offset += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            offset += 1
        }
    }

    private func unexpected(_ expected: Bytes) -> Failure {
        let found: Bytes =
            switch peek {
            case nil: "the end"
            case let byte? where byte > 0x20 && byte < 0x7F: "\"\(Bytes([byte]))\""
            case let byte?: "byte \(byte)"
            }
        return Failure(message: "expected \(expected), found \(found)", offset: offset)
    }
}
