// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Ends connections that are too many or too slow; the first handler that sees bytes of HTTP.
///
/// It only keeps the time: what is to be answered is up to `RequestGuard`, which tells it where the requests begin and
/// end. One timer for a connection is enough, which is looked at when it fires and set anew: a request costs none.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What `RequestGuard` is told.
    enum Event {
        case refused
        /// A head did not arrive in time, or a body does not go on.
        case slow
    }

    private enum Phase {
        /// Nothing of a request is there: whether the connection is idle for too long is not decided here.
        case idle
        case head
        case body
        /// The request is here, and not yet answered.
        case answering
    }

    private let operation: HubOperation
    private let table: ConnectionTable
    private var phase = Phase.idle
    /// Since when the other side has owed something.
    private var since = NIODeadline.now()
    /// Whether anybody wants to have more bytes: it is not the client's fault if nobody reads.
    private var isReading = false
    private var timer: Scheduled<Void>?
    private var context: ChannelHandlerContext?
    private var address: String?
    private var isRefused = false

    init(_ operation: HubOperation, _ table: ConnectionTable) {
        self.operation = operation
        self.table = table
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { open(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        open(context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        if let address {
            table.remove(address)
            operation.metrics.connectionClosed()
        }
        address = nil
        context.fireChannelInactive()
    }

    private func open(_ context: ChannelHandlerContext) {
        guard address == nil else { return }
        let address = context.channel.remoteAddress?.ipAddress ?? ""
        self.address = address
        operation.metrics.connectionOpened()
        guard let reason = table.add(address, isProxy: operation.proxies.contain(address)) else { return }
        operation.metrics.refused(reason)
        isRefused = true
        context.fireUserInboundEventTriggered(Event.refused)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefused else { return }
        isReading = false
        if phase == .idle {
            enter(.head)
        } else if phase == .body {
            since = .now()
        }
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        if !isReading {
            isReading = true
            if phase == .body { since = .now() }
        }
        context.read()
    }

    private func enter(_ phase: Phase) {
        self.phase = phase
        since = .now()
        guard timer == nil, let limit, let context else { return }
        schedule(in: limit, context)
    }

    /// The time that the client has in this phase.
    private var limit: TimeAmount? {
        switch phase {
        case .head: TimeAmount(operation.limits.headTime)
        case .body: TimeAmount(operation.limits.bodyTime)
        case .idle, .answering: nil
        }
    }

    private func schedule(in time: TimeAmount, _ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: time) {
            let (handler, context) = bound.value
            handler.timerFired(context)
        }
    }

    private func timerFired(_ context: ChannelHandlerContext) {
        timer = nil
        guard let limit else { return }
        let left = since + limit - .now()
        guard left <= .zero, phase == .head || isReading else {
            return schedule(in: max(left, .milliseconds(10)), context)
        }
        operation.metrics.refused(.slow)
        context.fireUserInboundEventTriggered(Event.slow)
    }

    // MARK: - What RequestGuard tells

    /// A head is complete; the bytes that follow are its body's.
    func headArrived() { enter(.body) }

    /// A request is complete.
    func requestArrived() { phase = .answering }

    /// How long the other side has owed what is missing.
    var waited: TimeAmount { .now() - since }

    /// All requests that came are answered.
    func becameIdle() { phase = .idle }
}

@available(*, unavailable)
extension ConnectionGuard: Sendable {}
