// SPDX-License-Identifier: Apache-2.0

#if arch(wasm32)
    public import CProxyWasmABI
#else
    internal import CProxyWasmABI
#endif

/// An answer to an HTTP call, to be read in the closure that it was handed to.
public struct HTTPCallResponse: Sendable {
    /// The headers.
    public let headers: HeaderMap

    /// The trailers.
    public let trailers: HeaderMap

    /// How many bytes the body has.
    public let bodySize: Int

    /// The status code.
    public var status: UInt32? {
        get throws(HostError) { try headers.get(":status")?.integer(as: UInt32.self) }
    }

    /// The whole body.
    public var body: Bytes {
        get throws(HostError) { try BufferKind.callResponseBody.bytes(from: 0, count: bodySize) }
    }
}

/// Why an HTTP call has no answer: the service cannot be reached, has broken off, or has taken too long.
///
/// Envoy turns some of this into an answer of its own with status 503 or 504.
public struct HTTPCallFailure: Error, Hashable, Sendable {
    init() {}
}

extension ProxyContext {
    /// Sends a request to a cluster of the proxy, and calls `completion` with the answer.
    ///
    /// Pause the stream, and resume or answer it in the closure. If the stream ends first, the closure is released and
    /// never called. What the closure throws goes to `onError` of the filter.
    ///
    /// ":method", ":path" and ":authority" must be among the headers. If one is missing, or the proxy has no such cluster,
    /// this throws ``HostError/Status/badArgument``.
    @_alwaysEmitIntoClient
    public func httpCall(
        to cluster: Bytes,
        headers: [HeaderField],
        body: Bytes = "",
        trailers: [HeaderField] = [],
        timeoutMilliseconds: UInt32 = 5000,
        completion: @escaping (Result<HTTPCallResponse, HTTPCallFailure>) throws(HostError) -> Void
    ) throws(HostError) {
        #if arch(wasm32)
            proxy_wasm_export_on_http_call_response()
        #endif
        try startHTTPCall(id, cluster, headers, body, trailers, timeoutMilliseconds, completion)
    }
}

@usableFromInline
func startHTTPCall(
    _ id: UInt32,
    _ cluster: Bytes,
    _ headers: [HeaderField],
    _ body: Bytes,
    _ trailers: [HeaderField],
    _ timeout: UInt32,
    _ completion: @escaping (Result<HTTPCallResponse, HTTPCallFailure>) throws(HostError) -> Void
) throws(HostError) {
    let headers = try HeaderList.validated(headers, "call with header")
    let trailers = try HeaderList.validated(trailers, "call with trailer")
    try activateForCall(id)
    var token: UInt32 = 0
    let status = cluster.withUnsafeBytes { cluster in
        headers.withUnsafeBytes { headers in
            body.withUnsafeBytes { body in
                trailers.withUnsafeBytes { trailers in
                    proxy_http_call(
                        cluster.baseAddress, cluster.count, headers.baseAddress, headers.count,
                        body.baseAddress, body.count, trailers.baseAddress, trailers.count, timeout, &token)
                }
            }
        }
    }
    guard status == PROXY_WASM_STATUS_OK else {
        throw HostError("call cluster \"\(cluster)\"", HostError.Status(rawValue: status))
    }
    module.addCall(.http, token, of: id) { (event) throws(HostError) in
        guard case .httpResponse(let count, let bodySize, _) = event else { return }
        // No headers at all is how the ABI says that the call has failed.
        guard count > 0 else { return try completion(.failure(HTTPCallFailure())) }
        let response = HTTPCallResponse(
            headers: HeaderMap(.callResponseHeaders, of: id),
            trailers: HeaderMap(.callResponseTrailers, of: id),
            bodySize: bodySize)
        try completion(.success(response))
    }
}
