// SPDX-License-Identifier: Apache-2.0

private import Foundation
private import Glibc
private import Synchronization

/// A TCP relay before a real server that breaks connections at a byte of the test's choice, and counts.
package final class CuttingRelay: Sendable {
    package enum Direction: Sendable {
        case toServer, toClient
    }

    /// Where a connection breaks: when this many bytes went in this direction.
    ///
    /// One that `stalls` stays open, and nothing more arrives, until the client has had enough.
    package struct Cut: Sendable {
        let direction: Direction
        let position: Int
        let stalls: Bool

        package init(_ direction: Direction, at position: Int, stalls: Bool = false) {
            self.direction = direction
            self.position = position
            self.stalls = stalls
        }
    }

    /// The port that the system gave.
    package let port: UInt16
    private let connections: Connections
    private let counts: Counts

    private final class Counts: Sendable {
        private let bytes = Mutex<(toServer: Int, toClient: Int, cuts: Int, cutBytes: Int)>((0, 0, 0, 0))

        var all: (toServer: Int, toClient: Int, cuts: Int, cutBytes: Int) { bytes.withLock { $0 } }
        func add(_ count: Int, _ direction: Direction) {
            bytes.withLock { bytes in
                switch direction {
                case .toServer: bytes.toServer += count
                case .toClient: bytes.toClient += count
                }
            }
        }
        func addCut(at position: Int) {
            bytes.withLock { bytes in
                bytes.cuts += 1
                bytes.cutBytes += position
            }
        }
    }

    /// Starts a relay.
    /// - Parameters:
    ///   - server: the loopback port of the real server.
    ///   - cut: where the connection with this number, from 1 on, breaks; nil for never.
    /// - Throws: `LoopbackError` when the system gives no socket.
    package init(to server: UInt16, cut: @escaping @Sendable (_ number: Int) -> Cut?) throws {
        let (listener, port) = try boundSocket()
        guard listen(listener, 128) == 0 else {
            close(listener)
            throw LoopbackError("listen")
        }
        self.port = port
        let connections = Connections(listener)
        let counts = Counts()
        self.connections = connections
        self.counts = counts
        Thread.detachNewThread {
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { break }
                guard connections.add(client) else {
                    close(client)
                    break
                }
                guard let upstream = try? connectedSocket(to: server), connections.add(upstream) else {
                    connections.remove(client)
                    continue
                }
                // A connection to the server is counted too: every second one is a client's.
                let cut = cut(connections.count / 2)
                let pair = Pair(client, upstream, connections)
                for direction in [Direction.toServer, .toClient] {
                    let cut = cut.flatMap { $0.direction == direction ? $0 : nil }
                    Thread.detachNewThread { pair.pump(direction, cut, counts.add, counts.addCut) }
                }
            }
            close(listener)
        }
    }

    deinit { stop() }

    /// `127.0.0.1:port`.
    package var authority: String { "127.0.0.1:\(port)" }
    /// Bytes that reached the server.
    package var toServer: Int { counts.all.toServer }
    /// Bytes that reached the client.
    package var toClient: Int { counts.all.toClient }
    /// Connections that were broken, or stalled, on purpose.
    package var cuts: Int { counts.all.cuts }
    /// Bytes that had gone the way of the break through those connections, before they were broken.
    package var cutBytes: Int { counts.all.cutBytes }

    /// Refuses new connections and breaks the open ones.
    package func stop() { connections.closeAll() }
}

/// The two sides of a connection; closed when both directions have ended.
private final class Pair: Sendable {
    private let client: Int32
    private let server: Int32
    private let connections: Connections
    private let open = Mutex(2)

    init(_ client: Int32, _ server: Int32, _ connections: Connections) {
        self.client = client
        self.server = server
        self.connections = connections
    }

    func pump(
        _ direction: CuttingRelay.Direction, _ cut: CuttingRelay.Cut?,
        _ count: (Int, CuttingRelay.Direction) -> Void,
        _ cutHappens: (_ position: Int) -> Void
    ) {
        let (source, sink) = direction == .toServer ? (client, server) : (server, client)
        let stream = SocketStream(sink)
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var rest = cut?.position ?? .max
        while rest > 0 {
            let received = recv(source, &buffer, min(buffer.count, rest), 0)
            guard received > 0, (try? stream.write(Array(buffer.prefix(received)))) != nil else { break }
            rest -= received
            count(received, direction)
        }
        if rest == 0 {
            cutHappens(cut?.position ?? 0)
            while cut?.stalls == true, recv(source, &buffer, buffer.count, 0) > 0 {}
        }
        shutdown(source, Int32(SHUT_RDWR))
        shutdown(sink, Int32(SHUT_RDWR))
        let isLast = open.withLock { open in
            open -= 1
            return open == 0
        }
        guard isLast else { return }
        connections.remove(client)
        connections.remove(server)
    }
}
