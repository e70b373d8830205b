// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI

/// One exchange of a request and its response.
public struct HTTPStream: ProxyContext, Hashable {
    /// The number under which the proxy knows this exchange; unique among those that are open.
    public let id: UInt32

    init(id: UInt32) {
        self.id = id
    }

    /// The headers of the request.
    ///
    /// Envoy offers them until the request has passed this filter, and again in `onLog`. What you need in between, such
    /// as the path while the response arrives, keep in the filter.
    public var requestHeaders: HeaderMap { HeaderMap(.requestHeaders, of: id) }

    /// The trailers of the request, while `onRequestTrailers` runs or is paused.
    public var requestTrailers: HeaderMap { HeaderMap(.requestTrailers, of: id) }

    /// The headers of the response, from its arrival until it has passed this filter, and again in `onLog`.
    public var responseHeaders: HeaderMap { HeaderMap(.responseHeaders, of: id) }

    /// The trailers of the response, while `onResponseTrailers` runs or is paused, and in `onLog`.
    public var responseTrailers: HeaderMap { HeaderMap(.responseTrailers, of: id) }

    /// Lets a request go on that a callback has paused.
    ///
    /// A callback of the request itself lets it go on by what it returns; Envoy does not survive being told there.
    public func resumeRequest() throws(HostError) {
        try refuse(.request, "resume a request in its own callback")
        try continueStream(.request, of: id)
    }

    /// Lets a response go on that a callback has paused.
    ///
    /// A callback of the response itself lets it go on by what it returns; Envoy does not survive being told there.
    public func resumeResponse() throws(HostError) {
        try refuse(.response, "resume a response in its own callback")
        try continueStream(.response, of: id)
    }

    /// Ends the exchange at once, without an answer: the client sees the stream reset or the connection closed.
    public func reset() throws(HostError) {
        try closeStream(.request, of: id)
    }

    /// Answers the request from here; return the result from the callback.
    ///
    /// The response passes the filters, this one included, on its way back. If the server's response has gone on
    /// already, it is too late: Envoy then breaks the stream off. `details` shows in the access log as the
    /// response code details. `grpcStatus` is what a gRPC client is told, if it is not to follow from `status`.
    @discardableResult
    public func respond(
        status: UInt32,
        headers: [HeaderField] = [],
        body: Bytes = "",
        details: Bytes = "",
        grpcStatus: GRPCStatus? = nil
    ) throws(HostError) -> Action {
        try respond(
            status: status, headerList: try HeaderList.validated(headers, "respond with header"), body: body,
            details: details, grpcStatus: grpcStatus)
    }

    @inline(never)
    private func respond(
        status: UInt32, headerList: Bytes, body: Bytes, details: Bytes, grpcStatus: GRPCStatus?
    ) throws(HostError) -> Action {
        // Envoy 1.40 would call the filter for its own answer, and so on until its stack ends.
        try refuse(.log, "answer a request that is over")
        try activate(id)
        let result = details.withUnsafeBytes { details in
            body.withUnsafeBytes { body in
                headerList.withUnsafeBytes { headers in
                    proxy_send_local_response(
                        status,
                        details.baseAddress,
                        details.count,
                        body.baseAddress,
                        body.count,
                        headers.baseAddress,
                        headers.count,
                        grpcStatus.map { Int32(bitPattern: $0.rawValue) } ?? -1
                    )
                }
            }
        }
        try Host.check(result, "respond")
        return .pause
    }

    /// Throws in a callback in which the host must not be asked for this.
    private func refuse(_ phase: Phase, _ operation: Bytes) throws(HostError) {
        if isRunning(phase, of: id) { throw HostError(operation, .badArgument) }
    }

    /// What a filter does by default when it fails: logs the error and answers with status 500.
    func fail(_ error: HostError) -> Action {
        Log.error(error.message)
        do throws(HostError) {
            return try respond(
                status: 500, headerList: "", body: "", details: "wasm_filter_error", grpcStatus: nil)
        } catch {
            Log.error(error.message)
            return .pause
        }
    }
}

/// Proxy-Wasm 0.2.1, "Stream types".
enum StreamKind: UInt32 {
    case request = 0
    case response = 1
    case downstream = 2
    case upstream = 3
}

func continueStream(_ kind: StreamKind, of id: UInt32) throws(HostError) {
    try module.activate(id)
    try Host.check(proxy_continue_stream(kind.rawValue), "resume")
}

func closeStream(_ kind: StreamKind, of id: UInt32) throws(HostError) {
    try module.activate(id)
    try Host.check(proxy_close_stream(kind.rawValue), "close")
}

/// A request whose headers have arrived.
public struct HTTPRequest: Sendable {
    /// The exchange that this request began.
    public let stream: HTTPStream

    /// Whether no body and no trailers follow.
    public let isEndOfStream: Bool

    /// The headers.
    public var headers: HeaderMap { stream.requestHeaders }

    /// The method, such as "GET".
    public var method: Bytes? {
        get throws(HostError) { try headers.get(":method") }
    }

    /// The path and query.
    public var path: Bytes? {
        get throws(HostError) { try headers.get(":path") }
    }

    /// The host, and the port if it was given.
    public var authority: Bytes? {
        get throws(HostError) { try headers.get(":authority") }
    }

    /// Answers the request without sending it on; return the result from the callback.
    public func respond(
        status: UInt32,
        headers: [HeaderField] = [],
        body: Bytes = "",
        details: Bytes = "",
        grpcStatus: GRPCStatus? = nil
    ) throws(HostError) -> Action {
        try stream.respond(
            status: status, headers: headers, body: body, details: details, grpcStatus: grpcStatus)
    }
}

/// A response whose headers have arrived.
public struct HTTPResponse: Sendable {
    /// The exchange that this response ends.
    public let stream: HTTPStream

    /// Whether no body and no trailers follow.
    public let isEndOfStream: Bool

    /// The headers.
    public var headers: HeaderMap { stream.responseHeaders }

    /// The status code.
    public var status: UInt32? {
        get throws(HostError) {
            guard let status = try headers.get(":status") else { return nil }
            return status.integer(as: UInt32.self)
        }
    }
}

/// Trailers that have arrived; they end the request or the response.
public struct HTTPTrailers: Sendable {
    /// The exchange.
    public let stream: HTTPStream

    /// The trailers themselves.
    public let fields: HeaderMap
}

/// HTTP/2 metadata that has arrived.
public struct HTTPMetadata: Sendable {
    /// The exchange.
    public let stream: HTTPStream

    /// How many elements there are.
    public let count: Int
}
