// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1

extension HotHandler {
    /// Looks some time later whether the connection is used.
    func scheduleIdleCheck(_ context: ChannelHandlerContext, in delay: TimeAmount) {
        guard idleCheck == nil else { return }
        idleCheck = context.eventLoop.assumeIsolated().scheduleTask(in: delay) {
            self.idleCheck = nil
            self.checkIdle()
        }
    }

    private func checkIdle() {
        guard let context, context.channel.isActive else { return }
        let left = lastActivity + idleTimeout - .now()
        // A request that was read is being answered, however long that takes; one that stopped half-way is idle.
        if isAnswering || (forwarded > 0 && !isReading) {
            scheduleIdleCheck(context, in: idleTimeout)
        } else if left > .zero {
            scheduleIdleCheck(context, in: left)
        } else {
            context.close(promise: nil)
        }
    }
}

/// Tells the hot handler when the handlers behind it have answered.
final class AnswerCounter: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let hot: HotHandler

    init(_ hot: HotHandler) { self.hot = hot }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        context.write(data, promise: promise)
        if case .end = unwrapOutboundIn(data) { hot.answeredBehind() }
    }
}

@available(*, unavailable)
extension AnswerCounter: Sendable {}
