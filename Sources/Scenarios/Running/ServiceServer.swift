// SPDX-License-Identifier: Apache-2.0

private import Foundation
private import Synchronization

/// A server on a free port of the loopback whose connections a player answers.
final class ServiceServer: Sendable {
    /// What the server speaks.
    enum Language: Sendable {
        case http
        case tcp
    }

    private struct State {
        var isStopped = false
        var connections: [ObjectIdentifier: LoopbackSocket] = [:]
    }

    let port: UInt16
    private let socket: LoopbackSocket
    private let player: ServicePlayer
    private let language: Language
    private let state = Mutex(State())

    /// Listens until `stop`.
    /// - Throws: `SystemError`.
    init(_ player: ServicePlayer, _ language: Language) throws {
        (socket, port) = try LoopbackSocket.listen()
        self.player = player
        self.language = language
        Thread.detachNewThread { [self] in accept() }
    }

    /// Ends all connections, and takes no more.
    func stop() {
        let connections = state.withLock { state in
            state.isStopped = true
            return Array(state.connections.values)
        }
        for connection in connections { connection.abort() }
        socket.abort()
    }

    private var isStopped: Bool { state.withLock(\.isStopped) }

    private func accept() {
        while !isStopped {
            guard socket.wait(reading: true, writing: false, atMost: .milliseconds(100)).reads,
                let connection = socket.accepted()
            else { continue }
            let isWanted = state.withLock { state in
                if !state.isStopped { state.connections[ObjectIdentifier(connection)] = connection }
                return !state.isStopped
            }
            guard isWanted else { return }
            Thread.detachNewThread { [self] in
                switch language {
                case .http: converse(connection, HTTPServiceRole(player))
                case .tcp: converse(connection, TCPServiceRole(player))
                }
                _ = state.withLock { $0.connections.removeValue(forKey: ObjectIdentifier(connection)) }
            }
        }
    }

    private func converse<Role: ConversationRole>(_ connection: LoopbackSocket, _ role: Role) {
        var conversation = Conversation(connection, role)
        _ = conversation.run(until: nil) { self.isStopped }
        connection.abort()
    }
}

/// Plays one connection of HTTP/1.1, answering a request when all of it is there.
private struct HTTPServiceRole: ConversationRole {
    private let player: ServicePlayer
    private var parser = HTTPParser(.request)
    private var call: (id: ServicePlayer.CallID, method: String)?
    private var hasFailed = false

    init(_ player: ServicePlayer) { self.player = player }

    mutating func receive(_ bytes: ArraySlice<UInt8>) -> [WirePiece] {
        var pieces: [WirePiece] = []
        do {
            for event in try parser.feed(bytes) { pieces += take(event) }
        } catch {
            hasFailed = true
        }
        return pieces
    }

    private mutating func take(_ event: HTTPParser.Event) -> [WirePiece] {
        switch event {
        case .head(let words, let headers):
            let id = player.begin(ServiceCall(method: words[0], path: words[1], headers: headers))
            call = (id, words[0])
        case .body(let part):
            if let call { player.update(call.id) { $0.body += part } }
        case .end(let trailers):
            guard let call else { return [] }
            player.update(call.id) { $0.trailers = trailers }
            self.call = nil
            return player.nextAnswer().pieces(method: call.method)
        }
        return []
    }

    mutating func receiveEnd(isReset: Bool) -> [WirePiece] { [] }

    func isOver(hasSentAll: Bool) -> Bool { hasFailed }
}

/// Plays one TCP connection, answering its first bytes.
private struct TCPServiceRole: ConversationRole {
    private let player: ServicePlayer
    private let call: ServicePlayer.CallID
    private var hasAnswered = false

    init(_ player: ServicePlayer) {
        self.player = player
        call = player.begin(ServiceCall())
    }

    mutating func receive(_ bytes: ArraySlice<UInt8>) -> [WirePiece] {
        player.update(call) { $0.body += bytes }
        guard !hasAnswered else { return [] }
        hasAnswered = true
        return player.nextAnswer().pieces(method: nil)
    }

    // Who has said all it had to say gets the rest of the answer, and then the end.
    mutating func receiveEnd(isReset: Bool) -> [WirePiece] { [] }

    func isOver(hasSentAll: Bool) -> Bool { false }
}
