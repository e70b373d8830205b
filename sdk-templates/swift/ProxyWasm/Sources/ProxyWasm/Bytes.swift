// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI

/// A header name or value, a body, a configuration: bytes, which are most often but not always UTF-8 text.
///
/// It is a view: copies and slices share the memory they look into, and what the proxy hands over is not copied. As with
/// `ArraySlice`, the indices of a slice are those of the whole. A literal is `Bytes` where `Bytes` is expected, and costs
/// no allocation; an interpolated literal may mix `Bytes`, `String` and integers.
public struct Bytes: @unchecked Sendable {
    // A byte with index i is base[i]; the bytes do not change once a `Bytes` looks at them.
    private let base: UnsafePointer<UInt8>?
    /// Nil for a literal, which lives as long as the module.
    private let owner: Buffer?

    /// The position of the first byte; not 0 in a slice.
    public let startIndex: Int

    /// The position after the last byte.
    public let endIndex: Int

    private init(_ base: UnsafePointer<UInt8>?, _ owner: Buffer?, _ startIndex: Int, _ endIndex: Int) {
        self.base = base
        self.owner = owner
        self.startIndex = startIndex
        self.endIndex = endIndex
    }

    /// A view of the whole buffer, to which nobody may append any more.
    init(_ buffer: Buffer) {
        self.init(buffer.start, buffer, 0, buffer.count)
    }

    /// No bytes.
    public init() {
        self.init(nil, nil, 0, 0)
    }

    /// Copies the bytes of a sequence.
    public init(_ bytes: some Sequence<UInt8>) {
        let buffer = Buffer()
        for byte in bytes {
            buffer.append(byte)
        }
        self.init(buffer)
    }

    /// Copies the bytes of an array.
    public init(_ bytes: [UInt8]) {
        self = bytes.withUnsafeBufferPointer { Bytes(copying: $0) }
    }

    /// Copies bytes in memory.
    public init(copying bytes: UnsafeBufferPointer<UInt8>) {
        let buffer = Buffer(capacity: bytes.count)
        buffer.append(bytes.baseAddress, bytes.count)
        self.init(buffer)
    }

    /// The same bytes.
    public init(_ bytes: Bytes) {
        self = bytes
    }

    /// The UTF-8 encoding of a string.
    public init(_ string: String) {
        self.init(string.utf8)
    }

    /// The decimal digits of an integer.
    public init(_ integer: some BinaryInteger) {
        let buffer = Buffer(capacity: 20)
        buffer.append(decimal: UInt64(truncatingIfNeeded: integer.magnitude), negative: integer < 0)
        self.init(buffer)
    }

    /// Calls `body` with the bytes in memory; the buffer is valid during the call only.
    public func withUnsafeBytes<Result, Failure>(
        _ body: (UnsafeBufferPointer<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // `body` may be the last to refer to these bytes.
        defer { withExtendedLifetime(owner) {} }
        return try body(UnsafeBufferPointer(start: base?.advanced(by: startIndex), count: endIndex - startIndex))
    }

    func append(to buffer: Buffer) {
        withUnsafeBytes { buffer.append($0.baseAddress, $0.count) }
    }
}

// MARK: - Text

extension Bytes {
    /// The bytes without ASCII spaces and tabs at either end.
    public var trimmed: Bytes {
        var (first, end) = (startIndex, endIndex)
        while first < end, self[first] == 0x20 || self[first] == 0x09 { first += 1 }
        while first < end, self[end - 1] == 0x20 || self[end - 1] == 0x09 { end -= 1 }
        return self[first..<end]
    }

    /// What stands before and after the first byte of this value, or nil if there is none.
    public func split(at separator: UInt8) -> (before: Bytes, after: Bytes)? {
        guard let index = firstIndex(of: separator) else { return nil }
        return (self[startIndex..<index], self[(index + 1)..<endIndex])
    }

    /// The text, or nil if the bytes are not valid UTF-8.
    public var string: String? {
        isUTF8 ? lossyString : nil
    }

    /// The text, with U+FFFD in place of every part that is not valid UTF-8.
    public var lossyString: String {
        withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    /// Whether the bytes are valid UTF-8.
    public var isUTF8: Bool {
        withUnsafeBytes { firstInvalidUTF8(in: $0) == nil }
    }

    /// The value of an optional sign and decimal digits, or nil if that is not what the bytes are or it does not fit.
    public func integer<Integer: FixedWidthInteger>(as type: Integer.Type = Integer.self) -> Integer? {
        withUnsafeBytes { parseDecimal($0) }
    }

    /// Whether two texts are the same if ASCII letters are compared without regard to case.
    public func equalsIgnoringCase(_ other: Bytes) -> Bool {
        guard count == other.count else { return false }
        return withUnsafeBytes { left in
            other.withUnsafeBytes { right in
                for index in 0..<left.count where lowercased(left[index]) != lowercased(right[index]) {
                    return false
                }
                return true
            }
        }
    }

    /// A copy with ASCII letters in lower case.
    public var lowercasedASCII: Bytes {
        let buffer = Buffer(capacity: count)
        for byte in self {
            buffer.append(lowercased(byte))
        }
        return Bytes(buffer)
    }
}

// MARK: - Collection

extension Bytes: RandomAccessCollection {
    /// How many bytes there are.
    public var count: Int { endIndex - startIndex }

    /// Whether there are none.
    public var isEmpty: Bool { endIndex == startIndex }

    /// The byte at a position, which must be one of these bytes'.
    public subscript(position: Int) -> UInt8 {
        precondition(position >= startIndex && position < endIndex)
        return base.unsafelyUnwrapped[position]
    }

    /// A view of some of these bytes.
    public subscript(range: Range<Int>) -> Bytes {
        precondition(range.lowerBound >= startIndex && range.upperBound <= endIndex)
        return Bytes(base, owner, range.lowerBound, range.upperBound)
    }

    /// The position of the first byte of this value, or nil.
    public func firstIndex(of byte: UInt8) -> Int? {
        var index = startIndex
        while index < endIndex {
            if base.unsafelyUnwrapped[index] == byte { return index }
            index += 1
        }
        return nil
    }
}

extension Bytes: Hashable {
    /// Whether two values hold the same bytes.
    public static func == (left: Bytes, right: Bytes) -> Bool {
        left.count == right.count && left.matches(right, at: left.startIndex)
    }

    /// Feeds the bytes to a hasher.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(count)
        withUnsafeBytes { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }

    /// Whether the bytes of `other` stand at a position; there must be enough of them.
    @inline(never)
    private func matches(_ other: Bytes, at position: Int) -> Bool {
        guard let base, let otherBase = other.base else { return true }
        var (index, otherIndex) = (position, other.startIndex)
        while otherIndex < other.endIndex {
            guard base[index] == otherBase[otherIndex] else { return false }
            index += 1
            otherIndex += 1
        }
        return true
    }

    /// Whether these bytes begin with `prefix`.
    public func hasPrefix(_ prefix: Bytes) -> Bool {
        count >= prefix.count && matches(prefix, at: startIndex)
    }

    /// Whether these bytes end with `suffix`.
    public func hasSuffix(_ suffix: Bytes) -> Bool {
        count >= suffix.count && matches(suffix, at: endIndex - suffix.count)
    }
}

extension Bytes: CustomStringConvertible {
    /// The text, as `lossyString`.
    public var description: String { lossyString }
}

// MARK: - Literals

extension Bytes: ExpressibleByStringInterpolation {
    /// The UTF-8 encoding of a literal, kept in the module's data.
    public init(stringLiteral literal: StaticString) {
        if literal.hasPointerRepresentation {
            self.init(literal.utf8Start, nil, 0, literal.utf8CodeUnitCount)
        } else {
            self = literal.withUTF8Buffer { Bytes(copying: $0) }
        }
    }

    /// The bytes that an interpolation has put together.
    public init(stringInterpolation: StringInterpolation) {
        self.init(stringInterpolation.buffer)
    }

    /// Puts together an interpolated literal, byte by byte.
    public struct StringInterpolation: StringInterpolationProtocol {
        fileprivate let buffer: Buffer

        /// Makes an empty interpolation with room for what is to come.
        public init(literalCapacity: Int, interpolationCount: Int) {
            buffer = Buffer(capacity: literalCapacity + interpolationCount * 16)
        }

        /// Appends a literal part.
        public mutating func appendLiteral(_ literal: StaticString) {
            literal.withUTF8Buffer { buffer.append($0.baseAddress, $0.count) }
        }

        /// Appends bytes as they are.
        public mutating func appendInterpolation(_ value: Bytes) {
            value.append(to: buffer)
        }

        /// Appends the UTF-8 encoding of a string.
        public mutating func appendInterpolation(_ string: String) {
            Bytes(string).append(to: buffer)
        }

        /// Appends the decimal digits of an integer.
        public mutating func appendInterpolation(_ integer: some BinaryInteger) {
            buffer.append(decimal: UInt64(truncatingIfNeeded: integer.magnitude), negative: integer < 0)
        }

        /// Appends "true" or "false".
        public mutating func appendInterpolation(_ bool: Bool) {
            appendInterpolation(bool ? "true" as Bytes : "false")
        }
    }
}
