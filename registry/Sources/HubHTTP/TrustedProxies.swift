// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes

/// Proxies whose word is taken about whom they speak for.
package struct TrustedProxies: Hashable, Sendable {
    /// Where a proxy says it.
    ///
    /// Only one place counts: what the proxy does not write itself it passes on, whoever wrote it.
    package enum Header: String, CaseIterable, Sendable {
        case xForwardedFor = "X-Forwarded-For"
        /// RFC 7239.
        case forwarded = "Forwarded"
    }

    package var ranges: [AddressRange]
    package var header: Header

    package init(_ ranges: [AddressRange] = [], header: Header = .xForwardedFor) {
        self.ranges = ranges
        self.header = header
    }

    /// Whether the other end of a connection is one.
    package func contain(_ peer: String?) -> Bool {
        guard !ranges.isEmpty, let address = peer.flatMap({ IPAddress($0) }) else { return false }
        return contain(address)
    }

    private func contain(_ address: IPAddress) -> Bool { ranges.contains { $0.contains(address) } }

    /// Where a request came from: the last address on its way that is no proxy of ours.
    ///
    /// What stands before that one was written by somebody who is not trusted.
    package func client(of peer: String?, _ headers: HTTPFields) -> String? {
        guard contain(peer) else { return peer }
        var client = peer
        for text in hops(headers).reversed() {
            guard let address = Self.address(text) else { return client }
            client = address.description
            if !contain(address) { return client }
        }
        return client
    }

    /// The scheme that the client used; nil if no trusted proxy says so.
    package func scheme(of peer: String?, _ headers: HTTPFields) -> String? {
        guard contain(peer) else { return nil }
        let value =
            switch header {
            case .xForwardedFor: headers[.xForwardedProto]?.split(separator: ",").last.map(String.init)
            case .forwarded: elements(headers).last.flatMap { Self.value("proto", in: $0) }
            }
        let scheme = value?.lowercased().filter { !$0.isWhitespace }
        return scheme == "https" || scheme == "http" ? scheme : nil
    }

    private func hops(_ headers: HTTPFields) -> [String] {
        switch header {
        case .xForwardedFor:
            headers[values: .xForwardedFor].flatMap { $0.split(separator: ",").map(String.init) }
        case .forwarded: elements(headers).map { Self.value("for", in: $0) ?? "unknown" }
        }
    }

    private func elements(_ headers: HTTPFields) -> [Substring] {
        headers[values: .forwarded].flatMap { $0.split(separator: ",") }
    }

    /// A parameter of an element (RFC 7239 §4).
    private static func value(_ name: String, in element: Substring) -> String? {
        for pair in element.split(separator: ";") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[0].filter({ !$0.isWhitespace }).lowercased() == name else {
                continue
            }
            return parts[1].filter { !$0.isWhitespace && $0 != "\"" }
        }
        return nil
    }

    /// An address that may have a port, and then has brackets if it is one of IPv6 (RFC 7239 §6).
    private static func address(_ text: String) -> IPAddress? {
        let text = text.filter { !$0.isWhitespace && $0 != "\"" }
        if text.hasPrefix("[") { return IPAddress(text.dropFirst().prefix { $0 != "]" }) }
        return text.filter { $0 == ":" }.count == 1 ? IPAddress(text.prefix { $0 != ":" }) : IPAddress(text)
    }
}
