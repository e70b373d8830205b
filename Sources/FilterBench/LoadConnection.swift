// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import EnvoyControl

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The system's function, out of the way of a method's name.
private func newSocket(_ family: Int32, _ kind: Int32, _ protocol: Int32) -> Int32 {
    socket(family, kind, `protocol`)
}

/// One connection of a load: sends a request, reads its answer as far as to know its end, and sends the next.
struct LoadConnection {
    let descriptor: Int32
    private let request: [UInt8]
    private let hasBodyInAnswer: Bool
    private var sent = 0
    private var reader = AnswerReader()
    private var start: UInt64 = 0

    /// What a turn has come to.
    enum Turn {
        case waiting
        case answered(status: Int, nanoseconds: UInt64)
        /// The other side has ended the connection.
        case ended
    }

    /// Connects; the descriptor does not block.
    init(to address: HostPort, request: [UInt8], method: String) throws {
        self.request = request
        hasBodyInAnswer = method != "HEAD"
        descriptor = try Self.socket(to: address)
        begin()
    }

    /// What to wait for.
    var events: Int16 { Int16(sent < request.count ? POLLIN | POLLOUT : POLLIN) }

    private mutating func begin() {
        sent = 0
        reader = AnswerReader(hasBody: hasBodyInAnswer)
        start = Self.now()
    }

    /// Writes and reads what is possible now.
    mutating func turn(_ buffer: inout [UInt8]) -> Turn {
        while sent < request.count {
            let count = request[sent...].withUnsafeBytes { rest in
                send(descriptor, rest.baseAddress, rest.count, Self.noSignal)
            }
            guard count > 0 else {
                if count < 0, errno == EAGAIN || errno == EINTR { break }
                return .ended
            }
            sent += count
        }
        while true {
            let count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
            if count < 0, errno == EAGAIN || errno == EINTR { return .waiting }
            guard count > 0 else {
                let status = reader.statusAtEnd
                return status.map { .answered(status: $0, nanoseconds: Self.now() - start) } ?? .ended
            }
            guard let status = buffer.withUnsafeBytes({ reader.read($0[..<count]) }) else { continue }
            guard status > 0 else { return .ended }
            let time = Self.now() - start
            if reader.closes { return .answered(status: status, nanoseconds: time) }
            begin()
            return .answered(status: status, nanoseconds: time)
        }
    }

    /// Whether the last answer ends the connection.
    var isLast: Bool { reader.closes }

    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    #if canImport(Darwin)
        private static let noSignal: Int32 = 0
        private static let stream = SOCK_STREAM
    #else
        private static let noSignal = Int32(MSG_NOSIGNAL)
        private static let stream = Int32(SOCK_STREAM.rawValue)
    #endif

    private static func socket(to address: HostPort) throws -> Int32 {
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = address.port.bigEndian
        guard inet_pton(AF_INET, address.host, &target.sin_addr) == 1 else {
            throw BenchError(.invalid, "\"\(address)\" is not an address of this machine's loopback")
        }
        let descriptor = newSocket(AF_INET, stream, 0)
        guard descriptor >= 0 else { throw SystemError("create", "socket", errno: errno) }
        let outcome = withUnsafePointer(to: &target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                // In the blocking way: the other side is on this machine and listens already.
                connect(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard outcome == 0 else {
            let code = errno
            close(descriptor)
            throw SystemError("connect to", "\(address)", errno: code)
        }
        var yes: Int32 = 1
        _ = setsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
        #if canImport(Darwin)
            _ = setsockopt(
                descriptor, SOL_SOCKET, SO_NOSIGPIPE, &yes, socklen_t(MemoryLayout<Int32>.size))
        #endif
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        return descriptor
    }
}
