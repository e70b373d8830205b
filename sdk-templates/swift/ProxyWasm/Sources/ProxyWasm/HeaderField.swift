// SPDX-License-Identifier: Apache-2.0

/// One header line.
public struct HeaderField: Hashable, Sendable {
    /// The name; HTTP/2 names, and so those of Envoy, are in lower case.
    public let name: Bytes

    /// The value, which need not be text.
    public let value: Bytes

    /// Puts a name and a value together; whether they are valid is checked where they are used.
    public init(_ name: Bytes, _ value: Bytes) {
        self.name = name
        self.value = value
    }

    /// Whether `name` can be a header name: a token (RFC 9110 §5.6.2), or one behind a colon as in ":path".
    public static func isValidName(_ name: Bytes) -> Bool {
        let token = name.first == UInt8(ascii: ":") ? name.dropFirst() : name[...]
        return !token.isEmpty && token.allSatisfy(isTokenCharacter)
    }

    /// Whether `value` can be a header value: anything without NUL, CR and LF (RFC 9110 §5.5).
    ///
    /// A proxy does not check what a filter sets, so a value that got through would let the sender of a request
    /// write header lines of its own.
    public static func isValidValue(_ value: Bytes) -> Bool {
        value.withUnsafeBytes { $0.allSatisfy { $0 != 0x00 && $0 != 0x0A && $0 != 0x0D } }
    }

    private static func isTokenCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
            UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default:
            false
        }
    }
}

// MARK: - Wire form

/// The header list format of Proxy-Wasm 0.2.1.
///
/// A count, the sizes of each name and value, then names and values, each followed by a NUL byte. Integers have 32 bits,
/// little-endian.
package enum HeaderList {
    package static func encode(_ fields: [HeaderField]) -> [UInt8] {
        let payload = fields.reduce(0) { $0 + $1.name.count + $1.value.count + 2 }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 + fields.count * 8 + payload)
        append(fields.count, to: &bytes)
        for field in fields {
            append(field.name.count, to: &bytes)
            append(field.value.count, to: &bytes)
        }
        for field in fields {
            field.name.withUnsafeBytes { bytes.append(contentsOf: $0) }
            bytes.append(0)
            field.value.withUnsafeBytes { bytes.append(contentsOf: $0) }
            bytes.append(0)
        }
        return bytes
    }

    /// The fields, or nil if the bytes are not a header list.
    package static func decode(_ list: Bytes) -> [HeaderField]? {
        list.withUnsafeBytes { bytes in
            if bytes.isEmpty { return [] }
            guard let count = integer(in: bytes, at: 0), count <= (bytes.count - 4) / 8 else { return nil }
            var fields: [HeaderField] = []
            fields.reserveCapacity(count)
            var start = 4 + count * 8
            func take(_ size: Int) -> Bytes? {
                guard size < bytes.count - start else { return nil }
                defer { start += size + 1 }
                return Bytes(Array(bytes[start..<start + size]))
            }
            for index in 0..<count {
                guard let nameSize = integer(in: bytes, at: 4 + index * 8),
                    let valueSize = integer(in: bytes, at: 8 + index * 8),
                    let name = take(nameSize),
                    let value = take(valueSize)
                else { return nil }
                fields.append(HeaderField(name, value))
            }
            return fields
        }
    }

    private static func append(_ integer: Int, to bytes: inout [UInt8]) {
        let integer = UInt32(truncatingIfNeeded: integer)
        for shift in [0, 8, 16, 24] as [UInt32] {
            bytes.append(UInt8(truncatingIfNeeded: integer >> shift))
        }
    }

    private static func integer(in bytes: UnsafeBufferPointer<UInt8>, at offset: Int) -> Int? {
        guard offset + 4 <= bytes.count else { return nil }
        let value = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[offset + $1]) << UInt32($1 * 8) }
        return Int(exactly: value)
    }
}
