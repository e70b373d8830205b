// SPDX-License-Identifier: Apache-2.0

/// A cursor over a part of a module's bytes that never reads beyond that part.
///
/// Offsets are those of the whole file, so that every error names a place that a hex editor shows.
struct ByteReader {
    private let bytes: [UInt8]
    private(set) var offset: Int
    let end: Int

    init(_ bytes: [UInt8], in range: Range<Int>) {
        self.bytes = bytes
        self.offset = range.lowerBound
        self.end = range.upperBound
    }

    var isAtEnd: Bool { offset >= end }
    var remaining: Int { end - offset }

    mutating func byte(of what: WasmBinaryError.Part) throws(WasmBinaryError) -> UInt8 {
        guard offset < end else { throw WasmBinaryError(.truncated(what), at: offset) }
        defer { offset += 1 }
        return bytes[offset]
    }

    /// Takes the next bytes out as a reader of their own.
    mutating func slice(_ count: Int, of what: WasmBinaryError.Part) throws(WasmBinaryError) -> ByteReader {
        guard count <= remaining else {
            throw WasmBinaryError(.overrun(what, size: count, available: remaining), at: offset)
        }
        defer { offset += count }
        return ByteReader(bytes, in: offset..<(offset + count))
    }

    /// An unsigned integer of at most 32 bits (core spec 3.0, 5.2.2 "Integers").
    mutating func u32(_ what: WasmBinaryError.Part) throws(WasmBinaryError) -> UInt32 {
        // Safe to narrow: no more than 32 bits are accepted.
        UInt32(truncatingIfNeeded: try unsigned(bits: 32, what))
    }

    /// An unsigned integer of at most 64 bits, as 64-bit limits use.
    mutating func u64(_ what: WasmBinaryError.Part) throws(WasmBinaryError) -> UInt64 {
        try unsigned(bits: 64, what)
    }

    private mutating func unsigned(
        bits: Int, _ what: WasmBinaryError.Part
    ) throws(WasmBinaryError) -> UInt64 {
        let start = offset
        var value: UInt64 = 0
        var shift = 0
        while true {
            let next = try byte(of: what)
            let payload = UInt64(next & 0x7f)
            // In the last byte, bits beyond the width must be zero and there is no next byte.
            if shift + 7 > bits {
                guard next < 1 << UInt8(bits - shift) else {
                    throw WasmBinaryError(.integerTooLarge(what, bits: bits), at: start)
                }
            }
            value |= payload << UInt64(shift)
            guard next & 0x80 != 0 else { return value }
            shift += 7
        }
    }

    /// A signed integer of 33 bits, as heap types use (core spec 3.0, 5.3.3 "Heap Types").
    mutating func s33(_ what: WasmBinaryError.Part) throws(WasmBinaryError) -> Int64 {
        let start = offset
        var value: Int64 = 0
        var shift: Int64 = 0
        while true {
            let next = try byte(of: what)
            value |= Int64(next & 0x7f) << shift
            shift += 7
            if next & 0x80 == 0 {
                if next & 0x40 != 0 { value |= -1 << shift }
                break
            }
            guard shift < 35 else { throw WasmBinaryError(.integerTooLarge(what, bits: 33), at: start) }
        }
        guard (-(1 << 32)..<(1 << 32)).contains(value) else {
            throw WasmBinaryError(.integerTooLarge(what, bits: 33), at: start)
        }
        return value
    }

    /// The length of a vector, refused when it is beyond what engines accept or what the bytes can hold.
    mutating func count(
        _ what: WasmBinaryError.Part, limit: Int, minimumEntrySize: Int = 1
    ) throws(WasmBinaryError) -> Int {
        let start = offset
        let count = Int(try u32(.count))
        guard count <= limit else {
            throw WasmBinaryError(.tooMany(what, count: count, limit: limit), at: start)
        }
        guard count <= remaining / minimumEntrySize else {
            throw WasmBinaryError(.overrun(what, size: count, available: remaining), at: start)
        }
        return count
    }

    /// A name: a length and that many bytes of UTF-8 (core spec 3.0, 5.2.4 "Names").
    mutating func name(_ what: WasmBinaryError.Part) throws(WasmBinaryError) -> String {
        let length = Int(try u32(.count))
        let start = offset
        let text = try slice(length, of: what)
        guard let name = String(validating: text.bytes[text.offset..<text.end], as: UTF8.self) else {
            throw WasmBinaryError(.nameNotUTF8(what), at: start)
        }
        return name
    }
}
