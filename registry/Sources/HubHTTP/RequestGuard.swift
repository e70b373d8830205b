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

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head(let head) = unwrapInboundIn(data) {
            unanswered += 1
            if head.headerFields[.expect]?.lowercased() == "100-continue", unanswered == 1 {
                context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
            }
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { unanswered -= 1 }
        context.write(data, promise: promise)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else {
            context.fireErrorCaught(error)
            return
        }
        if unanswered == 0 {
            let status: HTTPResponse.Status =
                error == .headerOverflow ? .requestHeaderFieldsTooLarge : .badRequest
            let head = HTTPResponse(
                status: status, headerFields: [.connection: "close", .contentLength: "0"])
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            context.close(promise: nil)
        }
        // If a request is under way its body ends with this error; its handler answers, and then the connection ends.
        context.fireErrorCaught(MalformedRequest(cause: "\(error)"))
    }
}

@available(*, unavailable)
extension RequestGuard: Sendable {}

/// What the handlers behind the guard see of a request that is not HTTP.
struct MalformedRequest: Error {
    let cause: String
}
