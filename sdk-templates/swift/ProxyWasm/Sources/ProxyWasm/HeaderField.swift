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
    @inline(never)
    public static func isValidName(_ name: Bytes) -> Bool {
        name.withUnsafeBytes { bytes in
            var index = bytes.first == UInt8(ascii: ":") ? 1 : 0
            guard index < bytes.count else { return false }
            while index < bytes.count {
                let byte = bytes[index]
                // One bit for each character of a token: from NUL to "?", from "@" to DEL, and none beyond.
                let tokens: UInt64 =
                    byte < 64 ? 0x03FF_6CFA_0000_0000 : byte < 128 ? 0x57FF_FFFF_C7FF_FFFE : 0
                if tokens >> UInt64(byte & 63) & 1 == 0 { return false }
                index += 1
            }
            return true
        }
    }

    /// Whether `value` can be a header value: anything without NUL, CR and LF (RFC 9110 §5.5).
    ///
    /// A proxy does not check what a filter sets, so a value that got through would let the sender of a request
    /// write header lines of its own.
    @inline(never)
    public static func isValidValue(_ value: Bytes) -> Bool {
        value.withUnsafeBytes { bytes in
            for byte in bytes where byte == 0x00 || byte == 0x0A || byte == 0x0D { return false }
            return true
        }
    }
}

// MARK: - Wire form

/// The header list format of Proxy-Wasm 0.2.1.
///
/// A count, the sizes of each name and value, then names and values, each followed by a NUL byte. Integers have 32 bits,
/// little-endian.
package enum HeaderList {
    package static func encode(_ fields: [HeaderField]) -> Bytes {
        // What a host reads as no headers: Envoy takes an empty list for granted everywhere.
        if fields.isEmpty { return "" }
        let buffer = Buffer()
        append(fields.count, to: buffer)
        for field in fields {
            append(field.name.count, to: buffer)
            append(field.value.count, to: buffer)
        }
        for field in fields {
            field.name.append(to: buffer)
            buffer.append(0)
            field.value.append(to: buffer)
            buffer.append(0)
        }
        return Bytes(buffer)
    }

    /// The wire form of fields that can be written on the wire; throws if one cannot.
    static func validated(_ fields: [HeaderField], _ operation: Bytes) throws(HostError) -> Bytes {
        for field in fields {
            try validate(field.name, field.value, operation)
        }
        return encode(fields)
    }

    /// Throws unless a header can be written on the wire.
    static func validate(_ name: Bytes, _ value: Bytes, _ operation: Bytes) throws(HostError) {
        guard HeaderField.isValidName(name), HeaderField.isValidValue(value) else {
            throw HostError(operation, on: name, .badArgument)
        }
    }

    /// The fields, or nil if the bytes are not a header list.
    package static func decode(_ list: Bytes) -> [HeaderField]? {
        var fields: [HeaderField] = []
        return decode(list) { fields.append(HeaderField($0, $1)) } ? fields : nil
    }

    /// Calls `body` with each field; false if the bytes are not a header list.
    static func decode(_ list: Bytes, _ body: (Bytes, Bytes) -> Void) -> Bool {
        if list.isEmpty { return true }
        guard let count = integer(in: list, at: 0), count <= (list.count - 4) / 8 else { return false }
        var start = 4 + count * 8
        var index = 0
        while index < count {
            guard let nameSize = integer(in: list, at: 4 + index * 8),
                let valueSize = integer(in: list, at: 8 + index * 8),
                let name = part(of: list, at: &start, nameSize),
                let value = part(of: list, at: &start, valueSize)
            else { return false }
            body(name, value)
            index += 1
        }
        return true
    }

    private static func part(of list: Bytes, at start: inout Int, _ size: Int) -> Bytes? {
        // A NUL byte follows.
        guard size < list.count - start else { return nil }
        let first = list.startIndex + start
        start += size + 1
        return list[first..<first + size]
    }

    private static func append(_ integer: Int, to buffer: Buffer) {
        var integer = UInt32(truncatingIfNeeded: integer).littleEndian
        withUnsafeBytes(of: &integer) {
            buffer.append($0.baseAddress?.assumingMemoryBound(to: UInt8.self), $0.count)
        }
    }

    private static func integer(in list: Bytes, at offset: Int) -> Int? {
        guard offset >= 0, offset <= list.count - 4 else { return nil }
        let value = list.withUnsafeBytes {
            UnsafeRawBufferPointer($0).loadUnaligned(fromByteOffset: offset, as: UInt32.self)
        }
        return Int(exactly: UInt32(littleEndian: value))
    }
}
