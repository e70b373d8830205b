// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import NIOCore
import NIOHTTP1
import OCI

/// Answers hot reads where requests come off the wire, and lets all others through to the handlers behind it.
///
/// It takes a request only when nothing that came before waits for its answer, and lets nothing through while it works on
/// one, so that answers leave in the order of their requests. Below it is the wire: what it writes is bytes. It also ends
/// connections that nobody uses, as nobody else sees all of what happens on them.
final class HotHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// What came while an answer was under way.
    private enum Arrival {
        case part(HTTPServerRequestPart)
        case error(any Error)
        case event(Any)
    }

    let path: HotPath?
    let idleTimeout: TimeAmount
    var context: ChannelHandlerContext?
    /// A request that is ours if it ends without a body.
    private var pending: (request: HotRequest, head: HTTPRequestHead)?
    /// Who keeps the time of requests.
    var guarding: ConnectionGuard?
    /// Requests that the handlers behind were given and have not answered yet.
    var forwarded = 0
    /// Whether a request has begun and not ended.
    var isReading = false
    var isAnswering = false
    private var held: [Arrival] = []
    private var wantsRead = false
    var needsFlush = false
    var lastActivity = NIODeadline.now()
    var idleCheck: Scheduled<Void>?
    /// The other end, and whether it speaks for others.
    lazy var peer: (address: String?, isProxy: Bool) = {
        let address = context?.channel.remoteAddress?.ipAddress
        return (address, path?.operation.proxies.contain(address) ?? false)
    }()

    /// Without a path it only looks after the connection.
    init(_ path: HotPath?, idleTimeout: TimeAmount) {
        self.path = path
        self.idleTimeout = idleTimeout
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        guarding = try? context.pipeline.syncOperations.handler(type: ConnectionGuard.self)
        if context.channel.isActive { scheduleIdleCheck(context, in: idleTimeout) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        idleCheck?.cancel()
        self.context = nil
        guarding = nil
        held = []
    }

    func channelActive(context: ChannelHandlerContext) {
        scheduleIdleCheck(context, in: idleTimeout)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        idleCheck?.cancel()
        context.fireChannelInactive()
    }

    // MARK: - What comes in

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastActivity = .now()
        let part = unwrapInboundIn(data)
        if isAnswering { held.append(.part(part)) } else { take(part, context) }
    }

    private func take(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        switch part {
        case .head(let head):
            isReading = true
            // Somebody who does not take what he asked for gets no more of it from memory.
            if forwarded == 0, context.channel.isWritable, let request = path?.request(head) {
                pending = (request, head)
                guarding?.headArrived()
                return
            }
            forward(head, context)
        case .body:
            releasePending(context)
            context.fireChannelRead(wrapInboundOut(part))
        case .end:
            isReading = false
            guard let (request, head) = pending else {
                context.fireChannelRead(wrapInboundOut(part))
                return
            }
            pending = nil
            answer(request, head, context)
        }
    }

    func forward(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        forwarded += 1
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    /// Lets a request through that turned out to be none of ours.
    private func releasePending(_ context: ChannelHandlerContext) {
        guard let (_, head) = pending else { return }
        pending = nil
        forward(head, context)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if needsFlush {
            needsFlush = false
            context.flush()
        }
        context.fireChannelReadComplete()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if isAnswering {
            held.append(.error(error))
        } else {
            releasePending(context)
            context.fireErrorCaught(error)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if isAnswering {
            held.append(.event(event))
        } else {
            releasePending(context)
            context.fireUserInboundEventTriggered(event)
        }
    }

    func read(context: ChannelHandlerContext) {
        // Who waits for an answer may ask for more, but is not listened to.
        if isAnswering { wantsRead = true } else { context.read() }
    }

    // MARK: - Answers

    /// The handlers behind have answered a request.
    func answeredBehind() {
        forwarded = max(0, forwarded - 1)
        lastActivity = .now()
    }

    func finish(_ context: ChannelHandlerContext) {
        isAnswering = false
        guarding?.becameIdle()
        lastActivity = .now()
        resume(context)
    }

    /// Takes what came meanwhile, as far as that goes.
    func resume(_ context: ChannelHandlerContext) {
        let arrivals = held
        held = []
        for (index, arrival) in arrivals.enumerated() {
            switch arrival {
            case .part(let part): take(part, context)
            case .error(let error):
                releasePending(context)
                context.fireErrorCaught(error)
            case .event(let event):
                releasePending(context)
                context.fireUserInboundEventTriggered(event)
            }
            guard self.context != nil else { return }
            if isAnswering {
                held = Array(arrivals[(index + 1)...])
                break
            }
        }
        if needsFlush {
            needsFlush = false
            context.flush()
        }
        // Handlers behind act on what they were given when the read is complete.
        context.fireChannelReadComplete()
        if wantsRead, !isAnswering {
            wantsRead = false
            context.read()
        }
    }
}

@available(*, unavailable)
extension HotHandler: Sendable {}
