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

    private let path: HotPath?
    private let idleTimeout: TimeAmount
    private var context: ChannelHandlerContext?
    /// A request that is ours if it ends without a body.
    private var pending: (request: HotRequest, head: HTTPRequestHead)?
    /// Requests that the handlers behind were given and have not answered yet.
    private var forwarded = 0
    /// Whether a request has begun and not ended.
    private var isReading = false
    private var isAnswering = false
    private var held: [Arrival] = []
    private var wantsRead = false
    private var needsFlush = false
    private var lastActivity = NIODeadline.now()
    private var idleCheck: Scheduled<Void>?
    private lazy var address: String? = context?.channel.remoteAddress?.ipAddress

    /// Without a path it only looks after the connection.
    init(_ path: HotPath?, idleTimeout: TimeAmount) {
        self.path = path
        self.idleTimeout = idleTimeout
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { scheduleIdleCheck(context, in: idleTimeout) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        idleCheck?.cancel()
        self.context = nil
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
            answer(request, head, part, context)
        }
    }

    private func forward(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
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

    private func answer(
        _ request: HotRequest, _ head: HTTPRequestHead, _ end: HTTPServerRequestPart,
        _ context: ChannelHandlerContext
    ) {
        switch path?.answer(request, from: request.authorization == nil ? nil : address) {
        case nil:
            forward(head, context)
            context.fireChannelRead(wrapInboundOut(end))
        case .ready(let head, let body):
            write(head, body, context)
            needsFlush = true
            path?.onAnswer()
        case .blob(let digest, let size):
            fetch(digest, size, request, head, end, context)
        }
    }

    private func write(_ head: ByteBuffer, _ body: ByteBuffer?, _ context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.byteBuffer(head)), promise: nil)
        if let body { context.write(wrapOutboundOut(.byteBuffer(body)), promise: nil) }
    }

    /// Answers with a blob that is not in memory.
    private func fetch(
        _ digest: Digest, _ size: Int64, _ request: HotRequest, _ head: HTTPRequestHead,
        _ end: HTTPServerRequestPart, _ context: ChannelHandlerContext
    ) {
        guard let path, path.isSmall(size) || path.sendsFiles else {
            forward(head, context)
            context.fireChannelRead(wrapInboundOut(end))
            return
        }
        isAnswering = true
        func giveUp() {
            // Others find out why, and say it.
            guard let context = self.context else { return }
            isAnswering = false
            forward(head, context)
            context.fireChannelRead(wrapInboundOut(end))
            resume(context)
        }
        if path.isSmall(size) {
            path.load(digest, size: size, on: context.eventLoop).assumeIsolated().whenComplete { result in
                guard case .success(let bytes) = result,
                    case .ready(let head, let body) = path.blob(digest, bytes, request.conditions)
                else { return giveUp() }
                guard let context = self.context else { return }
                self.write(head, body, context)
                context.flush()
                self.finish(context)
            }
        } else {
            path.open(digest, size: size, on: context.eventLoop).assumeIsolated().whenComplete { result in
                guard let reader = try? result.get(), let file = try? reader.handle() else { return giveUp() }
                let answer = ContentAnswer(blob: digest, size: size, request.conditions)
                guard let context = self.context else { return FileSender.close(file) }
                context.writeAndFlush(self.wrapOutboundOut(.byteBuffer(path.head(answer))), promise: nil)
                FileSender(reader, file, answer.range ?? 0..<0).send(to: context) { isWhole in
                    guard let context = self.context else { return }
                    // The length was promised: there is no other way to say that there is less.
                    guard isWhole else { return context.close(promise: nil) }
                    self.finish(context)
                }
            }
        }
    }

    private func finish(_ context: ChannelHandlerContext) {
        path?.onAnswer()
        isAnswering = false
        lastActivity = .now()
        resume(context)
    }

    /// Takes what came meanwhile, as far as that goes.
    private func resume(_ context: ChannelHandlerContext) {
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

    // MARK: - Idle connections

    private func scheduleIdleCheck(_ context: ChannelHandlerContext, in delay: TimeAmount) {
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

@available(*, unavailable)
extension HotHandler: Sendable {}

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
