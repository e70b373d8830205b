// SPDX-License-Identifier: Apache-2.0

/// Bytes that are pulled, with their number known beforehand; a transfer can start over after a break.
///
/// One transfer uses a source at a time. Implementations are owned by that transfer and need not be thread-safe.
package protocol ByteSource: AnyObject {
    /// Number of bytes from the start to the end.
    var length: Int64 { get }
    /// Fills a buffer from the current position.
    /// - Returns: the number of bytes read; 0 at the end only.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int
    /// Moves to an offset from the start, so that a broken transfer can be replayed or resumed.
    func seek(to offset: Int64) throws
}

/// Bytes that are pushed; a throw stops the transfer with that error.
package protocol ByteSink: AnyObject {
    func write(_ bytes: UnsafeRawBufferPointer) throws
}

/// Bytes in memory as a source.
package final class MemorySource: ByteSource {
    private let bytes: [UInt8]
    private var position = 0

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package var length: Int64 { Int64(bytes.count) }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = min(buffer.count, bytes.count - position)
        bytes.withUnsafeBytes {
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[position..<position + count]))
        }
        position += count
        return count
    }

    package func seek(to offset: Int64) throws { position = max(0, min(Int(offset), bytes.count)) }
}

/// A sink that keeps the bytes, up to a limit.
package final class MemorySink: ByteSink {
    package private(set) var bytes: [UInt8] = []
    private let limit: Int

    /// - Parameter limit: the most bytes that are kept; one more is an error.
    package init(limit: Int) { self.limit = limit }

    package func write(_ chunk: UnsafeRawBufferPointer) throws {
        guard chunk.count <= limit - bytes.count else { throw ByteStreamError.tooLong(limit: Int64(limit)) }
        bytes.append(contentsOf: chunk)
    }
}

/// Passes bytes on and, at the end, says whether they are what a descriptor promised.
package final class VerifyingSink: ByteSink {
    private let descriptor: Descriptor
    private let next: any ByteSink
    private let hasher: DigestHasher

    package init(_ descriptor: Descriptor, into next: any ByteSink) {
        self.descriptor = descriptor
        self.next = next
        hasher = DigestHasher(descriptor.digest.algorithm)
    }

    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard hasher.count + Int64(bytes.count) <= descriptor.size else {
            throw ByteStreamError.tooLong(limit: descriptor.size)
        }
        hasher.update(bytes)
        try next.write(bytes)
    }

    /// Starts over, after the sink below was emptied.
    package func reset() { hasher.reset() }

    /// Hashes bytes that the sink below has from an earlier time, from where they begin.
    package func replay(_ source: any ByteSource) throws {
        try source.seek(to: 0)
        try eachChunk(of: source) { bytes in
            guard hasher.count + Int64(bytes.count) <= descriptor.size else {
                throw ByteStreamError.tooLong(limit: descriptor.size)
            }
            hasher.update(bytes)
        }
    }

    /// Fails unless exactly the promised bytes went through.
    package func finish() throws {
        guard hasher.count == descriptor.size else {
            throw ByteStreamError.tooShort(expected: descriptor.size, actual: hasher.count)
        }
        let actual = hasher.finalize()
        guard actual == descriptor.digest else {
            throw ByteStreamError.digestMismatch(expected: descriptor.digest, actual: actual)
        }
    }
}

/// Why a stream of bytes is not what was promised.
package enum ByteStreamError: Error, Hashable, CustomStringConvertible {
    case tooLong(limit: Int64)
    case tooShort(expected: Int64, actual: Int64)
    case digestMismatch(expected: Digest, actual: Digest)

    package var description: String {
        switch self {
        case .tooLong(let limit): "more than \(limit) bytes arrived"
        case .tooShort(let expected, let actual): "\(actual) of \(expected) bytes arrived"
        case .digestMismatch(let expected, let actual): "content has digest \(actual), expected \(expected)"
        }
    }
}
