// SPDX-License-Identifier: Apache-2.0

/// What a module does with every exchange in the same way: nothing is kept from one callback to the next.
///
/// Its callbacks are static functions, written as those of an ``HTTPFilter``. There is no instance for each exchange, no
/// plugin and no configuration: the module consists of what the callbacks do, and exports nothing else to the proxy.
/// It is registered with ``register(stateless:)``.
public protocol StatelessHTTPFilter {
    /// What ``onRequestHeaders(_:)`` returns: ``Action``.
    associatedtype RequestHeadersResult: CallbackResult = Unhandled
    /// The headers of the request have arrived.
    static func onRequestHeaders(_ request: HTTPRequest) throws(HostError) -> RequestHeadersResult

    /// What ``onRequestBody(_:)`` returns: ``Action`` or ``BodyAction``.
    associatedtype RequestBodyResult: BodyCallbackResult = Unhandled
    /// A part of the request's body has arrived, and waits with what was kept of it before.
    static func onRequestBody(_ body: HTTPBody) throws(HostError) -> RequestBodyResult

    /// What ``onRequestTrailers(_:)`` returns: ``Action``.
    associatedtype RequestTrailersResult: CallbackResult = Unhandled
    /// The trailers of the request have arrived; a request without trailers ends with its body.
    static func onRequestTrailers(_ trailers: HTTPTrailers) throws(HostError) -> RequestTrailersResult

    /// What ``onResponseHeaders(_:)`` returns: ``Action``.
    associatedtype ResponseHeadersResult: CallbackResult = Unhandled
    /// The headers of the response have arrived.
    static func onResponseHeaders(_ response: HTTPResponse) throws(HostError) -> ResponseHeadersResult

    /// What ``onResponseBody(_:)`` returns: ``Action`` or ``BodyAction``.
    associatedtype ResponseBodyResult: BodyCallbackResult = Unhandled
    /// A part of the response's body has arrived, and waits with what was kept of it before.
    static func onResponseBody(_ body: HTTPBody) throws(HostError) -> ResponseBodyResult

    /// What ``onResponseTrailers(_:)`` returns: ``Action``.
    associatedtype ResponseTrailersResult: CallbackResult = Unhandled
    /// The trailers of the response have arrived; a response without trailers ends with its body.
    static func onResponseTrailers(_ trailers: HTTPTrailers) throws(HostError) -> ResponseTrailersResult

    /// What ``onLog(_:)`` returns: nothing.
    associatedtype LogResult = Unhandled
    /// The exchange is over and may be logged; headers and properties can still be read.
    static func onLog(_ stream: HTTPStream) throws(HostError) -> LogResult

    /// A callback has thrown. The default logs the error and answers with status 500, so that a filter that fails lets
    /// nothing pass; return `.continue` to let the exchange go on.
    static func onError(_ error: HostError, in stream: HTTPStream) -> Action
}

extension StatelessHTTPFilter {
    /// Not handled: lets the request pass.
    public static func onRequestHeaders(_ request: HTTPRequest) throws(HostError) -> Unhandled { Unhandled() }

    /// Not handled: lets the body pass.
    public static func onRequestBody(_ body: HTTPBody) throws(HostError) -> Unhandled { Unhandled() }

    /// Not handled: lets the trailers pass.
    public static func onRequestTrailers(_ trailers: HTTPTrailers) throws(HostError) -> Unhandled {
        Unhandled()
    }

    /// Not handled: lets the response pass.
    public static func onResponseHeaders(_ response: HTTPResponse) throws(HostError) -> Unhandled {
        Unhandled()
    }

    /// Not handled: lets the body pass.
    public static func onResponseBody(_ body: HTTPBody) throws(HostError) -> Unhandled { Unhandled() }

    /// Not handled: lets the trailers pass.
    public static func onResponseTrailers(_ trailers: HTTPTrailers) throws(HostError) -> Unhandled {
        Unhandled()
    }

    /// Not handled: logs nothing.
    public static func onLog(_ stream: HTTPStream) throws(HostError) -> Unhandled { Unhandled() }

    /// Logs the error and answers with status 500.
    public static func onError(_ error: HostError, in stream: HTTPStream) -> Action {
        stream.fail(error)
    }
}
