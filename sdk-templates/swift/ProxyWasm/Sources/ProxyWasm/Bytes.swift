// SPDX-License-Identifier: Apache-2.0

/// A header name or value, a body, a configuration: bytes, which are most often but not always UTF-8 text.
///
/// A literal is `Bytes` where `Bytes` is expected, and costs no allocation. An interpolated literal may mix
/// `Bytes`, `String` and integers.
public struct Bytes: Sendable {
    private enum Storage: Sendable {
        case literal(StaticString)
        case array([UInt8])
    }

    private let storage: Storage

    /// Copies the bytes of a sequence.
    public init(_ bytes: some Sequence<UInt8>) {
        storage = .array(Array(bytes))
    }

    /// Takes over an array of bytes.
    public init(_ bytes: [UInt8]) {
        storage = .array(bytes)
    }

    /// The UTF-8 encoding of a string.
    public init(_ string: String) {
        storage = .array(Array(string.utf8))
    }

    /// The decimal digits of an integer.
    public init(_ integer: some FixedWidthInteger) {
        var buffer: [UInt8] = []
        appendDecimal(integer, to: &buffer)
        storage = .array(buffer)
    }

    /// Calls `body` with the bytes in memory; the buffer is valid during the call only.
    public func withUnsafeBytes<Result, Failure>(
        _ body: (UnsafeBufferPointer<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        switch storage {
        case .literal(let literal):
            guard literal.hasPointerRepresentation else {
                return try body(UnsafeBufferPointer(start: nil, count: 0))
            }
            return try body(UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
        case .array(let array):
            return try array.withUnsafeBufferPointer(body)
        }
    }
}

// MARK: - Text

extension Bytes {
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
    public func integer<Integer: FixedWidthInteger>(as type: Integer.Type = Int.self) -> Integer? {
        withUnsafeBytes { parseDecimal($0) }
    }

    /// Whether two texts are the same if ASCII letters are compared without regard to case.
    public func equalsIgnoringCase(_ other: Bytes) -> Bool {
        guard count == other.count else { return false }
        return zip(self, other).allSatisfy { lowercased($0) == lowercased($1) }
    }

    /// A copy with ASCII letters in lower case.
    public var lowercasedASCII: Bytes {
        Bytes(map(lowercased))
    }

    /// Whether these bytes begin with `prefix`.
    public func hasPrefix(_ prefix: Bytes) -> Bool {
        starts(with: prefix)
    }

    /// Whether these bytes end with `suffix`.
    public func hasSuffix(_ suffix: Bytes) -> Bool {
        count >= suffix.count && dropFirst(count - suffix.count).elementsEqual(suffix)
    }
}

// MARK: - Collection

extension Bytes: RandomAccessCollection {
    /// The position of the first byte.
    public var startIndex: Int { 0 }

    /// The position after the last byte.
    public var endIndex: Int {
        switch storage {
        case .literal(let literal): literal.hasPointerRepresentation ? literal.utf8CodeUnitCount : 0
        case .array(let array): array.count
        }
    }

    /// The byte at a position.
    public subscript(position: Int) -> UInt8 {
        switch storage {
        case .literal: withUnsafeBytes { $0[position] }
        case .array(let array): array[position]
        }
    }
}

extension Bytes: Hashable {
    /// Whether two values hold the same bytes.
    public static func == (left: Bytes, right: Bytes) -> Bool {
        left.withUnsafeBytes { left in
            right.withUnsafeBytes { right in
                guard left.count == right.count else { return false }
                for index in left.indices where left[index] != right[index] { return false }
                return true
            }
        }
    }

    /// Feeds the bytes to a hasher.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(count)
        withUnsafeBytes { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
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
            storage = .literal(literal)
        } else {
            storage = .array(literal.withUTF8Buffer { Array($0) })
        }
    }

    /// The bytes that an interpolation has put together.
    public init(stringInterpolation: StringInterpolation) {
        storage = .array(stringInterpolation.bytes)
    }

    /// Puts together an interpolated literal, byte by byte.
    public struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var bytes: [UInt8] = []

        /// Makes an empty interpolation with room for what is to come.
        public init(literalCapacity: Int, interpolationCount: Int) {
            bytes.reserveCapacity(literalCapacity + interpolationCount * 16)
        }

        /// Appends a literal part.
        public mutating func appendLiteral(_ literal: StaticString) {
            literal.withUTF8Buffer { bytes.append(contentsOf: $0) }
        }

        /// Appends bytes as they are.
        public mutating func appendInterpolation(_ value: Bytes) {
            value.withUnsafeBytes { bytes.append(contentsOf: $0) }
        }

        /// Appends the UTF-8 encoding of a string.
        public mutating func appendInterpolation(_ string: String) {
            bytes.append(contentsOf: string.utf8)
        }

        /// Appends the decimal digits of an integer.
        public mutating func appendInterpolation(_ integer: some FixedWidthInteger) {
            appendDecimal(integer, to: &bytes)
        }

        /// Appends "true" or "false".
        public mutating func appendInterpolation(_ bool: Bool) {
            appendLiteral(bool ? "true" : "false")
        }
    }
}
