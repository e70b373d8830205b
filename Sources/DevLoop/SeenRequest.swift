// SPDX-License-Identifier: Apache-2.0

package import FilterProxy
package import OCI

/// A request that went through the filter, with all that came of it.
package struct SeenRequest: Hashable, Sendable {
    package let exchange: StreamExchange
    /// What was logged meanwhile; nil if that may belong to other requests.
    package var log: [FilterLogLine]?

    package init(_ exchange: StreamExchange, log: [FilterLogLine]?) {
        self.exchange = exchange
        self.log = log
    }

    private var request: StreamRecord.Message { exchange.before.request }

    package var method: String { request.header(":method") ?? "?" }
    package var path: String { request.header(":path") ?? "?" }
    package var authority: String { request.header(":authority") ?? "" }
    package var body: [UInt8] { request.body }
    /// Headers as the client sent them, without those that Envoy adds to each request.
    package var clientHeaders: [StreamRecord.Header] {
        request.headers.filter { !$0.name.hasPrefix(":") && !HeaderKinds.addedToRequests.contains($0.name) }
    }

    /// Why it cannot be sent again as it was; nil if it can.
    package var obstacle: String? {
        if request.isTruncated { return "its body is longer than what is kept" }
        if !request.trailers.isEmpty { return "it has trailers" }
        if method == "CONNECT" { return "it asks for a tunnel" }
        if request.headers.isEmpty { return "its headers were not seen" }
        return nil
    }

    /// The same for requests that are the same to whoever sent them.
    package var identity: Digest {
        var parts = [method, authority, path]
        parts += clientHeaders.filter { !HeaderKinds.ofConnections.contains($0.name) }
            .map { "\($0.name): \($0.value)" }.sorted()
        return Digest(of: Array(parts.joined(separator: "\n").utf8) + [0] + body)
    }

    /// Whether this may be what came of sending another one again.
    func repeats(_ other: SeenRequest) -> Bool {
        method == other.method && path == other.path && authority == other.authority && body == other.body
    }
}

/// Which headers say nothing of a filter.
enum HeaderKinds {
    /// Of one connection (RFC 9110, section 7.6.1), and of how a body is sent on it.
    static let ofConnections: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade",
        "content-length", "expect", "http2-settings",
    ]
    /// What Envoy adds to every request that passes it.
    static let addedToRequests: Set<String> = [
        "x-forwarded-proto", "x-request-id", "x-envoy-internal", "x-envoy-external-address",
        "x-envoy-expected-rq-timeout-ms",
    ]
    /// What changes from one response to the next.
    static let volatileInResponses: Set<String> = ["date", "x-envoy-upstream-service-time", "age"]

    static func isOfRequest(_ name: String) -> Bool {
        !addedToRequests.contains(name) && !ofConnections.contains(name)
    }

    static func isOfResponse(_ name: String) -> Bool {
        !volatileInResponses.contains(name) && !ofConnections.contains(name)
    }
}

/// The last requests that differ from each other, the oldest first.
package struct RequestHistory: Sendable {
    /// How many are kept.
    package let limit: Int
    package private(set) var requests: [SeenRequest] = []

    package init(limit: Int) { self.limit = limit }

    /// Takes in a request; one that is the same as another takes its place.
    package mutating func add(_ request: SeenRequest) {
        guard limit > 0 else { return }
        let identity = request.identity
        requests.removeAll { $0.identity == identity }
        requests.append(request)
        if requests.count > limit { requests.removeFirst(requests.count - limit) }
    }

    /// Puts what came of sending a request again in its place.
    package mutating func replace(_ old: SeenRequest, with new: SeenRequest) {
        guard let index = requests.firstIndex(of: old) else { return }
        requests[index] = new
    }
}
