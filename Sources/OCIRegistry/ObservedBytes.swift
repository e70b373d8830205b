// SPDX-License-Identifier: Apache-2.0

package import OCI

/// A source slice: some of the bytes of another source.
package final class SliceSource: ByteSource {
    private let source: any ByteSource
    private let range: Range<Int64>
    private var position: Int64

    package init(of source: any ByteSource, _ range: Range<Int64>) throws {
        self.source = source
        self.range = range
        position = range.lowerBound
        try source.seek(to: position)
    }

    package var length: Int64 { range.upperBound - range.lowerBound }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let wanted = Int(min(Int64(buffer.count), range.upperBound - position))
        let count = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
        position += Int64(count)
        return count
    }

    package func seek(to offset: Int64) throws {
        position = min(max(range.lowerBound + offset, range.lowerBound), range.upperBound)
        try source.seek(to: position)
    }
}

/// Tells how far a source was read, for a progress display; goes back when a transfer starts over.
package final class ObservedSource: ByteSource {
    private let source: any ByteSource
    private var position: Int64 = 0
    private let observe: @Sendable (_ position: Int64) -> Void

    package init(_ source: any ByteSource, _ observe: @escaping @Sendable (_ position: Int64) -> Void) {
        self.source = source
        self.observe = observe
    }

    package var length: Int64 { source.length }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = try source.read(into: buffer)
        position += Int64(count)
        observe(position)
        return count
    }

    package func seek(to offset: Int64) throws {
        try source.seek(to: offset)
        position = offset
        observe(position)
    }
}

/// Tells how many bytes a sink was given, for a progress display.
package final class ObservedSink: ByteSink {
    private let sink: any ByteSink
    private var count: Int64
    private let observe: @Sendable (_ count: Int64) -> Void

    /// Counts on from `start`, the bytes that were there before.
    package init(
        _ sink: any ByteSink, from start: Int64 = 0, _ observe: @escaping @Sendable (_ count: Int64) -> Void
    ) {
        self.sink = sink
        count = start
        self.observe = observe
    }

    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        try sink.write(bytes)
        count += Int64(bytes.count)
        observe(count)
    }
}

extension HTTPBody {
    /// The same body, telling how far it was read.
    package func observed(_ observe: @escaping @Sendable (_ position: Int64) -> Void) -> HTTPBody {
        let open = open
        return HTTPBody(length: length) { ObservedSource(try open(), observe) }
    }
}
