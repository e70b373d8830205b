// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import OCI
package import OCIRegistry
private import Synchronization

/// HTTP over libcurl: many exchanges at once on one thread, with connections kept for the next ones.
///
/// Proxies and trust are those of the exchange's options; nothing is taken from the process's environment. HTTP/2 is
/// used where TLS agrees on it. Redirects are not followed. Sources and sinks are
/// called on the transport's thread: the network waits for them, and they must not wait for another exchange.
package final class CurlTransport: HTTPTransport {
    private let loop = TransferLoop()

    /// Starts the thread, which ends when the transport is released.
    package init() { loop.start() }

    deinit { loop.stop() }

    package func send(
        _ request: HTTPRequest, body: HTTPBody?, options: HTTPTransportOptions,
        receive: @escaping @Sendable (HTTPResponse) throws -> (any ByteSink)?
    ) async throws -> HTTPResponse {
        let transfer = try Transfer(request, body: body, options: options, receive: receive)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                transfer.continuation = continuation
                loop.submit(transfer)
            }
        } onCancel: {
            transfer.isCancelled.store(true, ordering: .releasing)
            loop.noteCancellation()
        }
    }
}
