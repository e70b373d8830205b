// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#endif

/// A connection of another kind behind the guards of the hub.
struct GuardedChannel<Base: ServerChildChannel>: ServerChildChannel {
    let base: Base
    let operation: HubOperation
    let table: ConnectionTable
    /// Nil for connections that are not encrypted.
    var certificates: TLSCertificates?

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            try channel.limitSendTime(operation.limits.sendTime)
            if let certificates { try pipeline.addHandler(certificates.handler()) }
            try pipeline.addHandler(ConnectionGuard(operation, table))
        }.flatMap { base.setup(channel: channel, logger: logger) }
    }

    func handle(value: Base.Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}

extension Channel {
    /// Gives up a connection whose other end does not take what was sent (tcp(7), TCP_USER_TIMEOUT).
    fileprivate func limitSendTime(_ time: Duration) throws {
        #if os(Linux)
            guard let options = syncOptions else { return }
            let timeout = ChannelOptions.Types.SocketOption(
                level: .tcp, name: NIOBSDSocket.Option(rawValue: TCP_USER_TIMEOUT))
            try options.setOption(timeout, value: SocketOptionValue(time.components.seconds * 1000))
        #endif
    }
}
