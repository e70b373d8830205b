// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A TCP connection whose HTTP/1.1 messages are read piece by piece, so that a test decides what comes when.
final class RawConnection {
    struct Message {
        var start = ""
        var headers: [(String, String)] = []
        var body = ""
        var trailers: [(String, String)] = []
    }

    let descriptor: Int32
    private var bytes: [UInt8] = []
    private var hasEnded = false

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// Connects to a port of the loopback.
    convenience init(port: UInt16) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.init(descriptor)
        var address = loopback(port)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw POSIXError(.ECONNREFUSED) }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit { close(descriptor) }

    /// Writes all of it; what the other side does not want any more is lost.
    func write(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// A whole message, or nil if the connection ends or the time is up before.
    func message(within limit: Duration, hasBody: Bool = true) -> Message? {
        let end = ContinuousClock.now + limit
        while true {
            if let message = parse(hasBody) { return message }
            guard !hasEnded, wait(descriptor, until: end) else { return nil }
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count > 0 { bytes += buffer[..<count] } else { hasEnded = true }
        }
    }

    private func parse(_ hasBody: Bool) -> Message? {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let head = text.range(of: "\r\n\r\n") else { return nil }
        var message = Message()
        var lines = text[..<head.lowerBound].components(separatedBy: "\r\n")
        message.start = lines.removeFirst()
        message.headers = lines.compactMap(pair)
        var rest = text[head.upperBound...]
        if !hasBody { return message }
        let names = Dictionary(message.headers) { first, _ in first }
        if names["transfer-encoding"] == "chunked" {
            while true {
                guard let line = rest.range(of: "\r\n"), let size = Int(rest[..<line.lowerBound], radix: 16)
                else {
                    return nil
                }
                rest = rest[line.upperBound...]
                if size == 0 { break }
                guard rest.utf8.count >= size + 2 else { return nil }
                message.body += String(decoding: rest.utf8.prefix(size), as: UTF8.self)
                rest = rest[rest.utf8.index(rest.startIndex, offsetBy: size + 2)...]
            }
            if rest.hasPrefix("\r\n") { return message }
            guard let end = rest.range(of: "\r\n\r\n") else { return nil }
            message.trailers = rest[..<end.lowerBound].components(separatedBy: "\r\n").compactMap(pair)
            return message
        }
        let size = names["content-length"].flatMap { Int($0) } ?? 0
        guard rest.utf8.count >= size else { return nil }
        message.body = String(decoding: rest.utf8.prefix(size), as: UTF8.self)
        return message
    }

    private func pair(_ line: String) -> (String, String)? {
        guard let colon = line.firstIndex(of: ":") else { return nil }
        let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        return (line[..<colon].lowercased(), value)
    }
}

/// Listens on a free port of the loopback.
final class RawListener: Sendable {
    let descriptor: Int32
    let port: UInt16

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = loopback(0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && listen(descriptor, 64) == 0
                    && getsockname(descriptor, $0, &size) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard result else { throw POSIXError(.EADDRINUSE) }
    }

    deinit { close(descriptor) }

    func accept(within limit: Duration) -> RawConnection? {
        guard wait(descriptor, until: .now + limit) else { return nil }
        let accepted = Foundation.accept(descriptor, nil, nil)
        return accepted < 0 ? nil : RawConnection(accepted)
    }
}

private func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
}

/// Waits until there is something to read.
private func wait(_ descriptor: Int32, until end: ContinuousClock.Instant) -> Bool {
    let left = end - ContinuousClock.now
    let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, Int32(max(milliseconds, 0))) > 0
}
