// SPDX-License-Identifier: Apache-2.0

import ProxyWasm

/// Replaces a text in bodies; made once for each configuration.
final class BodyTransform: HTTPPlugin {
    static var rootID: Bytes { "body_transform" }

    let request: Replacement?
    let response: Replacement?

    init(configuration: PluginConfiguration) throws(ConfigurationError) {
        let json = try configuration.json()
        try json.allow("request", "response")
        request = json["request"].exists ? try Replacement(json["request"]) : nil
        response = json["response"].exists ? try Replacement(json["response"]) : nil
    }

    func makeFilter(for stream: HTTPStream) -> BodyFilter {
        BodyFilter(plugin: self)
    }
}

/// Changes the bodies of one request and its response.
final class BodyFilter: HTTPFilter {
    private var request: BodyRewriter
    private var response: BodyRewriter

    init(plugin: BodyTransform) {
        request = BodyRewriter(plugin.request)
        response = BodyRewriter(plugin.response)
    }

    func onRequestHeaders(_ request: HTTPRequest) throws(HostError) -> Action {
        try self.request.begin(request.headers, isEndOfStream: request.isEndOfStream)
        return .continue
    }

    func onRequestBody(_ body: HTTPBody) throws(HostError) -> Action {
        try request.advance(body)
    }

    func onRequestTrailers(_ trailers: HTTPTrailers) throws(HostError) -> Action {
        try request.end()
        return .continue
    }

    func onResponseHeaders(_ response: HTTPResponse) throws(HostError) -> Action {
        try self.response.begin(response.headers, isEndOfStream: response.isEndOfStream)
        return .continue
    }

    func onResponseBody(_ body: HTTPBody) throws(HostError) -> Action {
        try response.advance(body)
    }

    func onResponseTrailers(_ trailers: HTTPTrailers) throws(HostError) -> Action {
        try response.end()
        return .continue
    }
}

/// Changes the body of one direction.
///
/// What has to wait is kept by the proxy, not here: `.pause` leaves the bytes in its buffer, and the next callback sees
/// them together with those that have come since. So its limits hold, and nothing is lost when trailers end the body.
struct BodyRewriter {
    private let replacement: Replacement?
    private var isActive = false
    /// What the proxy keeps; a body that ends with trailers has no callback of its own for the end.
    private var waiting: HTTPBody?

    init(_ replacement: Replacement?) {
        self.replacement = replacement
    }

    mutating func begin(_ headers: HeaderMap, isEndOfStream: Bool) throws(HostError) {
        // A text cannot be found in what is compressed.
        guard replacement != nil, !isEndOfStream, try headers.get("content-encoding") == nil else { return }
        isActive = true
        // The length will change, and only the headers that are still here can say so: without this one the body goes
        // on in chunks. They do not wait for the body, because Envoy would not show it to a filter that has them wait.
        try headers.remove("content-length")
    }

    mutating func advance(_ body: HTTPBody) throws(HostError) -> Action {
        guard isActive, let replacement else { return .continue }
        if replacement.mode == .buffered, !body.isEndOfStream { return wait(body) }
        let bytes = try body.bytes
        // What is looked for may go on in the next part: only then does this one wait for it.
        if !body.isEndOfStream, replacement.mayContinue(after: bytes) { return wait(body) }
        waiting = nil
        try change(body, bytes, replacement)
        return .continue
    }

    private mutating func wait(_ body: HTTPBody) -> Action {
        waiting = body
        return .pause
    }

    /// Trailers have ended the body.
    mutating func end() throws(HostError) {
        guard let replacement, let body = waiting else { return }
        waiting = nil
        try change(body, try body.bytes, replacement)
    }

    private func change(_ body: HTTPBody, _ bytes: Bytes, _ replacement: Replacement) throws(HostError) {
        if let changed = replacement.applied(to: bytes) { try body.replace(with: changed) }
    }
}
