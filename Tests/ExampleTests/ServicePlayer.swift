// SPDX-License-Identifier: Apache-2.0

import Scenarios
import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import Synchronization

/// What a service got to see.
struct ServiceCall: Sendable {
    var method = ""
    var path = ""
    var headers: [(name: String, value: String)] = []
    var body = ""
    var trailers: [(name: String, value: String)] = []
}

/// A server beside the proxy that follows a script, and remembers what it was asked.
final class ServicePlayer: Sendable {
    /// What the server speaks.
    enum Language: Sendable {
        case http1
        case http2
        case tcp
    }

    private struct State {
        var script = ServiceScript(answers: [])
        var answered = 0
        var calls: [ServiceCall] = []
    }

    private let state = Mutex(State())

    /// Between the parts of a body, so that most often they also arrive as parts.
    ///
    /// No outcome depends on it.
    static let pause: TimeAmount = .milliseconds(30)

    /// Begins a step: forgets what was asked before it.
    func follow(_ script: ServiceScript) {
        state.withLock { $0 = State(script: script) }
    }

    /// What was asked in this step.
    var calls: [ServiceCall] { state.withLock(\.calls) }

    /// Remembers a call, even one that is not complete, and gives its number.
    func begin(_ call: ServiceCall) -> Int {
        state.withLock { state in
            state.calls.append(call)
            return state.calls.count - 1
        }
    }

    /// Adds to what was remembered of a call; one of an earlier step is forgotten.
    func update(_ number: Int, _ change: (inout ServiceCall) -> Void) {
        state.withLock { state in
            if state.calls.indices.contains(number) { change(&state.calls[number]) }
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

    /// Listens on a free port of the loopback until the returned channel is closed.
    func listen(_ language: Language) async throws -> any Channel {
        try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: language == .tcp)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    switch language {
                    case .http1:
                        try pipeline.configureHTTPServerPipeline()
                        try pipeline.addHandler(HTTPServiceHandler(self))
                    case .http2:
                        _ = try pipeline.configureHTTP2Pipeline(
                            mode: .server, connectionConfiguration: .init(), streamConfiguration: .init()
                        ) { stream in
                            stream.eventLoop.makeCompletedFuture {
                                let pipeline = stream.pipeline.syncOperations
                                try pipeline.addHandler(HTTP2FramePayloadToHTTP1ServerCodec())
                                try pipeline.addHandler(HTTPServiceHandler(self))
                            }
                        }
                    case .tcp:
                        try pipeline.addHandler(TCPServiceHandler(self))
                    }
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }
}

/// Plays one connection of HTTP/1.1 or one stream of HTTP/2.
private final class HTTPServiceHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let player: ServicePlayer
    private var number = 0

    init(_ player: ServicePlayer) {
        self.player = player
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            number = player.begin(
                ServiceCall(
                    method: head.method.rawValue, path: head.uri,
                    headers: head.headers.map { ($0.name, $0.value) }))
        case .body(let bytes):
            player.update(number) { $0.body += String(buffer: bytes) }
        case .end(let trailers):
            player.update(number) { $0.trailers = trailers?.map { ($0.name, $0.value) } ?? [] }
            answer(player.nextAnswer(), context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The proxy has given a call up.
        context.close(promise: nil)
    }

    private func answer(_ answer: ServiceAnswer, _ context: ChannelHandlerContext) {
        switch answer.kind {
        case .http(let message):
            var headers = HTTPHeaders(message.headers.map { ($0.name, $0.value) })
            if texts(message.body).count <= 1, message.trailers.isEmpty, message.status != 204,
                message.status != 304
            {
                headers.add(name: "content-length", value: "\(texts(message.body).first?.utf8.count ?? 0)")
            }
            send(
                status: message.status, headers, texts(message.body).map { ByteBuffer(string: $0) },
                HTTPHeaders(message.trailers.map { ($0.name, $0.value) }), context)
        case .grpc(let status, let message, let reply):
            var trailers = HTTPHeaders([("grpc-status", "\(status)")])
            if !message.isEmpty { trailers.add(name: "grpc-message", value: message) }
            // gRPC over HTTP/2, "Length-Prefixed-Message": not compressed, four bytes of length, the message.
            var frame = ByteBuffer()
            frame.writeInteger(UInt8(0))
            frame.writeInteger(UInt32(reply.count))
            frame.writeBytes(reply)
            send(
                status: 200, ["content-type": "application/grpc"], status == 0 ? [frame] : [], trailers,
                context
            )
        case .bytes(let parts):
            let text = texts(parts).joined()
            context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
        case .hang: break
        case .close, .cut: context.close(promise: nil)
        }
    }

    private func send(
        status: Int, _ headers: HTTPHeaders, _ body: [ByteBuffer], _ trailers: HTTPHeaders,
        _ context: ChannelHandlerContext
    ) {
        let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        sendBody(body[...], trailers, context)
    }

    private func sendBody(
        _ body: ArraySlice<ByteBuffer>, _ trailers: HTTPHeaders, _ context: ChannelHandlerContext
    ) {
        guard let first = body.first else {
            context.writeAndFlush(wrapOutboundOut(.end(trailers.isEmpty ? nil : trailers)), promise: nil)
            return
        }
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(first))), promise: nil)
        if body.count == 1 { return sendBody([], trailers, context) }
        context.eventLoop.assumeIsolated().scheduleTask(in: ServicePlayer.pause) {
            self.sendBody(body.dropFirst(), trailers, context)
        }
    }
}

/// Plays one TCP connection.
private final class TCPServiceHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let player: ServicePlayer
    private var number = 0
    private var hasAnswered = false

    init(_ player: ServicePlayer) {
        self.player = player
    }

    func channelActive(context: ChannelHandlerContext) {
        number = player.begin(ServiceCall())
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let text = String(buffer: unwrapInboundIn(data))
        player.update(number) { $0.body += text }
        guard !hasAnswered else { return }
        hasAnswered = true
        switch player.nextAnswer().kind {
        case .bytes(let parts):
            let text = texts(parts).joined()
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        case .close: context.close(promise: nil)
        case .http, .grpc, .hang, .cut: break
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The client has said all it had to say, and so have we.
        if case ChannelEvent.inputClosed = event { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
