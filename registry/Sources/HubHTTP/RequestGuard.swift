// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Answers what must be answered before a request reaches the hub.
///
/// A client that asks whether to send its body (`Expect: 100-continue`, RFC 9110 §10.1.1) is told to go on, since
/// otherwise it waits a second before each upload. What is not HTTP gets a status that says so, and the connection
/// is closed, as nobody knows where the next request would begin.
final class RequestGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// Requests that were read and not yet answered: an answer of ours must not come between theirs.
    private var unanswered = 0
    /// Whether a head was read whose body has not ended.
    private var isReceiving = false
    /// Nothing that comes after a connection was given up is read.
    private var isOver = false
    private var connection: ConnectionGuard?
    private let observer: RequestObserver

    /// `observer` counts and logs what is refused here, which nobody behind ever sees.
    init(_ observer: RequestObserver) { self.observer = observer }

    func handlerAdded(context: ChannelHandlerContext) {
        connection = try? context.pipeline.syncOperations.handler(type: ConnectionGuard.self)
    }

    func handlerRemoved(context: ChannelHandlerContext) { connection = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            unanswered += 1
            isReceiving = true
            connection?.headArrived()
            if head.headerFields[.expect]?.lowercased() == "100-continue", unanswered == 1 {
                context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
            }
        case .body: break
        case .end:
            isReceiving = false
            settle()
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) {
            unanswered -= 1
            settle()
        }
        context.write(data, promise: promise)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else {
            context.fireErrorCaught(error)
            return
        }
        if unanswered == 0 {
            refuse(context, error == .headerOverflow ? .requestHeaderFieldsTooLarge : .badRequest)
        }
        // If a request is under way its body ends with this error; its handler answers, and then the connection ends.
        context.fireErrorCaught(MalformedRequest(cause: "\(error)"))
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ConnectionGuard.Event.refused:
            refuse(context, .serviceUnavailable, [.retryAfter: "1"])
        case ConnectionGuard.Event.slow where unanswered == 0:
            refuse(context, .requestTimeout)
        case ConnectionGuard.Event.slow:
            // Whoever reads the body answers, and then the connection ends.
            isOver = true
            context.fireErrorCaught(SlowRequest())
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    private func settle() {
        guard !isReceiving else { return }
        if unanswered > 0 { connection?.requestArrived() } else { connection?.becameIdle() }
    }

    /// Answers in place of the hub, notes that, and ends the connection.
    private func refuse(
        _ context: ChannelHandlerContext, _ status: HTTPResponse.Status, _ headers: HTTPFields = [:]
    ) {
        isOver = true
        let id = RequestID()
        var head = HTTPResponse(status: status, headerFields: headers)
        head.headerFields[.connection] = "close"
        head.headerFields[.contentLength] = "0"
        head.headerFields[.xRequestID] = id.description
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        let waited = UInt64(max(0, connection?.waited.nanoseconds ?? 0))
        observer.begin()
        observer.end(
            RequestOutcome(route: .other, method: nil, status: status.code, nanoseconds: waited),
            RequestDetails(id: id, path: nil, address: context.channel.remoteAddress?.ipAddress))
        context.close(promise: nil)
    }
}

@available(*, unavailable)
extension RequestGuard: Sendable {}

/// What the handlers behind the guard see of a request that is not HTTP.
struct MalformedRequest: Error {
    let cause: String
}

/// What the handlers behind the guard see of a request that does not go on.
struct SlowRequest: Error {}
