// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1
import OCI

extension HotHandler {
    /// Answers a request, or leaves it to others.
    func answer(_ request: HotRequest, _ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        guard let path else { return giveUp(head, context) }
        var exchange = HotExchange(
            request, uri: head.uri, start: lastActivity, address: address(request, head, path))
        switch path.answer(&exchange) {
        case nil: giveUp(head, context)
        case .ready(let answer):
            path.begin()
            write(answer, context)
            needsFlush = true
            path.end(exchange, answer.status, sent: answer.sent)
            guarding?.becameIdle()
        case .content(let content):
            if path.isSmall(content.size) {
                load(content, exchange, head, path, context)
            } else if path.sendsFiles {
                send(content, exchange, head, path, context)
            } else {
                giveUp(head, context)
            }
        }
    }

    /// Who sent a request, if that is of any interest: it is for logs and for those with a name.
    private func address(_ request: HotRequest, _ head: HTTPRequestHead, _ path: HotPath) -> String? {
        guard request.authorization != nil || path.operation.observer.wantsDetails else { return nil }
        guard peer.isProxy else { return peer.address }
        return path.operation.proxies.client(
            of: peer.address, HTTPFields(head.headers, splitCookie: false))
    }

    /// Leaves a request to others, who find out what is wrong and say it.
    private func giveUp(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        forward(head, context)
        context.fireChannelRead(wrapInboundOut(.end(nil)))
    }

    /// The same after some time.
    private func giveUpLater(_ head: HTTPRequestHead) {
        isAnswering = false
        guard let context else { return }
        giveUp(head, context)
        resume(context)
    }

    private func write(_ answer: HotAnswer, _ context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.byteBuffer(answer.head)), promise: nil)
        if let body = answer.body { context.write(wrapOutboundOut(.byteBuffer(body)), promise: nil) }
    }

    /// Answers with content that comes into memory first.
    private func load(
        _ content: HotContent, _ exchange: HotExchange, _ head: HTTPRequestHead, _ path: HotPath,
        _ context: ChannelHandlerContext
    ) {
        isAnswering = true
        guarding?.requestArrived()
        path.load(content, on: context.eventLoop).assumeIsolated().whenComplete { result in
            guard case .success(let bytes) = result else { return self.giveUpLater(head) }
            guard let context = self.context else { return }
            let answer = path.answer(content, bytes, exchange)
            path.begin()
            self.write(answer, context)
            context.flush()
            path.end(exchange, answer.status, sent: answer.sent)
            self.finish(context)
        }
    }

    /// Answers with content that goes from its file to the socket.
    private func send(
        _ content: HotContent, _ exchange: HotExchange, _ head: HTTPRequestHead, _ path: HotPath,
        _ context: ChannelHandlerContext
    ) {
        isAnswering = true
        guarding?.requestArrived()
        path.open(content, on: context.eventLoop).assumeIsolated().whenComplete { result in
            guard let reader = try? result.get(), let file = try? reader.handle() else {
                return self.giveUpLater(head)
            }
            guard let context = self.context else { return FileSender.close(file) }
            let whole = content.answer(exchange.request.conditions)
            let range = whole.range ?? 0..<0
            let answer = path.head(whole, exchange)
            path.begin()
            context.writeAndFlush(self.wrapOutboundOut(.byteBuffer(answer.head)), promise: nil)
            FileSender(reader, file, range).send(to: context) { left in
                path.end(exchange, answer.status, sent: Int64(range.count) - left)
                guard let context = self.context else { return }
                // The length was promised: there is no other way to say that there is less.
                guard left == 0 else { return context.close(promise: nil) }
                self.finish(context)
            }
        }
    }
}
