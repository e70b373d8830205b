// SPDX-License-Identifier: Apache-2.0

private import Foundation

/// A piece of what one end of a connection does.
enum WirePiece: Sendable, Hashable {
    case bytes([UInt8])
    /// Nothing for a while.
    case pause(Duration)
    /// Says nothing more, and goes on listening.
    case halfClose
    case close
}

extension [BodyPart] {
    /// Between two parts without a pause of their own, so that most often they also arrive as two.
    ///
    /// No outcome depends on it.
    static let usualPause = Duration.milliseconds(30)

    /// What is sent, each content in its own dress, with a pause between two of them.
    func pieces(_ dress: ([UInt8]) -> [UInt8] = { $0 }) -> [WirePiece] {
        var pieces: [WirePiece] = []
        var needsPause = false
        for part in self {
            if let content = part.content {
                if needsPause { pieces.append(.pause(Self.usualPause)) }
                pieces.append(.bytes(dress(content)))
                needsPause = true
            } else if case .pause(let duration) = part {
                pieces.append(.pause(duration))
                needsPause = false
            }
        }
        return pieces
    }
}

/// What one end of a connection makes of what it gets.
protocol ConversationRole: Sendable {
    /// Takes bytes, and gives what to send because of them.
    mutating func receive(_ bytes: ArraySlice<UInt8>) -> [WirePiece]
    /// Takes that nothing more comes.
    mutating func receiveEnd(isReset: Bool) -> [WirePiece]
    /// Whether nothing that may still come is of interest.
    /// - Parameter hasSentAll: whether there is nothing to send for now.
    /// - Returns: true to end the conversation.
    func isOver(hasSentAll: Bool) -> Bool
}

/// One end of a TCP connection: sends what it has to send while it takes what comes, so that neither end waits for the
/// other one to listen.
struct Conversation<Role: ConversationRole>: Sendable {
    enum Ending: Sendable {
        /// The role has all it wants, or we have closed.
        case over
        /// The other end has closed and nothing is left to send.
        case ended
        case timedOut
        /// Whoever runs it wants it no more.
        case stopped
    }

    let socket: LoopbackSocket
    var role: Role
    var outgoing: [WirePiece]
    /// Whether the other end has said that nothing more comes.
    private(set) var hasEnded = false
    private var next = 0
    private var sent = 0
    private var pauseEnd: ContinuousClock.Instant?
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)

    /// How long nothing is looked at but the socket.
    private static var slice: Duration { .milliseconds(100) }

    init(_ socket: LoopbackSocket, _ role: Role, sending outgoing: [WirePiece] = []) {
        self.socket = socket
        self.role = role
        self.outgoing = outgoing
    }

    /// Goes on until something ends it; blocks its thread.
    /// - Parameters:
    ///   - deadline: nil for never.
    ///   - isStopped: whether nobody wants it any more; asked again and again.
    /// - Returns: what ended it.
    mutating func run(
        until deadline: ContinuousClock.Instant?, isStopped: () -> Bool = { false }
    ) -> Ending {
        while true {
            if isStopped() { return .stopped }
            let now = ContinuousClock.now
            if let ending = skipSilentPieces(now) { return ending }
            let hasSentAll = next == outgoing.count
            if role.isOver(hasSentAll: hasSentAll) { return .over }
            if hasEnded, hasSentAll { return .ended }
            if let deadline, now >= deadline { return .timedOut }
            var limit = Self.slice
            if let deadline { limit = min(limit, deadline - now) }
            if let pauseEnd { limit = min(limit, pauseEnd - now) }
            let writing = !hasSentAll && pauseEnd == nil
            let ready = socket.wait(reading: !hasEnded, writing: writing, atMost: limit)
            if ready.writes { write() }
            if ready.reads { read() }
        }
    }

    /// Does what needs no waiting.
    private mutating func skipSilentPieces(_ now: ContinuousClock.Instant) -> Ending? {
        while next < outgoing.count {
            switch outgoing[next] {
            case .bytes(let bytes):
                guard bytes.isEmpty else { return nil }
            case .pause(let duration):
                let end = pauseEnd ?? now + duration
                pauseEnd = end
                guard now >= end else { return nil }
                pauseEnd = nil
            case .halfClose: socket.halfClose()
            case .close:
                socket.abort()
                return .over
            }
            next += 1
        }
        return nil
    }

    private mutating func write() {
        guard next < outgoing.count, case .bytes(let bytes) = outgoing[next] else { return }
        switch socket.write(bytes[sent...]) {
        case .bytes(let count): sent += count
        case .notYet: break
        case .end, .reset:
            // Nobody listens: what is read next tells what they have said before.
            next = outgoing.count
            sent = 0
            return
        }
        if sent == bytes.count {
            next += 1
            sent = 0
        }
    }

    private mutating func read() {
        switch socket.read(into: &buffer) {
        case .bytes(let count): outgoing += role.receive(buffer[..<count])
        case .notYet: break
        case .end:
            hasEnded = true
            outgoing += role.receiveEnd(isReset: false)
        case .reset:
            hasEnded = true
            next = outgoing.count
            _ = role.receiveEnd(isReset: true)
        }
    }
}

/// Runs what blocks in a thread of its own.
func inThread<Result: Sendable>(_ work: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: work()) }
    }
}
