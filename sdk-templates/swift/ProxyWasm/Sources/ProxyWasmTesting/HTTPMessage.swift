// SPDX-License-Identifier: Apache-2.0

public import ProxyWasm

/// A request or a response that a test sends into an exchange.
public struct HTTPMessage: Hashable, Sendable {
    /// The headers, pseudo-headers among them.
    public var headers: Headers
    /// The body, in the chunks in which it arrives.
    public var body: [Bytes]
    /// The trailers, if there are any.
    public var trailers: Headers?

    /// Puts a message together.
    public init(headers: Headers, body: [Bytes] = [], trailers: Headers? = nil) {
        self.headers = headers
        self.body = body
        self.trailers = trailers
    }

    /// A request as most tests want one.
    public static func request(
        _ method: Bytes = "GET", _ path: Bytes = "/", headers: [HeaderField] = [], body: [Bytes] = [],
        trailers: Headers? = nil
    ) -> HTTPMessage {
        let pseudo = [
            HeaderField(":method", method), HeaderField(":scheme", "http"),
            HeaderField(":authority", "localhost"), HeaderField(":path", path),
        ]
        return HTTPMessage(headers: Headers(pseudo + headers), body: body, trailers: trailers)
    }

    /// A response as most tests want one.
    public static func response(
        _ status: UInt32 = 200, headers: [HeaderField] = [], body: [Bytes] = [], trailers: Headers? = nil
    ) -> HTTPMessage {
        let status = HeaderField(":status", Bytes(status))
        return HTTPMessage(headers: Headers([status] + headers), body: body, trailers: trailers)
    }
}

/// What the server or the client of an exchange has received so far.
public struct ReceivedMessage: Hashable, Sendable {
    /// The headers, or nil if none have arrived.
    public internal(set) var headers: Headers?
    /// The body, in the chunks in which it arrived.
    public internal(set) var chunks: [Bytes] = []
    /// The trailers, if any have arrived.
    public internal(set) var trailers: Headers?
    /// Whether the end has arrived.
    public internal(set) var isComplete = false
    /// Whether the stream was broken off.
    public internal(set) var isReset = false

    /// The body as a whole.
    public var body: Bytes {
        guard chunks.count != 1 else { return chunks[0] }
        return chunks.reduce("" as Bytes) { "\($0)\($1)" }
    }

    /// The status code of a response.
    public var status: Int? { headers?[":status"]?.integer() }

    /// The path of a request.
    public var path: Bytes? { headers?[":path"] }

    /// The value of a header, or nil.
    public subscript(_ name: Bytes) -> Bytes? { headers?[name] }

    mutating func receive(_ headers: Headers, _ end: Bool) {
        self.headers = headers
        isComplete = end
    }

    mutating func receive(_ bytes: [UInt8], _ end: Bool) {
        if !bytes.isEmpty { chunks.append(Bytes(bytes)) }
        isComplete = end
    }

    mutating func receive(trailers: Headers) {
        self.trailers = trailers
        isComplete = true
    }
}

extension ReceivedMessage: CustomStringConvertible {
    /// All of it as text, and what became of it.
    public var description: String {
        guard let headers else { return isReset ? "(reset)" : "(nothing)" }
        var lines = [headers.description]
        if !chunks.isEmpty { lines.append("\n\(body)") }
        if let trailers { lines.append("\n\(trailers)") }
        if isReset { lines.append("(reset)") } else if !isComplete { lines.append("(incomplete)") }
        return lines.joined(separator: "\n")
    }
}
