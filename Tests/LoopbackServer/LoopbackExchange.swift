// SPDX-License-Identifier: Apache-2.0

private import Glibc

/// The head of a request as it came in.
package struct LoopbackRequest: Sendable {
    package let method: String
    /// Path and query.
    package let target: String
    package let headers: [(name: String, value: String)]

    init?(from stream: SocketStream) throws {
        guard let start = try stream.line(), !start.isEmpty else { return nil }
        let parts = start.split(separator: " ")
        guard parts.count == 3 else { throw LoopbackError("request line") }
        method = String(parts[0])
        target = String(parts[1])
        var headers: [(name: String, value: String)] = []
        while let line = try stream.line(), !line.isEmpty {
            guard let colon = line.firstIndex(of: ":") else { throw LoopbackError("header") }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            headers.append((String(line[..<colon]), String(value)))
        }
        self.headers = headers
    }

    /// The target without its query.
    package var path: String { String(target.prefix { $0 != "?" }) }

    /// The first value of a header.
    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// One request and the ways to answer it; used on the thread of its connection only.
package final class LoopbackExchange {
    package let request: LoopbackRequest
    private let stream: SocketStream
    private var remaining: Int
    private var expectsContinue: Bool
    package private(set) var isClosed = false

    init(_ request: LoopbackRequest, _ stream: SocketStream) {
        self.request = request
        self.stream = stream
        remaining = request.header("Content-Length").flatMap { Int($0) } ?? 0
        expectsContinue = request.header("Expect")?.lowercased() == "100-continue"
    }

    /// The whole body of the request.
    package func body() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let chunk = try readBody() { bytes += chunk }
        return bytes
    }

    /// Reads the rest of the body and forgets it.
    /// - Returns: how many bytes there were.
    package func drain() throws -> Int {
        var count = 0
        while let chunk = try readBody() { count += chunk.count }
        return count
    }

    /// The next bytes of the body; nil at its end.
    package func readBody() throws -> [UInt8]? {
        guard remaining > 0 else { return nil }
        if expectsContinue { try write("HTTP/1.1 100 Continue\r\n\r\n") }
        expectsContinue = false
        let chunk = try stream.read(atMost: min(remaining, 1 << 16))
        guard !chunk.isEmpty else { throw LoopbackError("end of body") }
        remaining -= chunk.count
        return chunk
    }

    /// Answers with a body of known length.
    package func respond(
        _ status: Int, headers: [(String, String)] = [], body: some Collection<UInt8> = [],
        length: Int? = nil
    ) throws {
        // A body that nobody asked for with Expect is read first, so that the connection can be used again.
        if expectsContinue { remaining = 0 } else { _ = try drain() }
        var head = "HTTP/1.1 \(status) Status\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if status != 204 { head += "Content-Length: \(length ?? body.count)\r\n" }
        try write(head + "\r\n")
        if request.method != "HEAD" { try write(body) }
    }

    package func respond(_ status: Int, headers: [(String, String)] = [], text: String) throws {
        try respond(status, headers: headers, body: Array(text.utf8))
    }

    /// Sends raw text.
    package func write(_ text: String) throws { try stream.write(Array(text.utf8)) }

    /// Sends raw bytes.
    package func write(_ bytes: some Collection<UInt8>) throws { try stream.write(Array(bytes)) }

    /// Breaks the connection after the handler returns.
    package func close() { isClosed = true }

    /// Waits until the other side has closed the connection, or this server has.
    package func waitForEnd() {
        while let bytes = try? stream.read(atMost: 1 << 16), !bytes.isEmpty {}
        isClosed = true
    }
}

/// Blocking reads and writes on a connected socket.
final class SocketStream {
    private let socket: Int32
    private var buffer: [UInt8] = []

    init(_ socket: Int32) { self.socket = socket }

    /// The next line without its ending; nil at the end of the stream.
    func line() throws -> String? {
        while true {
            if let end = buffer.firstIndex(of: 10) {
                let line = buffer[..<end]
                buffer.removeSubrange(...end)
                return String(decoding: line.last == 13 ? line.dropLast() : line, as: UTF8.self)
            }
            let more = try receive(1 << 16)
            guard !more.isEmpty else { return nil }
            buffer += more
        }
    }

    func read(atMost count: Int) throws -> [UInt8] {
        guard !buffer.isEmpty else { return try receive(count) }
        let chunk = Array(buffer.prefix(count))
        buffer.removeFirst(chunk.count)
        return chunk
    }

    private func receive(_ count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, length in
            let result = recv(socket, buffer.baseAddress, count, 0)
            guard result >= 0 else { throw LoopbackError("recv") }
            length = result
        }
    }

    func write(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw LoopbackError("send") }
            rest = rest.dropFirst(count)
        }
    }
}
