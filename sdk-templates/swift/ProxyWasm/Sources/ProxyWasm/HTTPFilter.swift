// SPDX-License-Identifier: Apache-2.0

/// What a plugin does with one exchange; a new instance is made for each.
///
/// Write the callbacks you need, with the signatures below: `-> Action` for headers and trailers, `-> Action` or
/// `-> BodyAction` for bodies. The others have defaults that let the exchange pass, and cost nothing, because the module
/// does not even export them. A callback may throw what the host answered: see ``onError(_:in:)``.
public protocol HTTPFilter: AnyObject {
    /// What ``onRequestHeaders(_:)`` returns: ``Action``.
    associatedtype RequestHeadersResult: CallbackResult = Unhandled
    /// The headers of the request have arrived.
    func onRequestHeaders(_ request: HTTPRequest) throws(HostError) -> RequestHeadersResult

    /// What ``onRequestBody(_:)`` returns: ``Action`` or ``BodyAction``.
    associatedtype RequestBodyResult: BodyCallbackResult = Unhandled
    /// A part of the request's body has arrived, and waits with what was kept of it before.
    func onRequestBody(_ body: HTTPBody) throws(HostError) -> RequestBodyResult

    /// What ``onRequestTrailers(_:)`` returns: ``Action``.
    associatedtype RequestTrailersResult: CallbackResult = Unhandled
    /// The trailers of the request have arrived; a request without trailers ends with its body.
    func onRequestTrailers(_ trailers: HTTPTrailers) throws(HostError) -> RequestTrailersResult

    /// What ``onRequestMetadata(_:)`` returns: ``Action``.
    associatedtype RequestMetadataResult: CallbackResult = Unhandled
    /// An HTTP/2 METADATA frame has come with the request; the ABI has no way to look into it.
    func onRequestMetadata(_ metadata: HTTPMetadata) throws(HostError) -> RequestMetadataResult

    /// What ``onResponseHeaders(_:)`` returns: ``Action``.
    associatedtype ResponseHeadersResult: CallbackResult = Unhandled
    /// The headers of the response have arrived.
    func onResponseHeaders(_ response: HTTPResponse) throws(HostError) -> ResponseHeadersResult

    /// What ``onResponseBody(_:)`` returns: ``Action`` or ``BodyAction``.
    associatedtype ResponseBodyResult: BodyCallbackResult = Unhandled
    /// A part of the response's body has arrived, and waits with what was kept of it before.
    func onResponseBody(_ body: HTTPBody) throws(HostError) -> ResponseBodyResult

    /// What ``onResponseTrailers(_:)`` returns: ``Action``.
    associatedtype ResponseTrailersResult: CallbackResult = Unhandled
    /// The trailers of the response have arrived; a response without trailers ends with its body.
    func onResponseTrailers(_ trailers: HTTPTrailers) throws(HostError) -> ResponseTrailersResult

    /// What ``onResponseMetadata(_:)`` returns: ``Action``.
    associatedtype ResponseMetadataResult: CallbackResult = Unhandled
    /// An HTTP/2 METADATA frame has come with the response; the ABI has no way to look into it.
    func onResponseMetadata(_ metadata: HTTPMetadata) throws(HostError) -> ResponseMetadataResult

    /// What ``onDone(_:)`` returns: whether the exchange may end.
    associatedtype DoneResult: DoneCallbackResult = Unhandled
    /// The exchange is over; return false to keep it open until you call ``ProxyContext/done()``.
    func onDone(_ stream: HTTPStream) -> DoneResult

    /// What ``onLog(_:)`` returns: nothing.
    associatedtype LogResult = Unhandled
    /// The exchange is over and may be logged; headers and properties can still be read.
    func onLog(_ stream: HTTPStream) throws(HostError) -> LogResult

    /// The last call: the filter is released after it, and with it the closures that wait for answers.
    func onDelete(_ stream: HTTPStream)

    /// A callback has thrown, or a closure that waited for an answer. The default logs the error and answers with
    /// status 500, so that a filter that fails lets nothing pass; return `.continue` to let the exchange go on.
    func onError(_ error: HostError, in stream: HTTPStream) -> Action
}

extension HTTPFilter {
    /// Not handled: lets the request pass.
    public func onRequestHeaders(_ request: HTTPRequest) throws(HostError) -> Unhandled { Unhandled() }

    /// Not handled: lets the body pass.
    public func onRequestBody(_ body: HTTPBody) throws(HostError) -> Unhandled { Unhandled() }

    /// Not handled: lets the trailers pass.
    public func onRequestTrailers(_ trailers: HTTPTrailers) throws(HostError) -> Unhandled { Unhandled() }

    /// Not handled: lets the metadata pass.
    public func onRequestMetadata(_ metadata: HTTPMetadata) throws(HostError) -> Unhandled { Unhandled() }

    /// Not handled: lets the response pass.
    public func onResponseHeaders(_ response: HTTPResponse) throws(HostError) -> Unhandled { Unhandled() }

    /// Not handled: lets the body pass.
    public func onResponseBody(_ body: HTTPBody) throws(HostError) -> Unhandled { Unhandled() }

    /// Not handled: lets the trailers pass.
    public func onResponseTrailers(_ trailers: HTTPTrailers) throws(HostError) -> Unhandled { Unhandled() }

    /// Not handled: lets the metadata pass.
    public func onResponseMetadata(_ metadata: HTTPMetadata) throws(HostError) -> Unhandled { Unhandled() }

    /// Not handled: agrees that the exchange is over.
    public func onDone(_ stream: HTTPStream) -> Unhandled { Unhandled() }

    /// Not handled: logs nothing.
    public func onLog(_ stream: HTTPStream) throws(HostError) -> Unhandled { Unhandled() }

    /// Does nothing.
    public func onDelete(_ stream: HTTPStream) {}

    /// Logs the error and answers with status 500.
    public func onError(_ error: HostError, in stream: HTTPStream) -> Action {
        stream.fail(error)
    }
}
