// SPDX-License-Identifier: Apache-2.0

/// An absolute http or https URL, kept byte for byte: what a server gave as a location is sent back as it was.
package struct WebLocation: Hashable, Sendable, CustomStringConvertible {
    package enum Scheme: String, Sendable {
        case http, https
        var defaultPort: String { self == .http ? "80" : "443" }
    }

    /// Scheme, host and port: whom credentials belong to (RFC 6454 §4).
    struct Origin: Hashable, Sendable {
        let scheme: Scheme
        let host: String
        let port: String
    }

    package var scheme: Scheme
    /// `host` or `host:port`, lower-case.
    package var authority: String
    /// Path and query; starts with a slash.
    package var target: String

    init(scheme: Scheme, authority: String, target: String) {
        self.scheme = scheme
        self.authority = authority
        self.target = target
    }

    /// Parses an absolute URL; nil for anything else, for user information and for bytes that no URL may hold.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }), let colon = text.firstIndex(of: ":"),
            let scheme = Scheme(rawValue: text[..<colon].lowercased()),
            text[colon...].hasPrefix("://")
        else { return nil }
        let rest = text[text.index(colon, offsetBy: 3)...].prefix { $0 != "#" }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.isEmpty, !authority.contains("@") else { return nil }
        let target = rest[authority.endIndex...]
        self.init(
            scheme: scheme, authority: authority.lowercased(),
            target: target.hasPrefix("/") ? String(target) : "/\(target)")
    }

    /// The location that a `Location` or `Link` value means here (RFC 3986 §5.2; dot segments are left alone).
    func resolving(_ reference: String) -> WebLocation? {
        guard !reference.isEmpty, reference.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
        let reference = reference.prefix { $0 != "#" }
        if reference.hasPrefix("//") { return WebLocation("\(scheme.rawValue):\(reference)") }
        if reference.hasPrefix("/") {
            return WebLocation(scheme: scheme, authority: authority, target: String(reference))
        }
        let path = target.prefix { $0 != "?" }
        if reference.hasPrefix("?") || reference.isEmpty {
            return WebLocation(scheme: scheme, authority: authority, target: "\(path)\(reference)")
        }
        // A colon before the first slash ends a scheme (RFC 3986 §4.2).
        let firstSegment = reference.prefix { $0 != "/" && $0 != "?" }
        if firstSegment.contains(":") { return WebLocation(reference) }
        let folder = path[...(path.lastIndex(of: "/") ?? path.startIndex)]
        return WebLocation(scheme: scheme, authority: authority, target: "\(folder)\(reference)")
    }

    /// Adds query items behind those that are there, which stay as they are.
    func adding(_ items: [(name: String, value: String)]) -> WebLocation {
        var result = self
        for (name, value) in items {
            result.target += result.target.contains("?") ? "&" : "?"
            result.target += "\(percentEncoded(name))=\(percentEncoded(value))"
        }
        return result
    }

    var origin: Origin {
        var host = authority[...]
        var port = scheme.defaultPort
        if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
            host = authority[..<colon]
            port = String(authority[authority.index(after: colon)...])
        }
        return Origin(scheme: scheme, host: String(host), port: port)
    }

    /// All of it, which may be a secret.
    var text: String { "\(scheme.rawValue)://\(authority)\(target)" }

    /// What may be shown: the query of an upload or of a signed URL is a secret.
    package var description: String { "\(scheme.rawValue)://\(authority)\(target.prefix { $0 != "?" })" }
}

/// Encodes everything but unreserved characters (RFC 3986 §2.3), for a query or a form.
func percentEncoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var result: [UInt8] = []
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            result.append(byte)
        default: result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return String(decoding: result, as: UTF8.self)
}
