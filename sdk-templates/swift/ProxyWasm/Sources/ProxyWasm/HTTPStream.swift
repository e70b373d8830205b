// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI

/// What the proxy does after a callback.
public enum Action: UInt32, Sendable {
    /// Goes on to the next filter.
    case `continue` = 0
    /// Waits, until the filter resumes the stream or has answered it.
    case pause = 1
}

/// One exchange of a request and its response.
public struct HTTPStream: Hashable, Sendable {
    /// The number under which the proxy knows this exchange; unique among those that are open.
    public let id: UInt32

    init(id: UInt32) {
        self.id = id
    }

    /// The headers of the request.
    ///
    /// Envoy offers them until the request has passed this filter, and again in `onLog`. What you need in between, such
    /// as the path while the response arrives, keep in the filter.
    public var requestHeaders: HeaderMap { HeaderMap(.requestHeaders) }

    /// The headers of the response, from its arrival until it has passed this filter, and again in `onLog`.
    public var responseHeaders: HeaderMap { HeaderMap(.responseHeaders) }

    /// Answers the request from here; return the result from the callback.
    ///
    /// The response passes the filters, this one included, on its way back. `details` shows in the access log as the
    /// response code details.
    @discardableResult
    public func respond(
        status: UInt32,
        headers: [HeaderField] = [],
        body: Bytes = "",
        details: Bytes = ""
    ) throws(HostError) -> Action {
        for field in headers {
            try validate(field, "respond with header")
        }
        let list = headers.isEmpty ? [] : HeaderList.encode(headers)
        let result = details.withUnsafeBytes { details in
            body.withUnsafeBytes { body in
                list.withUnsafeBufferPointer { list in
                    proxy_send_local_response(
                        status,
                        details.baseAddress,
                        details.count,
                        body.baseAddress,
                        body.count,
                        list.baseAddress,
                        list.count,
                        -1
                    )
                }
            }
        }
        try Host.check(result, "respond")
        return .pause
    }
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
        details: Bytes = ""
    ) throws(HostError) -> Action {
        try stream.respond(status: status, headers: headers, body: body, details: details)
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
