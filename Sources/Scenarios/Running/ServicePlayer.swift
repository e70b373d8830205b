// SPDX-License-Identifier: Apache-2.0

private import Synchronization

/// What a service got to see.
struct ServiceCall: Sendable {
    var method = ""
    var path = ""
    var headers: HeaderList = []
    var body: [UInt8] = []
    var trailers: HeaderList = []
}

/// What a server beside the proxy does, by a script, and what it was asked.
final class ServicePlayer: Sendable {
    /// A call of some step, by which more can be said about it.
    struct CallID: Sendable, Hashable {
        fileprivate let round: Int
        fileprivate let index: Int
    }

    private struct State {
        var script = ServiceScript(answers: [])
        var answered = 0
        /// Grows when the calls are forgotten.
        var round = 0
        var calls: [ServiceCall] = []
    }

    private let state = Mutex(State())

    /// Begins a step: forgets what was asked before it.
    func follow(_ script: ServiceScript) {
        state.withLock { $0 = State(script: script, round: $0.round + 1) }
    }

    /// Forgets what was asked, and goes on with the script.
    func forgetCalls() {
        state.withLock {
            $0.round += 1
            $0.calls = []
        }
    }

    /// What was asked in this step.
    var calls: [ServiceCall] { state.withLock(\.calls) }

    /// Remembers a call, even one that is not complete.
    func begin(_ call: ServiceCall) -> CallID {
        state.withLock { state in
            state.calls.append(call)
            return CallID(round: state.round, index: state.calls.count - 1)
        }
    }

    /// Adds to what was remembered of a call, if it is not forgotten.
    func update(_ id: CallID, _ change: (inout ServiceCall) -> Void) {
        state.withLock { state in
            if state.round == id.round { change(&state.calls[id.index]) }
        }
    }

    /// The next answer of the script.
    func nextAnswer() -> ServiceAnswer {
        state.withLock { state in
            let answers = state.script.answers
            defer { state.answered += 1 }
            return answers.isEmpty ? ServiceAnswer(.close) : answers[min(state.answered, answers.count - 1)]
        }
    }
}

extension ServiceAnswer {
    /// What goes over the wire.
    /// - Parameter method: that of the request; nil where there is none.
    /// - Returns: nothing for an answer that never comes.
    func pieces(method: String?) -> [WirePiece] {
        let before: [WirePiece] = delay > .zero ? [.pause(delay)] : []
        return switch kind {
        case .http(let message): before + Self.pieces(message, method, isCut: false)
        case .cut(let message): before + Self.pieces(message, method, isCut: true) + [.close]
        case .grpc(let status, let text, let reply):
            before + Self.pieces(Self.message(status, text, reply), method, isCut: false)
        case .bytes(let parts): before + parts.pieces()
        case .hang: []
        case .close: before + [.close]
        }
    }

    private static func pieces(_ message: Message, _ method: String?, isCut: Bool) -> [WirePiece] {
        let hasNoBody = method == "HEAD" || message.status == 204 || message.status == 304
        let line = "HTTP/1.1 \(message.status) "
        guard !hasNoBody else {
            var headers = message.headers
            if method == "HEAD", !headers.has("content-length"), !message.body.isEmpty {
                let length = message.body.compactMap(\.content).reduce(0) { $0 + $1.count }
                headers.append(("content-length", "\(length)"))
            }
            return [.bytes(HTTPWriter.head(line, headers))]
        }
        return HTTPWriter.message(
            line, message.headers, body: message.body, trailers: message.trailers, impliesLength: false,
            lacksEnd: isCut)
    }

    /// A gRPC answer (gRPC over HTTP/2, "Responses").
    private static func message(_ status: Int, _ text: String, _ reply: [UInt8]) -> Message {
        var message = Message()
        message.headers = [("content-type", "application/grpc")]
        message.trailers = [("grpc-status", "\(status)")]
        if !text.isEmpty { message.trailers.append(("grpc-message", percentEncoded(text))) }
        if status == 0 {
            // "Length-Prefixed-Message": not compressed, four bytes of length, the message.
            let length = withUnsafeBytes(of: UInt32(clamping: reply.count).bigEndian) { Array($0) }
            message.body = [.bytes([0] + length + reply)]
        }
        return message
    }

    /// As `grpc-message` has it: all but printable ASCII without "%" as two hexadecimal digits.
    private static func percentEncoded(_ text: String) -> String {
        text.utf8.map { byte in
            if (0x20...0x7e).contains(byte), byte != UInt8(ascii: "%") {
                return String(UnicodeScalar(byte))
            }
            let digits = String(byte, radix: 16, uppercase: true)
            return "%" + (digits.count == 1 ? "0" : "") + digits
        }.joined()
    }
}
