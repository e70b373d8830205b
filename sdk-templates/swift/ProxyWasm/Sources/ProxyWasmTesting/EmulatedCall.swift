// SPDX-License-Identifier: Apache-2.0

public import ProxyWasm

/// An HTTP call that the module has made and that waits for the test to answer it.
public final class EmulatedCall {
    /// The cluster that is called.
    public let cluster: Bytes
    /// The headers of the request, pseudo-headers among them.
    public let headers: Headers
    /// The body of the request.
    public let body: Bytes
    /// The trailers of the request.
    public let trailers: Headers
    /// After how many milliseconds the call fails; 0 for never.
    public let timeoutMilliseconds: UInt32
    let token: UInt32
    let plugin: ConfiguredPlugin
    var timer: Int?

    init(
        token: UInt32, plugin: ConfiguredPlugin, cluster: Bytes, headers: Headers, body: Bytes,
        trailers: Headers, timeoutMilliseconds: UInt32
    ) {
        self.token = token
        self.plugin = plugin
        self.cluster = cluster
        self.headers = headers
        self.body = body
        self.trailers = trailers
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    /// Whether nobody has answered yet.
    public var isPending: Bool { plugin.host.pendingCalls.contains { $0 === self } }

    /// Answers the call; a call that is answered already stays as it is.
    public func respond(
        status: UInt32 = 200, headers: Headers = [:], body: Bytes = "", trailers: Headers = [:]
    ) {
        var all = Headers([HeaderField(":status", Bytes(status))])
        all.fields += headers.fields
        answer(HostEmulator.Answering(headers: all, body: Array(body), trailers: trailers))
    }

    /// Has the call fail without an answer, as Envoy says when the response breaks off.
    ///
    /// A service that cannot be reached is an answer with status 503 in Envoy, and one that is too slow one with 504.
    public func fail() {
        answer(HostEmulator.Answering())
    }

    func timeOut() {
        let body: Bytes = "upstream request timeout"
        respond(
            status: 504, headers: ["content-length": Bytes(body.count), "content-type": "text/plain"],
            body: body)
    }

    private func answer(_ answer: HostEmulator.Answering) {
        let host = plugin.host
        host.turn {
            guard isPending else { return }
            if let timer { host.cancelTimer(timer) }
            host.pendingCalls.removeAll { $0 === self }
            host.answering = answer
            if answer.headers.fields.isEmpty { host.status = (11, "reset") }
            host.callAndWait(in: plugin) {
                $0.deliver(
                    plugin.id, .http, token,
                    .httpResponse(
                        headers: answer.headers.fields.count, bodySize: answer.body.count,
                        trailers: answer.trailers.fields.count))
            }
            host.answering = nil
            host.status.message = ""
        }
    }
}

extension EmulatedCall: CustomStringConvertible {
    /// The request as text.
    public var description: String {
        "call to \(cluster)\n\(headers)" + (body.isEmpty ? "" : "\n\n\(body)")
    }
}

extension HostEmulator {
    /// What the module can read while it is told of an answer.
    struct Answering {
        var headers = Headers()
        var body: [UInt8] = []
        var trailers = Headers()
        var initialMetadata: Headers?
        var trailingMetadata: Headers?
    }

    func startCall(
        _ plugin: ConfiguredPlugin, cluster: Bytes, headers: Headers, body: Bytes, trailers: Headers,
        timeout: UInt32, token: inout UInt32
    ) -> Status {
        guard Int32(bitPattern: timeout) >= 0, clusters?.contains(cluster) ?? true,
            headers[":path"] != nil, headers[":method"] != nil, headers[":authority"] != nil
        else { return .badArgument }
        var headers = headers
        if !body.isEmpty { headers.set("content-length", to: Bytes(body.count)) }
        token = nextToken(0)
        let call = EmulatedCall(
            token: token, plugin: plugin, cluster: cluster, headers: headers, body: body, trailers: trailers,
            timeoutMilliseconds: timeout)
        if timeout > 0 {
            call.timer = schedule(afterMilliseconds: UInt64(timeout)) { [weak call] in call?.timeOut() }
        }
        pendingCalls.append(call)
        return .ok
    }

    /// A token that tells by its low bits whether it is an HTTP call, a gRPC call or a gRPC stream, as in Envoy.
    func nextToken(_ kind: Int) -> UInt32 {
        lastToken[kind] += 4
        return lastToken[kind]
    }
}
