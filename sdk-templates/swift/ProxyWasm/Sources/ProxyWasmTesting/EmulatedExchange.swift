// SPDX-License-Identifier: Apache-2.0

public import ProxyWasm

/// An exchange between an emulated client and server, with the filter in between.
///
/// It goes as in Envoy, whose behaviour a table of scenarios holds this to: what the filter pauses holds back all that
/// follows, what it answers itself passes its own response callbacks, and what it can reach it can reach here.
public final class EmulatedExchange {
    /// A response that the filter has sent itself.
    public struct LocalResponse: Hashable, Sendable {
        /// The status code.
        public let status: UInt32
        /// The headers, ":status" among them.
        public let headers: Headers
        /// The body.
        public let body: Bytes
        /// What the access log shows as the response code details.
        public let details: Bytes
        /// The gRPC status, if one was given.
        public let grpcStatus: GRPCStatus?
    }

    /// What has become of an exchange.
    public enum Outcome: Hashable, Sendable {
        /// The client has the whole response.
        case complete
        /// The stream was broken off.
        case reset
        /// The filter holds the request.
        case requestPaused
        /// The filter holds the response.
        case responsePaused
        /// The request, or the response, has not arrived in full.
        case open
    }

    /// What the server has received.
    public internal(set) var request = ReceivedMessage()

    /// What the client has received.
    public internal(set) var response = ReceivedMessage()

    /// The response that the filter has sent itself, if it has; the last, if several.
    public internal(set) var localResponse: LocalResponse?

    /// Why the response is what it is, as the access log of Envoy would say.
    public internal(set) var responseDetails: Bytes?

    /// Whether the exchange is over, and the filter for it is gone.
    public internal(set) var hasEnded = false

    let id: UInt32
    let plugin: ConfiguredPlugin
    let host: HostEmulator
    private(set) lazy var requestFlow = makeFlow()
    private(set) lazy var responseFlow = makeFlow()
    var isLogging = false
    /// The response that the server gives as soon as it has the request.
    var serverResponse: HTTPMessage?
    /// Properties that the module has set, below "wasm." in Envoy.
    var state: [Bytes: Bytes] = [:]
    /// How many bytes have arrived, for the properties that say so.
    var requestSize = 0
    var responseSize = 0

    init(id: UInt32, plugin: ConfiguredPlugin, host: HostEmulator) {
        self.id = id
        self.plugin = plugin
        self.host = host
    }

    private func makeFlow() -> Flow {
        Flow(
            target: self, limit: host.bufferLimit,
            allowsBodyBehindPausedHeaders: host.allowsOnHeadersStopIteration)
    }

    /// What has become of the exchange so far.
    public var outcome: Outcome {
        if response.isReset { return .reset }
        if response.isComplete { return .complete }
        if responseFlow.isPaused { return .responsePaused }
        if requestFlow.isPaused { return .requestPaused }
        return .open
    }

    /// The headers of the request, as the filter left them.
    public var requestHeaders: Headers { request.headers ?? requestFlow.headers ?? [:] }

    /// The headers of the response, as the filter left them.
    public var responseHeaders: Headers { response.headers ?? responseFlow.headers ?? [:] }

    /// How many bytes of the request's body the proxy keeps for the filter.
    public var keptRequestBytes: Int { requestFlow.keptCount }

    /// How many bytes of the response's body the proxy keeps for the filter.
    public var keptResponseBytes: Int { responseFlow.keptCount }

    /// Whether the proxy would stop reading from the client, because the filter keeps too much.
    public var holdsClientBack: Bool { requestFlow.holdsBack }

    /// Whether the proxy would stop reading from the server, because the filter keeps too much.
    public var holdsServerBack: Bool { responseFlow.holdsBack }

    // MARK: The client

    /// Sends the headers of the request to the filter; returns whether they have passed it.
    @discardableResult
    public func sendRequestHeaders(_ headers: Headers, endOfStream: Bool = true) -> Action {
        step {
            requestFlow.receive(headers: headers, end: endOfStream)
            return request.headers == nil ? .pause : .continue
        }
    }

    /// Sends a part of the request's body to the filter.
    public func sendRequestBody(_ bytes: Bytes, endOfStream: Bool = false) {
        step {
            requestSize += bytes.count
            requestFlow.receive(body: Array(bytes), end: endOfStream)
        }
    }

    /// Sends the trailers of the request to the filter.
    public func sendRequestTrailers(_ trailers: Headers) {
        step { requestFlow.receive(trailers: trailers) }
    }

    /// Sends the HTTP/2 METADATA of the request to the filter; the ABI has no way to look into it.
    public func sendRequestMetadata(count: Int = 1) {
        step { _ = host.call(in: self) { $0.onRequestMetadata(self.id, count) } }
    }

    /// The client goes away.
    public func disconnect() {
        step { reset() }
    }

    // MARK: The server

    /// Sends the headers of the response to the filter; returns whether they have passed it.
    @discardableResult
    public func sendResponseHeaders(_ headers: Headers, endOfStream: Bool = true) -> Action {
        step {
            guard localResponse == nil else { return .pause }
            responseFlow.receive(headers: headers, end: endOfStream)
            return response.headers == nil ? .pause : .continue
        }
    }

    /// Sends a part of the response's body to the filter.
    public func sendResponseBody(_ bytes: Bytes, endOfStream: Bool = false) {
        step {
            guard localResponse == nil else { return }
            responseSize += bytes.count
            responseFlow.receive(body: Array(bytes), end: endOfStream)
        }
    }

    /// Sends the trailers of the response to the filter.
    public func sendResponseTrailers(_ trailers: Headers) {
        step {
            guard localResponse == nil else { return }
            responseFlow.receive(trailers: trailers)
        }
    }

    /// Sends the HTTP/2 METADATA of the response to the filter; the ABI has no way to look into it.
    public func sendResponseMetadata(count: Int = 1) {
        step { _ = host.call(in: self) { $0.onResponseMetadata(self.id, count) } }
    }

    /// Sends a whole request, as Envoy's HTTP/1.1 codec does: the end of a body comes behind it.
    public func send(_ request: HTTPMessage) {
        let hasBody = !request.body.isEmpty || request.trailers != nil
        sendRequestHeaders(request.headers, endOfStream: !hasBody)
        for chunk in request.body { sendRequestBody(chunk) }
        if let trailers = request.trailers {
            sendRequestTrailers(trailers)
        } else if hasBody {
            sendRequestBody("", endOfStream: true)
        }
    }

    /// Sends a whole response, as Envoy's HTTP/1.1 codec does: the end of a body comes behind it.
    public func respond(_ response: HTTPMessage) {
        let hasBody = !response.body.isEmpty || response.trailers != nil
        sendResponseHeaders(response.headers, endOfStream: !hasBody)
        for chunk in response.body { sendResponseBody(chunk) }
        if let trailers = response.trailers {
            sendResponseTrailers(trailers)
        } else if hasBody {
            sendResponseBody("", endOfStream: true)
        }
    }

    /// Ends the exchange, if it has not come to its end by itself, and releases the filter.
    public func end() {
        step { finish() }
    }

    private func step<Result>(_ body: () -> Result) -> Result {
        host.turn(body)
    }
}

extension EmulatedExchange: CustomStringConvertible {
    /// What the server and the client have received, and what has become of the exchange.
    public var description: String {
        """
        exchange \(id): \(outcome)
        -- the server received:
        \(request)
        -- the client received:
        \(response)
        -- the log:
        \(host.log.suffix(20).map(\.description).joined(separator: "\n"))
        """
    }
}
