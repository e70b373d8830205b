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
    }

    func onRequestBody(_ body: HTTPBody) throws(HostError) -> Action {
        try request.advance(body, body.stream.requestHeaders)
    }

    func onRequestTrailers(_ trailers: HTTPTrailers) throws(HostError) -> Action {
        try request.end(trailers.stream.requestHeaders)
    }

    func onResponseHeaders(_ response: HTTPResponse) throws(HostError) -> Action {
        try self.response.begin(response.headers, isEndOfStream: response.isEndOfStream)
    }

    func onResponseBody(_ body: HTTPBody) throws(HostError) -> Action {
        try response.advance(body, body.stream.responseHeaders)
    }

    func onResponseTrailers(_ trailers: HTTPTrailers) throws(HostError) -> Action {
        try response.end(trailers.stream.responseHeaders)
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

    mutating func begin(_ headers: HeaderMap, isEndOfStream: Bool) throws(HostError) -> Action {
        // A text cannot be found in what is compressed.
        guard let replacement, !isEndOfStream, try headers.get("content-encoding") == nil else {
            return .continue
        }
        isActive = true
        // The length will change. Without this header the body goes on in chunks.
        try headers.remove("content-length")
        // Headers that wait for the whole body can still be told its length.
        return replacement.mode == .buffered ? .pause : .continue
    }

    mutating func advance(_ body: HTTPBody, _ headers: HeaderMap) throws(HostError) -> Action {
        guard isActive, let replacement else { return .continue }
        waiting = body
        if body.isEndOfStream { return try end(headers) }
        switch replacement.mode {
        case .buffered:
            return .pause
        case .streaming:
            let bytes = try body.bytes
            // The text may go on in the next part: only then does this one wait for it.
            if replacement.mayContinue(after: bytes) { return .pause }
            try change(body, bytes, replacement)
            return .continue
        }
    }

    mutating func end(_ headers: HeaderMap) throws(HostError) -> Action {
        guard let replacement, let waiting else { return .continue }
        let bytes = try waiting.bytes
        let count = try change(waiting, bytes, replacement)
        if replacement.mode == .buffered {
            try headers.set("content-length", to: "\(count)")
        }
        return .continue
    }

    /// Writes the body back if it has changed, and says how long it is.
    @discardableResult
    private mutating func change(
        _ body: HTTPBody, _ bytes: Bytes, _ replacement: Replacement
    ) throws(HostError) -> Int {
        waiting = nil
        guard let changed = replacement.applied(to: bytes) else { return bytes.count }
        try body.replace(with: changed)
        return changed.count
    }
}
