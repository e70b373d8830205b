// SPDX-License-Identifier: Apache-2.0

/// Writes the few Protocol Buffers messages that Envoy's extensions of the ABI take.
///
/// Source: <https://protobuf.dev/programming-guides/encoding/>. Fields with their default values are left out.
struct ProtobufWriter: ~Copyable {
    private let buffer = Buffer()

    mutating func field(_ number: UInt64, _ bytes: Bytes) {
        guard !bytes.isEmpty else { return }
        varint(number << 3 | 2)
        varint(UInt64(bytes.count))
        bytes.append(to: buffer)
    }

    mutating func field(_ number: UInt64, _ value: UInt64) {
        guard value != 0 else { return }
        varint(number << 3)
        varint(value)
    }

    private func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            buffer.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        buffer.append(UInt8(truncatingIfNeeded: rest))
    }

    consuming func finish() -> Bytes {
        Bytes(buffer)
    }
}

/// Reads a Protocol Buffers message field by field.
struct ProtobufReader {
    enum Value {
        case integer(UInt64)
        case bytes(Bytes)
    }

    private var rest: Bytes

    init(_ message: Bytes) {
        rest = message
    }

    /// The next field, or nil at the end and at what is not a message.
    mutating func next() -> (number: UInt64, value: Value)? {
        guard let tag = varint() else { return nil }
        switch tag & 7 {
        case 0: return varint().map { (tag >> 3, .integer($0)) }
        case 1: return take(8).map { (tag >> 3, .bytes($0)) }
        case 2:
            guard let size = varint(), size <= UInt64(rest.count) else { return nil }
            return take(Int(size)).map { (tag >> 3, .bytes($0)) }
        case 5: return take(4).map { (tag >> 3, .bytes($0)) }
        default: return nil
        }
    }

    private mutating func take(_ count: Int) -> Bytes? {
        guard count <= rest.count else { return nil }
        let end = rest.startIndex + count
        let taken = rest[rest.startIndex..<end]
        rest = rest[end..<rest.endIndex]
        return taken
    }

    private mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while shift < 64 {
            guard let byte = take(1)?.first else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return nil
    }
}
