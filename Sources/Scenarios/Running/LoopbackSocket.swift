// SPDX-License-Identifier: Apache-2.0

import Diagnostics

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// A TCP socket on 127.0.0.1, closed when the value goes.
final class LoopbackSocket: Sendable {
    /// What came of reading or writing without waiting.
    enum Transfer: Sendable {
        case bytes(Int)
        /// Nothing for now.
        case notYet
        /// The other end says nothing more.
        case end
        /// The other end has gone.
        case reset
    }

    /// What a socket is ready for.
    struct Readiness: Sendable {
        var reads = false
        var writes = false
    }

    private let descriptor: Int32

    private init(owning descriptor: Int32) {
        self.descriptor = descriptor
        #if canImport(Darwin)
            // Elsewhere each writing says so.
            var on: Int32 = 1
            setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &on, socklen_t(MemoryLayout<Int32>.size))
        #endif
    }

    deinit { close(descriptor) }

    private static func open() throws(SystemError) -> LoopbackSocket {
        #if canImport(Darwin) || canImport(Musl)
            let kind = Int32(SOCK_STREAM)
        #else
            let kind = Int32(SOCK_STREAM.rawValue)
        #endif
        let descriptor = socket(AF_INET, kind, 0)
        guard descriptor >= 0 else { throw SystemError("open", "a socket", errno: errno) }
        let socket = LoopbackSocket(owning: descriptor)
        // Whatever program is started beside us has no business with it.
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return socket
    }

    private static func withAddress<Result>(
        _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr = in_addr(s_addr: UInt32(0x7f00_0001).bigEndian)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// Connects to a port of 127.0.0.1.
    /// - Throws: `SystemError`.
    static func connect(to port: UInt16) throws(SystemError) -> LoopbackSocket {
        let socket = try open()
        let code = withAddress(port) { address, length in
            #if canImport(Glibc)
                Glibc.connect(socket.descriptor, address, length)
            #elseif canImport(Musl)
                Musl.connect(socket.descriptor, address, length)
            #else
                Darwin.connect(socket.descriptor, address, length)
            #endif
        }
        guard code == 0 else { throw SystemError("connect to", "127.0.0.1:\(port)", errno: errno) }
        socket.sendAtOnce()
        return socket
    }

    /// Listens on a free port of 127.0.0.1.
    /// - Throws: `SystemError`.
    static func listen() throws(SystemError) -> (socket: LoopbackSocket, port: UInt16) {
        let socket = try open()
        guard withAddress(0, { bind(socket.descriptor, $0, $1) }) == 0 else {
            throw SystemError("bind", "127.0.0.1", errno: errno)
        }
        #if canImport(Glibc)
            let code = Glibc.listen(socket.descriptor, 128)
        #elseif canImport(Musl)
            let code = Musl.listen(socket.descriptor, 128)
        #else
            let code = Darwin.listen(socket.descriptor, 128)
        #endif
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let named = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(socket.descriptor, $0, &length)
            }
        }
        guard code == 0, named == 0 else { throw SystemError("listen on", "127.0.0.1", errno: errno) }
        // A connection that is gone again must not make accepting wait.
        _ = fcntl(socket.descriptor, F_SETFL, O_NONBLOCK)
        return (socket, UInt16(bigEndian: address.sin_port))
    }

    /// The next connection of a listening socket; nil if there is none now.
    func accepted() -> LoopbackSocket? {
        let descriptor = accept(self.descriptor, nil, nil)
        guard descriptor >= 0 else { return nil }
        let socket = LoopbackSocket(owning: descriptor)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        socket.sendAtOnce()
        return socket
    }

    private func sendAtOnce() {
        var on: Int32 = 1
        setsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Waits until one of the wanted things can be done, at most for a time.
    func wait(reading: Bool, writing: Bool, atMost limit: Duration) -> Readiness {
        let milliseconds = Int32(clamping: max(1, limit.nanoseconds / 1_000_000))
        guard reading || writing else {
            // With nothing wanted, poll would go on reporting that the other end has hung up.
            _ = poll(nil, 0, milliseconds)
            return Readiness()
        }
        let events = (reading ? Int16(POLLIN) : 0) | (writing ? Int16(POLLOUT) : 0)
        var entry = pollfd(fd: descriptor, events: events, revents: 0)
        guard poll(&entry, 1, milliseconds) > 0 else { return Readiness() }
        let hasEnded = entry.revents & Int16(POLLHUP | POLLERR | POLLNVAL) != 0
        return Readiness(
            reads: reading && (hasEnded || entry.revents & Int16(POLLIN) != 0),
            writes: writing && (hasEnded || entry.revents & Int16(POLLOUT) != 0))
    }

    /// Reads what is there.
    func read(into buffer: inout [UInt8]) -> Transfer {
        let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        return count == 0 ? .end : transfer(count)
    }

    /// Writes as much as fits.
    func write(_ bytes: ArraySlice<UInt8>) -> Transfer {
        #if canImport(Darwin)
            let flags = Int32(MSG_DONTWAIT)
        #else
            let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
        #endif
        return transfer(bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, flags) })
    }

    private func transfer(_ count: Int) -> Transfer {
        if count >= 0 { return .bytes(count) }
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? .notYet : .reset
    }

    /// Says nothing more.
    func halfClose() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    /// Ends the connection for whoever waits on it.
    func abort() { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }
}

extension Duration {
    /// The whole of it, in nanoseconds; more than three hundred years become three hundred.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, hasOverflowed) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return hasOverflowed ? (seconds < 0 ? .min : .max) : product &+ attoseconds / 1_000_000_000
    }
}
