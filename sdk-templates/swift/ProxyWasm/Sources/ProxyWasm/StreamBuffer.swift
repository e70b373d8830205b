// SPDX-License-Identifier: Apache-2.0

/// Bytes on their way through the proxy, as a callback sees them: it may read, change or keep them.
///
/// They are in the proxy; each call reads or changes them there, and is possible while the callback runs or the stream
/// is paused after it.
public protocol StreamBuffer: Sendable {
    /// The exchange or connection.
    associatedtype Stream: ProxyContext

    /// The exchange or connection.
    var stream: Stream { get }

    /// How many bytes there were when the callback was called.
    var count: Int { get }

    /// Whether these are the last bytes; trailers may follow.
    var isEndOfStream: Bool { get }

    /// The number of the buffer in the ABI.
    var bufferType: UInt32 { get }
}

/// A part of a body that has arrived, together with what was kept of it before.
public struct HTTPBody: StreamBuffer {
    /// The exchange.
    public let stream: HTTPStream

    /// How many bytes there were when the callback was called.
    public let count: Int

    /// Whether these are the last bytes of the body, and no trailers follow.
    public let isEndOfStream: Bool

    /// The number of the buffer in the ABI.
    public let bufferType: UInt32
}

/// Bytes that have arrived on a connection.
public struct ConnectionData: StreamBuffer {
    /// The connection.
    public let stream: Connection

    /// How many bytes there were when the callback was called.
    public let count: Int

    /// Whether the sender will send no more.
    public let isEndOfStream: Bool

    /// The number of the buffer in the ABI.
    public let bufferType: UInt32
}

extension StreamBuffer {
    /// All the bytes.
    public var bytes: Bytes {
        get throws(HostError) { try bytes(from: 0, count: count) }
    }

    /// At most `count` bytes from an offset on; fewer where there are no more.
    public func bytes(from offset: Int, count: Int) throws(HostError) -> Bytes {
        try readBuffer(bufferType, of: stream.id, from: offset, count: count)
    }

    /// Puts other bytes in place of all of them.
    ///
    /// If the length of a body changes, remove the header "content-length" while the headers are still there.
    public func replace(with bytes: Bytes) throws(HostError) {
        // Whatever there is: the length may have changed since the callback was called.
        try writeBuffer(bufferType, of: stream.id, from: 0, count: Int(Int32.max), bytes)
    }

    /// Adds bytes before the others.
    public func prepend(_ bytes: Bytes) throws(HostError) {
        try writeBuffer(bufferType, of: stream.id, from: 0, count: 0, bytes)
    }

    /// Adds bytes behind the others.
    public func append(_ bytes: Bytes) throws(HostError) {
        try writeBuffer(bufferType, of: stream.id, from: Int(Int32.max), count: 0, bytes)
    }

    /// Removes bytes from the front; all of them, if there are not more.
    public func removeFirst(_ count: Int) throws(HostError) {
        guard count > 0 else { return }
        try writeBuffer(bufferType, of: stream.id, from: 0, count: count, "")
    }
}

private func readBuffer(
    _ type: UInt32, of id: UInt32, from offset: Int, count: Int
) throws(HostError) -> Bytes {
    guard offset >= 0, let kind = BufferKind(rawValue: type) else {
        throw HostError("read buffer", .badArgument)
    }
    try module.activate(id)
    return try kind.bytes(from: offset, count: count)
}

private func writeBuffer(
    _ type: UInt32, of id: UInt32, from offset: Int, count: Int, _ bytes: Bytes
) throws(HostError) {
    guard let kind = BufferKind(rawValue: type) else { throw HostError("change buffer", .badArgument) }
    try module.activate(id)
    try kind.set(from: offset, count: count, to: bytes)
}
