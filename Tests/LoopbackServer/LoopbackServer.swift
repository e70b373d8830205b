// SPDX-License-Identifier: Apache-2.0

private import Foundation
private import Glibc
private import Synchronization

/// An HTTP/1.1 server on a free loopback port that does what a test tells it, misbehaviour included.
///
/// Each connection has a thread of its own, on which the handler runs once for each request. Released or stopped, it
/// breaks all connections.
package final class LoopbackServer: Sendable {
    package typealias Handler = @Sendable (LoopbackExchange) throws -> Void

    /// The port that the system gave.
    package let port: UInt16
    private let connections: Connections

    /// Starts a server.
    /// - Parameters:
    ///   - greeting: sent on each new connection before anything is read.
    ///   - handle: answers one request.
    /// - Throws: `LoopbackError` when the system gives no socket.
    package init(greeting: String? = nil, _ handle: @escaping Handler) throws {
        let (listener, port) = try boundSocket()
        guard listen(listener, 128) == 0 else {
            close(listener)
            throw LoopbackError("listen")
        }
        self.port = port
        let connections = Connections(listener)
        self.connections = connections
        Thread.detachNewThread {
            while true {
                let socket = accept(listener, nil, nil)
                guard socket >= 0 else { break }
                guard connections.add(socket) else {
                    close(socket)
                    break
                }
                Thread.detachNewThread {
                    Self.serve(socket, connections, greeting, handle)
                    connections.remove(socket)
                }
            }
            close(listener)
        }
    }

    deinit { stop() }

    /// `127.0.0.1:port`.
    package var authority: String { "127.0.0.1:\(port)" }

    /// How many connections were accepted so far.
    package var connectionCount: Int { connections.count }

    /// Refuses new connections and breaks the open ones.
    package func stop() { connections.closeAll() }

    private static func serve(
        _ socket: Int32, _ connections: Connections, _ greeting: String?, _ handle: Handler
    ) {
        let stream = SocketStream(socket)
        if let greeting { try? stream.write(Array(greeting.utf8)) }
        while !connections.isStopped, let request = try? LoopbackRequest(from: stream) {
            let exchange = LoopbackExchange(request, stream)
            do {
                try handle(exchange)
                if exchange.isClosed { break }
                _ = try exchange.drain()
            } catch {
                break
            }
        }
    }
}

/// A loopback port that refuses connections, and that nobody else gets meanwhile: bound, but not listened on.
package final class ClosedPort: Sendable {
    private let socket: Int32
    package let port: UInt16

    package init() throws { (socket, port) = try boundSocket() }

    deinit { close(socket) }

    /// `127.0.0.1:port`.
    package var authority: String { "127.0.0.1:\(port)" }
}

/// A socket on a free loopback port.
func boundSocket() throws -> (socket: Int32, port: UInt16) {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard socket >= 0 else { throw LoopbackError("socket") }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            bind(socket, address, length) == 0 && getsockname(socket, address, &length) == 0
        }
    }
    guard isBound else {
        close(socket)
        throw LoopbackError("bind")
    }
    return (socket, UInt16(bigEndian: address.sin_port))
}

/// A socket that is connected to a loopback port.
func connectedSocket(to port: UInt16) throws -> Int32 {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard socket >= 0 else { throw LoopbackError("socket") }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let isConnected = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
    guard isConnected else {
        close(socket)
        throw LoopbackError("connect")
    }
    return socket
}

/// The sockets of a server; a socket is closed only by the thread that serves it.
final class Connections: Sendable {
    private struct State {
        var listener: Int32?
        var open: Set<Int32> = []
        var count = 0
    }
    private let state: Mutex<State>

    init(_ listener: Int32) { state = Mutex(State(listener: listener)) }

    var count: Int { state.withLock { $0.count } }
    var isStopped: Bool { state.withLock { $0.listener == nil } }

    func add(_ socket: Int32) -> Bool {
        state.withLock { state in
            guard state.listener != nil else { return false }
            state.open.insert(socket)
            state.count += 1
            return true
        }
    }

    func remove(_ socket: Int32) {
        state.withLock { state in
            state.open.remove(socket)
            close(socket)
        }
    }

    func closeAll() {
        state.withLock { state in
            if let listener = state.listener { shutdown(listener, Int32(SHUT_RDWR)) }
            state.listener = nil
            for socket in state.open { shutdown(socket, Int32(SHUT_RDWR)) }
        }
    }
}

/// The call that failed while a server was set up or a connection was used.
package struct LoopbackError: Error {
    package let call: String
    package init(_ call: String) { self.call = call }
}
