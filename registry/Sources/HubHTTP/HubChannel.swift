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
    /// Bytes that are taken off a socket at once.
    private static let largestRead = 128 << 10

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            // Grows up to twice what it does by itself for who sends much: a large blob is half as many pieces to pass on.
            try channel.syncOptions?.setOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(
                    minimum: 64, initial: 2048, maximum: Self.largestRead))
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
                configuration: .init(
                    // As much as NIO lets wait by itself, in fewer pieces.
                    backPressureStrategy: .init(lowWatermark: 2, highWatermark: 5),
                    isOutboundHalfClosureEnabled: true))
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
