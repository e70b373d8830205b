// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// Where something listens: `127.0.0.1:8080`, `[::1]:8080` or `backend.local:80`.
package struct HostPort: Hashable, Sendable, CustomStringConvertible {
    /// Host name or address; an IPv6 address without its brackets.
    package let host: String
    /// TCP port; 0 asks the system for a free one.
    package let port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `HOST:PORT`.
    /// - Throws: `EnvoyError` with code `address`.
    package init(_ text: some StringProtocol) throws {
        let bad = EnvoyError(
            .address, "\"\(text)\" is not an address of the form HOST:PORT",
            hint: "as in 127.0.0.1:8080, [::1]:8080 or backend.local:80")
        guard let colon = text.lastIndex(of: ":") else { throw bad }
        let digits = text[text.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = UInt16(digits)
        else { throw bad }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
            guard Self.isIPv6(host) else { throw bad }
        } else {
            let isName = host.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                    || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
            }
            guard !host.isEmpty, isName else { throw bad }
        }
        self.init(host: host, port: port)
    }

    /// Reads the address of an admin interface as people have it at hand: `127.0.0.1:9901`, `:9901` for this machine, or a URL.
    /// - Throws: `EnvoyError` with code `address`.
    package init(admin text: some StringProtocol) throws {
        var rest = Substring(text)
        if let scheme = rest.firstRange(of: "://") {
            guard rest[..<scheme.lowerBound].lowercased() == "http" else {
                throw EnvoyError(
                    .address,
                    "\"\(text)\" is not an admin address: Envoy's admin interface speaks plain http",
                    hint: "as in http://127.0.0.1:9901 or 127.0.0.1:9901")
            }
            rest = rest[scheme.upperBound...]
            if let slash = rest.firstIndex(of: "/") {
                guard rest[slash...] == "/" else {
                    throw EnvoyError(
                        .address, "\"\(text)\" has a path, and an admin address has none",
                        hint: "as in http://127.0.0.1:9901 or 127.0.0.1:9901")
                }
                rest = rest[..<slash]
            }
            if !rest.hasSuffix("]"), !rest.contains(":") { rest += ":80" }
        }
        try self.init(rest.hasPrefix(":") ? "127.0.0.1" + rest : rest)
    }

    /// Whether the host is an address, which needs no name service.
    package var isIPAddress: Bool {
        var address = in_addr()
        return inet_pton(AF_INET, host, &address) == 1 || Self.isIPv6(host)
    }

    private static func isIPv6(_ host: String) -> Bool {
        var address = in6_addr()
        return inet_pton(AF_INET6, host, &address) == 1
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
