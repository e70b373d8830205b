// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// What a client of the proxy got.
struct ClientResponse: Sendable {
    var status = 0
    var headers: HeaderList = []
    var body: [UInt8] = []
    var trailers: HeaderList = []
    /// Whether all of it came.
    var isComplete = false
}

/// Sends what a step says, each time over a new connection.
struct ScenarioClient: Sendable {
    /// What came of a request.
    enum Answer: Sendable {
        case response(ClientResponse)
        /// The proxy has closed the connection, in the middle of a response if there is one.
        case closed(ClientResponse?)
        /// The response, or the rest of it, did not come in time.
        case timedOut(ClientResponse?)
        /// What came is no HTTP.
        case garbage(String)
        case unreachable(String)
    }

    let port: UInt16

    /// Sends a request, and takes the response.
    func send(_ request: ScenarioRequest, within limit: Duration) async -> Answer {
        let outcome = await exchange(
            HTTPClientRole(method: request.method), sending: request.pieces, until: .now + limit)
        switch outcome {
        case .failure(let problem): return .unreachable(problem.description)
        case .success(let (role, ending)):
            if let problem = role.problem { return .garbage(problem) }
            if let response = role.response, response.isComplete { return .response(response) }
            return if case .timedOut = ending { .timedOut(role.response) } else { .closed(role.response) }
        }
    }

    /// What came of a TCP connection.
    struct Received: Sendable {
        var bytes: [UInt8] = []
        /// Whether the proxy has closed it before we did.
        var isClosed = false
        var problem: String?
    }

    /// Sends bytes over a TCP connection, and takes what comes back.
    /// - Parameters:
    ///   - parts: what to send.
    ///   - limit: how long to wait for what is expected.
    ///   - isEnough: whether what has come is all that is expected; if it never is, the proxy has to end it.
    /// - Returns: all that came.
    func connect(
        sending parts: [BodyPart], within limit: Duration,
        until isEnough: @escaping @Sendable ([UInt8]) -> Bool
    ) async -> Received {
        let role = TCPClientRole(isEnough: isEnough)
        let deadline = ContinuousClock.now + limit
        return await inThread {
            let socket: LoopbackSocket
            do { socket = try LoopbackSocket.connect(to: port) } catch {
                return Received(problem: "\(error)")
            }
            var conversation = Conversation(socket, role, sending: parts.pieces())
            _ = conversation.run(until: deadline)
            let isClosed = conversation.hasEnded
            if !isClosed {
                // A client that has all it wants says so, and takes what is still under way.
                conversation.role.drains = true
                conversation.outgoing.append(.halfClose)
                _ = conversation.run(until: .now + .seconds(1))
            }
            socket.abort()
            return Received(bytes: conversation.role.received, isClosed: isClosed)
        }
    }

    private func exchange<Role: ConversationRole>(
        _ role: Role, sending pieces: [WirePiece], until deadline: ContinuousClock.Instant
    ) async -> Result<(Role, Conversation<Role>.Ending), SystemError> {
        let socket: LoopbackSocket
        do {
            socket = try LoopbackSocket.connect(to: port)
        } catch {
            return .failure(error)
        }
        return await withTaskCancellationHandler {
            await inThread {
                var conversation = Conversation(socket, role, sending: pieces)
                let ending = conversation.run(until: deadline)
                socket.abort()
                return .success((conversation.role, ending))
            }
        } onCancel: {
            socket.abort()
        }
    }
}

extension ScenarioRequest {
    /// What goes over the wire.
    var pieces: [WirePiece] {
        var all = headers
        if !all.has("host") { all.insert(("host", "example.test"), at: 0) }
        // A call of gRPC has no length; how its body comes in HTTP/1.1 is seen by nobody but the entry.
        let isCall = all.joined("content-type")?.hasPrefix("application/grpc") == true
        if self.protocol == .http2, isCall, !all.has("content-length"), !body.isEmpty {
            all.append(("transfer-encoding", "chunked"))
        }
        return HTTPWriter.message(
            "\(method) \(path) HTTP/1.1", all, body: body, trailers: trailers, impliesLength: true)
    }
}

private struct HTTPClientRole: ConversationRole {
    private var parser: HTTPParser
    private(set) var response: ClientResponse?
    private(set) var problem: String?

    init(method: String) { parser = HTTPParser(.response(method: method)) }

    mutating func receive(_ bytes: ArraySlice<UInt8>) -> [WirePiece] {
        do {
            for event in try parser.feed(bytes) { take(event) }
        } catch {
            problem = error.description
        }
        return []
    }

    private mutating func take(_ event: HTTPParser.Event) {
        switch event {
        case .head(let words, let headers):
            response = ClientResponse(status: Int(words[1]) ?? 0, headers: headers)
        case .body(let part): response?.body += part
        case .end(let trailers):
            response?.trailers = trailers
            response?.isComplete = true
        }
    }

    mutating func receiveEnd(isReset: Bool) -> [WirePiece] {
        if !isReset, response != nil, parser.endsMessage() { response?.isComplete = true }
        return []
    }

    func isOver(hasSentAll: Bool) -> Bool {
        // A proxy that answers early need not read all of the request.
        problem != nil || response?.isComplete == true
    }
}

private struct TCPClientRole: ConversationRole {
    let isEnough: @Sendable ([UInt8]) -> Bool
    var received: [UInt8] = []
    var drains = false

    init(isEnough: @escaping @Sendable ([UInt8]) -> Bool) { self.isEnough = isEnough }

    mutating func receive(_ bytes: ArraySlice<UInt8>) -> [WirePiece] {
        // More than this says nothing that the beginning does not.
        received += bytes.prefix(HTTPParser.bodyLimit - received.count)
        return []
    }

    mutating func receiveEnd(isReset: Bool) -> [WirePiece] { [] }

    func isOver(hasSentAll: Bool) -> Bool { hasSentAll && !drains && isEnough(received) }
}
