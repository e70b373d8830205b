// SPDX-License-Identifier: Apache-2.0

package import EnvoyControl
import FilterProxy

/// The server that a filter is tried in front of.
package struct Upstream: Hashable, Sendable, CustomStringConvertible {
    package let address: HostPort
    /// Whether it speaks TLS.
    package let isSecure: Bool
    /// The `Host` that requests go to it with: the port stands there unless it is the usual one.
    package let authority: String

    package var description: String { "\(isSecure ? "https" : "http")://\(authority)" }

    /// Reads `http://HOST[:PORT]` or `https://HOST[:PORT]`; `HOST:PORT` alone is the first.
    /// - Throws: `DevLoopError` with code `upstream`.
    package init(_ text: String) throws {
        var rest = text[...]
        let lowered = text.lowercased()
        isSecure = lowered.hasPrefix("https://")
        if let mark = text.firstRange(of: "://") {
            guard isSecure || lowered.hasPrefix("http://") else {
                throw Self.bad(text, "its scheme is neither http nor https")
            }
            rest = text[mark.upperBound...]
        }
        if rest.hasSuffix("/") { rest.removeLast() }
        guard !rest.contains(where: { "/?#".contains($0) }) else {
            throw Self.bad(text, "it has a path, and requests keep the path that the client asks for")
        }
        guard !rest.contains("@") else {
            throw Self.bad(text, "it has a user in it, and whoever asks sends its own credentials")
        }
        let usual: UInt16 = isSecure ? 443 : 80
        let hasPort = rest.last != "]" && rest.lastIndex(of: ":") != nil
        do {
            address = try HostPort(hasPort ? String(rest) : "\(rest):\(usual)")
        } catch {
            throw Self.bad(text, "\"\(rest)\" is no host with or without a port")
        }
        guard address.port != 0 else { throw Self.bad(text, "nothing listens on port 0") }
        let host = address.host.contains(":") ? "[\(address.host)]" : address.host
        authority = address.port == usual ? host : address.description
    }

    private static func bad(_ text: String, _ reason: String) -> DevLoopError {
        // A password is nothing to print.
        let shown = text.lastIndex(of: "@").map { "...\(text[$0...])" } ?? text
        return DevLoopError(
            .upstream, "\"\(shown)\" is not the address of a server: \(reason)",
            hint: "write http://host, https://host or either with a port, as in http://127.0.0.1:3000")
    }

    /// The server as Envoy is to know it.
    func cluster(_ name: String) -> ProxyCluster {
        var cluster = ProxyCluster(name, .port(address))
        // A name for the certificate to be chosen by; an address is none (RFC 6066, section 3).
        if isSecure { cluster.serverName = address.isIPAddress ? "" : address.host }
        return cluster
    }
}
