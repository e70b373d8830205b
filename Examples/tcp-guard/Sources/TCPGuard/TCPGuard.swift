// SPDX-License-Identifier: Apache-2.0

import ProxyWasm

/// Lets connections pass that begin as they should, and counts their bytes; made once for each configuration.
final class TCPGuard: NetworkPlugin {
    static var rootID: Bytes { "tcp_guard" }

    /// What a client may begin with.
    let allowed: [Bytes]
    let metrics: Metrics

    struct Metrics {
        let accepted: Counter
        let refused: Counter
        let received: Counter
        let sent: Counter

        init() throws(HostError) {
            accepted = try Counter("tcp_guard.accepted")
            refused = try Counter("tcp_guard.refused")
            received = try Counter("tcp_guard.received_bytes")
            sent = try Counter("tcp_guard.sent_bytes")
        }
    }

    init(configuration: PluginConfiguration) throws(ConfigurationError) {
        let json = try configuration.json()
        try json.allow("allow")
        var allowed: [Bytes] = []
        for element in try json["allow"].elements() {
            let prefix = try element.string()
            guard !prefix.isEmpty else { throw element.error("expected a text, found an empty one") }
            allowed.append(prefix)
        }
        guard !allowed.isEmpty else { throw json["allow"].error("expected at least one text") }
        self.allowed = allowed
        do throws(HostError) {
            metrics = try Metrics()
        } catch {
            throw ConfigurationError(error.message)
        }
    }

    func makeFilter(for connection: Connection) -> ConnectionGuard {
        ConnectionGuard(plugin: self)
    }

    /// Whether a connection that began with these bytes may pass; nil if that takes more of them.
    func verdict(on bytes: Bytes) -> Bool? {
        var isOpen = false
        for prefix in allowed {
            if bytes.hasPrefix(prefix) { return true }
            if prefix.hasPrefix(bytes) { isOpen = true }
        }
        return isOpen ? nil : false
    }
}

/// Watches one connection.
final class ConnectionGuard: NetworkFilter {
    private let plugin: TCPGuard
    private var isAccepted = false

    init(plugin: TCPGuard) {
        self.plugin = plugin
    }

    func onDownstreamData(_ data: ConnectionData) throws(HostError) -> Action {
        if isAccepted {
            try plugin.metrics.received.increment(by: UInt64(data.count))
            return .continue
        }
        switch plugin.verdict(on: try data.bytes) {
        case true:
            isAccepted = true
            try plugin.metrics.accepted.increment()
            // With what was kept before, which is counted only here.
            try plugin.metrics.received.increment(by: UInt64(data.count))
            return .continue
        case nil where !data.isEndOfStream:
            // The proxy keeps the bytes, and shows them again with the next.
            return .pause
        default:
            try plugin.metrics.refused.increment()
            try data.stream.close()
            return .pause
        }
    }

    func onUpstreamData(_ data: ConnectionData) throws(HostError) -> Action {
        try plugin.metrics.sent.increment(by: UInt64(data.count))
        return .continue
    }
}
