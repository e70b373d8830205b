// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI

/// Memory of the module that one or more `Bytes` look into; what a host hands over becomes one without a copy.
///
/// `Array` would do, but every use of it brings its own copy of the growing and copying into the module.
final class Buffer {
    private(set) var start: UnsafeMutablePointer<UInt8>?
    private(set) var count = 0
    private var capacity = 0

    init() {}

    init(capacity: Int) {
        reserve(capacity)
    }

    /// Takes over memory that the host obtained from this module's `malloc`.
    init(adopting start: UnsafeMutablePointer<UInt8>?, count: Int) {
        self.start = start
        self.count = count
        capacity = count
    }

    deinit {
        proxy_wasm_free(start)
    }

    @inline(never)
    func append(_ bytes: UnsafePointer<UInt8>?, _ size: Int) {
        guard size > 0, let bytes else { return }
        let needed = count + size
        if needed > capacity {
            reserve(max(needed, capacity &* 2))
        }
        guard let start else { return }
        UnsafeMutableRawPointer(start + count).copyMemory(from: bytes, byteCount: size)
        count = needed
    }

    @inline(never)
    func append(_ byte: UInt8) {
        var byte = byte
        append(&byte, 1)
    }

    /// Appends decimal digits, behind a minus sign if asked for.
    @inline(never)
    func append(decimal magnitude: UInt64, negative: Bool) {
        // 2^64 has 20 digits.
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        withUnsafeMutableBytes(of: &digits) { digits in
            var first = digits.count
            var rest = magnitude
            repeat {
                first -= 1
                digits[first] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest != 0
            if negative {
                first -= 1
                digits[first] = UInt8(ascii: "-")
            }
            append(
                digits.baseAddress?.advanced(by: first).assumingMemoryBound(to: UInt8.self),
                digits.count - first)
        }
    }

    /// Forgets the last bytes, of which there must be as many.
    func removeLast(_ size: Int) {
        count -= size
    }

    private func reserve(_ size: Int) {
        guard size > capacity else { return }
        guard let grown = proxy_wasm_reallocate(start, size) else {
            // As with every allocation in Swift: there is no way on when memory is exhausted.
            fatalError()
        }
        start = grown.assumingMemoryBound(to: UInt8.self)
        capacity = size
    }
}

/// Puts bytes together piece by piece.
public struct BytesBuilder: ~Copyable {
    private let buffer: Buffer

    /// Starts with nothing, and room for `capacity` bytes.
    public init(capacity: Int = 0) {
        buffer = Buffer(capacity: capacity)
    }

    /// How many bytes there are so far.
    public var count: Int { buffer.count }

    /// Appends bytes.
    public mutating func append(_ bytes: Bytes) {
        bytes.append(to: buffer)
    }

    /// Appends one byte.
    public mutating func append(_ byte: UInt8) {
        buffer.append(byte)
    }

    /// Appends the decimal digits of an integer.
    public mutating func append(_ integer: some BinaryInteger) {
        buffer.append(
            decimal: UInt64(truncatingIfNeeded: integer.magnitude), negative: integer < 0)
    }

    /// What was put together.
    public consuming func finish() -> Bytes {
        Bytes(buffer)
    }
}
