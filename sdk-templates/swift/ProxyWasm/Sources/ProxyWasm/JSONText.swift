// SPDX-License-Identifier: Apache-2.0

/// A JSON text, and what is found in it when it is asked for.
///
/// What looks at whole values relies on the text having been validated.
final class JSONText: @unchecked Sendable {
    enum Kind {
        case null
        case boolean
        case number
        case string
        case array
        case object
    }

    private let bytes: Bytes
    // Into `bytes`, whose memory stays where it is.
    private let start: UnsafePointer<UInt8>?
    let count: Int

    init(_ bytes: Bytes) {
        self.bytes = bytes
        start = bytes.start
        count = bytes.count
    }

    /// The byte at an offset, and NUL, which no JSON text has, outside the text.
    subscript(offset: Int) -> UInt8 {
        guard let start, offset < count else { return 0 }
        return start[offset]
    }

    /// The offset at which the text stops being UTF-8, or nil.
    var firstInvalidUTF8: Int? {
        bytes.withUnsafeBytes { ProxyWasm.firstInvalidUTF8(in: $0) }
    }

    /// One byte of the text by itself.
    func byte(at offset: Int) -> Bytes {
        let buffer = Buffer()
        buffer.append(self[offset])
        return Bytes(buffer)
    }

    /// The first offset from this one on that is not white space, a comma or a colon.
    @inline(never)
    func token(from offset: Int) -> Int {
        var offset = offset
        while isSpace(self[offset]) || self[offset] == UInt8(ascii: ",") || self[offset] == UInt8(ascii: ":")
        {
            offset += 1
        }
        return offset
    }

    // MARK: Values

    /// What the value that begins here is.
    @inline(never)
    func kind(at offset: Int) -> Kind {
        switch self[offset] {
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "\""): .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): .boolean
        case UInt8(ascii: "n"): .null
        default: .number
        }
    }

    /// The offset behind the value that begins here.
    @inline(never)
    func end(of value: Int) -> Int {
        var offset = value
        var depth = 0
        while true {
            let byte = self[offset]
            switch byte {
            case UInt8(ascii: "\""):
                offset += 1
                while self[offset] != UInt8(ascii: "\"") {
                    offset += self[offset] == UInt8(ascii: "\\") ? 2 : 1
                }
                if depth == 0 { return offset + 1 }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                // Without an opening one, the value was a number or a word and ended here.
                if depth <= 0 { return depth == 0 ? offset + 1 : offset }
            case 0:
                return offset
            default:
                if depth == 0, byte == UInt8(ascii: ",") || isSpace(byte) { return offset }
            }
            offset += 1
        }
    }

    /// The characters of the number or the word that begins here.
    func literal(at offset: Int) -> Bytes {
        Bytes(
            copying: UnsafeBufferPointer(start: start?.advanced(by: offset), count: end(of: offset) - offset))
    }

    /// The text of the string that begins here.
    @inline(never)
    func string(at offset: Int) -> Bytes {
        let buffer = Buffer()
        var scanner = JSONScanner(self, offset)
        _ = scanner.string(into: buffer)
        return Bytes(buffer)
    }

    /// What begins here, in words.
    func description(at offset: Int) -> Bytes {
        switch kind(at: offset) {
        case .null, .boolean: literal(at: offset)
        case .number: "the number \(literal(at: offset))"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    // MARK: Places

    /// The way from the whole text to the value that begins here, such as `retry.when[1]`.
    @inline(never)
    func path(to target: Int) -> Bytes {
        let path = Buffer()
        var offset = token(from: 0)
        while offset < target {
            var items = JSONItems(self, offset)
            var index = 0
            while items.next(), items.end <= target {
                index += 1
            }
            if kind(at: offset) == .array {
                path.append(UInt8(ascii: "["))
                path.append(decimal: UInt64(truncatingIfNeeded: index), negative: false)
                path.append(UInt8(ascii: "]"))
            } else {
                if path.count > 0 { path.append(UInt8(ascii: ".")) }
                string(at: items.name).append(to: path)
            }
            offset = items.value
        }
        return Bytes(path)
    }

    /// An error about the value at a path, and its place by line and column, both from 1; columns count bytes.
    @inline(never)
    func error(_ message: Bytes, path: Bytes, at offset: Int?) -> ConfigurationError {
        let described = Buffer()
        if !path.isEmpty {
            path.append(to: described)
            (": " as Bytes).append(to: described)
        }
        message.append(to: described)
        if let offset {
            var line = 1
            var lineStart = 0
            var index = 0
            while index < offset {
                index += 1
                if self[index - 1] == UInt8(ascii: "\n") {
                    line += 1
                    lineStart = index
                }
            }
            (" (line \(line), column \(offset - lineStart + 1))" as Bytes).append(to: described)
        }
        return ConfigurationError(Bytes(described))
    }
}

/// Goes through the elements of an array or the members of an object.
struct JSONItems {
    private let text: JSONText
    private let isObject: Bool
    /// Where the member's name begins.
    private(set) var name = 0
    /// Where the value begins.
    private(set) var value = 0
    /// The offset behind the value.
    private(set) var end: Int

    init(_ text: JSONText, _ container: Int) {
        self.text = text
        isObject = text.kind(at: container) == .object
        end = container + 1
    }

    @inline(never)
    mutating func next() -> Bool {
        let item = text.token(from: end)
        if text[item] == UInt8(ascii: "]") || text[item] == UInt8(ascii: "}") { return false }
        name = item
        value = isObject ? text.token(from: text.end(of: item)) : item
        end = text.end(of: value)
        return true
    }
}

/// The four characters that JSON counts as white space.
func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
}
