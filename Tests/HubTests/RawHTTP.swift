// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// An answer of the hub.
struct Reply: Sendable {
    let status: Int
    /// By lower-case name.
    let headers: [String: [String]]
    let body: [UInt8]
    /// Status and headers as they came, apart from the time.
    var head = ""

    subscript(_ name: String) -> String? { headers[name.lowercased()]?.first }
    var text: String { String(decoding: body, as: UTF8.self) }

    /// The first error code of the body.
    var code: String? {
        struct Body: Decodable {
            struct Entry: Decodable { let code: String }
            let errors: [Entry]
        }
        return (try? JSONDecoder().decode(Body.self, from: Data(body)))?.errors.first?.code
    }
}

struct BrokenConnection: Error {
    let reason: String
}

/// A TCP connection that sends exactly the bytes it is given; its calls block, so use it in `onThread`.
final class Wire {
    private let socket: Int32
    private var buffer: [UInt8] = []

    init(port: Int) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var timeout = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port)).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw BrokenConnection(reason: "connect: \(errno)") }
    }

    deinit { close(socket) }

    func send(_ bytes: [UInt8]) throws {
        var offset = 0
        while offset < bytes.count {
            let count = bytes[offset...].withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw BrokenConnection(reason: "send: \(errno)") }
            offset += count
        }
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Says that nothing more comes, but still listens.
    func finishSending() { shutdown(socket, Int32(SHUT_WR)) }

    /// Reads one answer; nil if the connection was closed without one.
    func reply(toHead: Bool = false) throws -> Reply? {
        while true {
            guard let head = try readHead() else { return nil }
            var lines = head.components(separatedBy: "\r\n")[...]
            let status = Int(lines.removeFirst().split(separator: " ").dropFirst().first ?? "") ?? 0
            if status == 100 { continue }
            var headers: [String: [String]] = [:]
            for line in lines {
                let pair = line.split(separator: ":", maxSplits: 1)
                guard pair.count == 2 else { continue }
                headers[pair[0].lowercased(), default: []].append(
                    pair[1].trimmingCharacters(in: .whitespaces))
            }
            let length = headers["content-length"]?.first.flatMap { Int($0) } ?? 0
            let hasBody = !toHead && status != 204 && status != 304
            let rest = head.components(separatedBy: "\r\n").filter { !$0.lowercased().hasPrefix("date:") }
            return Reply(
                status: status, headers: headers, body: hasBody ? try read(length) : [],
                head: rest.joined(separator: "\n"))
        }
    }

    /// Reads the status of an answer that has no body.
    func interim() throws -> Int? {
        try readHead().flatMap { Int($0.split(separator: " ").dropFirst().first ?? "") }
    }

    /// Everything that comes until nothing has come for a while, or the connection is closed.
    func rest(patience milliseconds: Int) -> [UInt8] {
        var timeout = timeval(tv_sec: 0, tv_usec: milliseconds * 1000)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        while let isMore = try? fill(), isMore {}
        defer { buffer = [] }
        return buffer
    }

    /// Whether the other side has closed the connection.
    func isClosed() throws -> Bool { try !fill() }

    private func readHead() throws -> String? {
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let range = buffer.firstRange(of: end) {
                let head = String(decoding: buffer[..<range.lowerBound], as: UTF8.self)
                buffer.removeSubrange(..<range.upperBound)
                return head
            }
            guard try fill() else { return nil }
        }
    }

    /// Reads bytes of a body.
    func read(_ count: Int) throws -> [UInt8] {
        while buffer.count < count {
            guard try fill() else {
                throw BrokenConnection(reason: "body ends at \(buffer.count) of \(count)")
            }
        }
        defer { buffer.removeSubrange(..<count) }
        return Array(buffer[..<count])
    }

    private func fill() throws -> Bool {
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(socket, &chunk, chunk.count, 0)
        if count < 0, errno == ECONNRESET { return false }
        guard count >= 0 else { throw BrokenConnection(reason: "recv: \(errno)") }
        buffer.append(contentsOf: chunk[..<count])
        return count > 0
    }
}

/// Runs blocking work on a thread of its own: the hub under test needs the threads that tasks run on.
func onThread<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Swift.Result { try work() }) }
    }
}

/// Talks to a hub on this machine, one connection for each request.
struct Client: Sendable {
    let port: Int

    func send(
        _ method: String, _ path: String, _ headers: [String: String] = [:], body: [UInt8]? = nil
    ) async throws -> Reply {
        try await onThread { try sendBlocking(method, path, headers, body: body) }
    }

    func sendBlocking(
        _ method: String, _ path: String, _ headers: [String: String] = [:], body: [UInt8]? = nil
    ) throws -> Reply {
        let wire = try Wire(port: port)
        var head = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if let body, headers["Transfer-Encoding"] == nil, headers["Content-Length"] == nil {
            head += "Content-Length: \(body.count)\r\n"
        }
        try wire.send(Array((head + "\r\n").utf8) + (body ?? []))
        guard let reply = try wire.reply(toHead: method == "HEAD") else {
            throw BrokenConnection(reason: "no answer to \(method) \(path.prefix(100))")
        }
        return reply
    }

    /// Sends exactly these bytes; nil if there is no answer before the connection is closed.
    func exchange(_ bytes: [UInt8], finish: Bool = false) async throws -> Reply? {
        try await onThread { [port] in
            let wire = try Wire(port: port)
            // The hub may refuse and close before it has read all of it.
            do { try wire.send(bytes) } catch is BrokenConnection {}
            if finish { wire.finishSending() }
            return try wire.reply()
        }
    }
}

/// A body in chunks of its own (RFC 9112 §7.1).
func chunked(_ pieces: [[UInt8]]) -> [UInt8] {
    pieces.flatMap { Array("\(String($0.count, radix: 16))\r\n".utf8) + $0 + Array("\r\n".utf8) }
        + Array("0\r\n\r\n".utf8)
}
