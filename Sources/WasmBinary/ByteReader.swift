// SPDX-License-Identifier: Apache-2.0

/// A cursor over a part of a module's bytes that never reads beyond that part.
///
/// Offsets are those of the whole file, so that every error names a place that a hex editor shows; the bytes at hand may
/// be a piece of it that begins at `base`.
struct ByteReader {
    private let bytes: ArraySlice<UInt8>
    /// The place in the file of what would be the buffer's index 0.
    private let base: Int
    private(set) var offset: Int
    let end: Int

    init(_ bytes: ArraySlice<UInt8>, at base: Int = 0, in range: Range<Int>) {
        self.bytes = bytes
        self.base = base
        self.offset = range.lowerBound
        self.end = range.upperBound
    }

    var isAtEnd: Bool { offset >= end }
    var remaining: Int { end - offset }

    /// The bytes from here to the end, as a part of the buffer: nothing is copied.
    var rest: ArraySlice<UInt8> { bytes[(offset - base)..<(end - base)] }

    /// The next byte, which stays.
    var next: UInt8? { offset < end ? bytes[offset - base] : nil }

    mutating func byte(of what: WasmBinaryError.Part) throws(WasmBinaryError) -> UInt8 {
        guard offset < end else { throw WasmBinaryError(.truncated(what), at: offset) }
        defer { offset += 1 }
        return bytes[offset - base]
    }

    /// Takes the next bytes out as a reader of their own.
    mutating func slice(_ count: Int, of what: WasmBinaryError.Part) throws(WasmBinaryError) -> ByteReader {
        let start = offset
        try skip(count, of: what)
        return ByteReader(bytes, at: base, in: start..<offset)
    }

    mutating func skip(_ count: Int, of what: WasmBinaryError.Part) throws(WasmBinaryError) {
        guard count <= remaining else {
            throw WasmBinaryError(.overrun(what, size: count, available: remaining), at: offset)
        }
        offset += count
    }

    /// A number of fixed width, the low byte first, as floating-point constants are written.
    mutating func fixed(
        _ width: Int, of what: WasmBinaryError.Part
    ) throws(WasmBinaryError) -> UInt64 {
        var value: UInt64 = 0
        for place in 0..<width { value |= UInt64(try byte(of: what)) << UInt64(8 * place) }
        return value
    }

    // MARK: - Integers

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
            // In the last byte, bits beyond the width must be zero and there is no next byte.
            if shift + 7 > bits, next >= 1 << UInt8(bits - shift) {
                throw WasmBinaryError(.integerTooLarge(what, bits: bits), at: start)
            }
            value |= UInt64(next & 0x7f) << UInt64(shift)
            guard next & 0x80 != 0 else { return value }
            shift += 7
        }
    }

    /// A signed integer of 32, 33 or 64 bits (core spec 3.0, 5.2.2 "Integers").
    mutating func signed(bits: Int, _ what: WasmBinaryError.Part) throws(WasmBinaryError) -> Int64 {
        let start = offset
        var value: Int64 = 0
        var shift = 0
        while true {
            let next = try byte(of: what)
            if shift + 7 >= bits {
                // The last byte that can be: no next one, and the bits beyond the width repeat the sign.
                let used = bits - shift - 1
                let beyond = Int8(bitPattern: next << 1) >> Int8(used + 1)
                guard next & 0x80 == 0, beyond == 0 || beyond == -1 else {
                    throw WasmBinaryError(.integerTooLarge(what, bits: bits), at: start)
                }
            }
            value |= Int64(next & 0x7f) << Int64(shift)
            shift += 7
            if next & 0x80 == 0 {
                return next & 0x40 != 0 && shift < 64 ? value | (-1 << Int64(shift)) : value
            }
        }
    }

    // MARK: - Vectors and names

    /// The length of a vector, refused when it is beyond what is accepted or what the bytes can hold.
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
        let lengthOffset = offset
        let length = Int(try u32(.count))
        let start = offset
        let text = try slice(length, of: what)
        guard length <= EngineLimit.nameLength else {
            throw WasmBinaryError(
                .tooLong(what, size: length, limit: EngineLimit.nameLength), at: lengthOffset)
        }
        guard let name = String(validating: text.rest, as: UTF8.self) else {
            throw WasmBinaryError(.nameNotUTF8(what), at: start)
        }
        return name
    }

    /// A vector of bytes, as a reader of its own.
    mutating func sized(_ what: WasmBinaryError.Part) throws(WasmBinaryError) -> ByteReader {
        try slice(Int(try u32(.count)), of: what)
    }

    // MARK: - Codes

    /// A byte that must be 0 or 1.
    mutating func flag(_ what: WasmBinaryError.Part) throws(WasmBinaryError) -> Bool {
        let start = offset
        let code = try byte(of: what)
        guard code <= 1 else { throw WasmBinaryError(.unknownCode(what, code), at: start) }
        return code == 1
    }

    /// An index that must lie in its index space.
    mutating func index(_ what: WasmBinaryError.Part, below count: Int) throws(WasmBinaryError) -> UInt32 {
        let start = offset
        let index = try u32(what)
        guard Int(index) < count else {
            throw WasmBinaryError(.indexOutOfRange(what, index: index, count: count), at: start)
        }
        return index
    }
}
