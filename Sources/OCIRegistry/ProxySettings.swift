// SPDX-License-Identifier: Apache-2.0

/// A proxy that requests go through; its description never shows its user and password.
package struct HTTPProxy: Hashable, Sendable, CustomStringConvertible {
    /// How it is spoken to; `socks5h` and `socks4a` leave it to the proxy to look names up.
    package enum Scheme: String, Sendable, CaseIterable {
        case http, https, socks4, socks4a, socks5, socks5h
    }

    package let scheme: Scheme
    /// Host and port.
    package let authority: String
    package let username: String?
    package let password: String?

    /// Parses `[scheme://][user[:password]@]host[:port]`, as proxy variables hold it; http is meant without a scheme.
    ///
    /// Nil for anything else.
    package init?(_ text: String) {
        var rest = text[...]
        var scheme = Scheme.http
        if let end = text.firstRange(of: "://") {
            guard let known = Scheme(rawValue: text[..<end.lowerBound].lowercased()) else { return nil }
            scheme = known
            rest = text[end.upperBound...]
        }
        rest = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        var user: [String?] = []
        if let at = rest.lastIndex(of: "@") {
            user = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map {
                percentDecoded($0)
            }
            guard user.allSatisfy({ $0 != nil }) else { return nil }
            rest = rest[rest.index(after: at)...]
        }
        guard !rest.isEmpty, rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
        self.scheme = scheme
        authority = String(rest)
        username = user.first.flatMap(\.self)
        password = user.dropFirst().first.flatMap(\.self)
    }

    package var description: String { "\(scheme.rawValue)://\(authority)" }
}

/// Which proxy a request goes through: what `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` say.
///
/// Each may be written in capitals; in small letters it goes first. A request to this machine is never sent to a
/// proxy, as with docker and all else that is written in Go: a registry on `localhost` is not the proxy's.
package struct ProxySettings: Hashable, Sendable {
    private var proxies: [String: String] = [:]
    private var exceptions: [Exception] = []

    /// No proxy at all.
    package init() {}

    /// Takes them from an environment, the process's or what stands for it.
    package init(environment: [String: String]) {
        func value(_ name: String) -> String? {
            for name in [name, name.uppercased()] {
                // A web server hands a request's header `Proxy` to a program as HTTP_PROXY.
                if name == "HTTP_PROXY", environment["REQUEST_METHOD"] != nil { continue }
                if let value = environment[name], !value.isEmpty { return value }
            }
            return nil
        }
        for scheme in ["http", "https"] {
            proxies[scheme] = value("\(scheme)_proxy") ?? value("all_proxy")
        }
        exceptions = (value("no_proxy") ?? "").split { $0 == "," || $0 == " " }.map { Exception($0) }
    }

    /// The proxy for a request; nil for none.
    /// - Parameters:
    ///   - scheme: the request's, `http` or `https`.
    ///   - authority: its host, and its port if it has one.
    /// - Returns: the proxy.
    /// - Throws: `HTTPTransportError` if a variable holds no proxy; the variable's value is not shown.
    package func proxy(scheme: String, authority: String) throws(HTTPTransportError) -> HTTPProxy? {
        guard let text = proxies[scheme] else { return nil }
        let (host, port) = Self.parts(authority[...])
        guard !Self.isLoopback(host),
            !exceptions.contains(where: { $0.fits(host, port ?? (scheme == "https" ? "443" : "80")) })
        else { return nil }
        guard let proxy = HTTPProxy(text) else {
            throw HTTPTransportError(
                .proxy,
                "\(scheme)_proxy or all_proxy of the environment is not [scheme://]host:port with http, https, socks4, "
                    + "socks4a, socks5 or socks5h")
        }
        return proxy
    }

    private static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host.hasSuffix(".localhost") { return true }
        guard let address = IPAddress(host) else { return false }
        return address.bytes.count == 4 ? address.bytes[0] == 127 : address == IPAddress("::1")
    }

    /// Host without brackets, and port.
    private static func parts(_ authority: Substring) -> (host: String, port: String?) {
        var host = authority
        var port: String?
        let afterBracket = authority.lastIndex(of: "]") ?? authority.startIndex
        if let colon = authority[afterBracket...].lastIndex(of: ":"),
            authority.hasPrefix("[") || authority.firstIndex(of: ":") == colon
        {
            host = authority[..<colon]
            port = String(authority[authority.index(after: colon)...])
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return (host.lowercased(), port)
    }

    /// One entry of `no_proxy`: `*`, an address, a network, a name with its subdomains, or `.name` for those alone.
    private struct Exception: Hashable {
        private let host: String
        private let port: String?
        private let network: IPNetwork?

        init(_ text: Substring) {
            network = IPNetwork(text)
            (host, port) = network == nil ? ProxySettings.parts(text) : ("", nil)
        }

        func fits(_ name: String, _ otherPort: String) -> Bool {
            if let network { return IPAddress(name).map(network.contains) ?? false }
            guard port == nil || port == otherPort else { return false }
            if host == "*" { return true }
            if let address = IPAddress(host) { return IPAddress(name) == address }
            let suffix = host.hasPrefix("*.") ? host.dropFirst() : host[...]
            if suffix.hasPrefix(".") { return name.hasSuffix(suffix) }
            return !suffix.isEmpty && (name == suffix || name.hasSuffix(".\(suffix)"))
        }
    }
}

/// Undoes percent-encoding; nil for text that is not encoded properly.
private func percentDecoded(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "%") else {
            bytes.append(byte)
            continue
        }
        guard let value = UInt8(String(decoding: Array(rest.prefix(2)), as: UTF8.self), radix: 16),
            rest.count >= 2
        else { return nil }
        bytes.append(value)
        rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
}
