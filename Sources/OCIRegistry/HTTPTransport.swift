// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import OCI

/// Sends one HTTP request and streams both bodies; knows nothing of registries.
///
/// Redirects, retries and credentials are the caller's: the transport does one exchange, and never sends a body twice.
/// Cancelling the task ends the exchange and throws `CancellationError`.
package protocol HTTPTransport: Sendable {
    /// Performs one exchange.
    /// - Parameters:
    ///   - request: method, absolute URL and headers.
    ///   - body: what to send, with `Content-Length` from its length; nil for none.
    ///   - options: trust, proxies and time limits.
    ///   - receive: called once with the final response head; gives the sink for the body, or nil to drop it.
    /// - Returns: the response head, after the body has been delivered whole.
    /// - Throws: `HTTPTransportError`, or the error that a source or sink threw.
    func send(
        _ request: HTTPRequest, body: HTTPBody?, options: HTTPTransportOptions,
        receive: @escaping @Sendable (HTTPResponse) throws -> (any ByteSink)?
    ) async throws -> HTTPResponse
}

/// A body to send, opened by the transport when it needs it.
package struct HTTPBody: Sendable {
    /// Bytes of the body.
    package let length: Int64
    /// Opens the body at its start.
    package let open: @Sendable () throws -> any ByteSource

    package init(length: Int64, open: @escaping @Sendable () throws -> any ByteSource) {
        self.length = length
        self.open = open
    }

    /// A body in memory.
    package init(_ bytes: [UInt8]) {
        self.init(length: Int64(bytes.count)) { MemorySource(bytes) }
    }
}

/// Trust, proxies and time limits of one exchange.
package struct HTTPTransportOptions: Sendable, Hashable {
    /// Accept any server certificate.
    package var insecure = false
    /// Whose certificates are trusted, and who we are.
    package var trust = TrustSettings()
    /// Through which proxies requests go.
    package var proxies = ProxySettings()
    /// Seconds until a connection must stand.
    package var connectTimeout: Double = 10
    /// Seconds without a single byte after which an exchange has failed.
    package var stallTimeout: Double = 60
    /// Never connect to link-local addresses, whatever a name leads to: what a service asks on behalf of others must not
    /// reach what its machine alone may ask.
    package var refusesLinkLocal = false

    package init() {}
}

/// Why an exchange brought no response.
package struct HTTPTransportError: Error, Hashable, CustomStringConvertible {
    /// Which step failed.
    package enum Code: Hashable, Sendable {
        /// The name has no address.
        case unknownHost
        /// The name leads to an address that is not to be asked.
        case refusedAddress
        /// Nothing answers at the address.
        case connectionRefused
        /// The connection or the server took too long.
        case timedOut
        /// Bytes were on their way, and then no more came; the exchange may be tried again.
        case stalled
        /// TLS could not be agreed on.
        case tls
        /// The server's certificate comes from nobody who is trusted.
        case unknownAuthority
        /// The server's certificate is no longer valid, or not yet.
        case expiredCertificate
        /// The server's certificate is another host's.
        case wrongHost
        /// The server wants a certificate of ours, or does not accept the one it got.
        case clientCertificate
        /// The proxy cannot be reached or refuses.
        case proxy
        /// The proxy wants to know who asks.
        case proxyUnauthorized
        /// What answers does not speak HTTP, or speaks it in plain text where TLS is expected.
        case notHTTP
        /// The connection broke on the way; the exchange may be tried again.
        case connectionLost
        /// Anything else.
        case other
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
