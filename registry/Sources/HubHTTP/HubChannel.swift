// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// The handlers of a connection: the hot path in front, Hummingbird behind it.
struct HubChannel: HTTPChannelHandler {
    typealias Value = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    let responder: Responder
    /// Nil if all requests are to go the longer way.
    let hotPaths: HotPaths?
    let operation: HubOperation

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            let hot = HotHandler(
                hotPaths?.path(on: channel.eventLoop), idleTimeout: TimeAmount(operation.limits.idleTime))
            // The encoder is behind the hot handler, which writes bytes.
            try pipeline.addHandlers([
                ByteToMessageHandler(
                    HTTPRequestDecoder(
                        leftOverBytesStrategy: .dropBytes, limitConfiguration: decoderLimits)),
                hot, HTTPResponseEncoder(), AnswerCounter(hot), HTTP1ToHTTPServerCodec(secure: false),
                RequestGuard(operation.observer),
                // For the end of the server only: the time without use is the hot handler's.
                HTTPConnectionStateHandler(idleTimeout: nil, logger: logger),
            ])
            return try NIOAsyncChannel(
                wrappingChannelSynchronously: channel,
                configuration: .init(isOutboundHalfClosureEnabled: true))
        }
    }

    private var decoderLimits: NIOHTTPDecoderLimitConfiguration {
        let limits = operation.limits
        var configuration = NIOHTTPDecoderLimitConfiguration()
        configuration.maxHeaderFieldSize = limits.headerBytes
        configuration.maxHeaderListSize = limits.headerBytes
        configuration.maxHeaderFieldCount = limits.headerCount
        return configuration
    }

    func handle(value: Value, logger: Logger) async {
        await handleHTTP(asyncChannel: value, logger: logger)
    }
}
