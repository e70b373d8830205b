// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import OCI

/// The cookies of the pages: one for who is signed in, one for forms of those who are not.
struct PageCookies: Sendable {
    /// Whether the browser speaks to the hub, or to a proxy of its, over TLS.
    let isSecure: Bool

    enum Kind: String, Sendable {
        /// The secret of a session.
        case session = "wasme-session"
        /// What forms are bound to before anybody has signed in.
        case form = "wasme-form"
    }

    /// The name of a cookie.
    ///
    /// Over TLS it begins with a word that browsers take from the host itself only, for all its paths (RFC 6265bis
    /// §4.1.3.2): a neighbour in the same domain cannot plant one.
    func name(_ kind: Kind) -> String { (isSecure ? "__Host-" : "") + kind.rawValue }

    /// What a browser sent; nil if it is not there, or there twice.
    func value(_ kind: Kind, _ request: Request) -> String? {
        let prefix = name(kind) + "="
        let values = request.headers[values: .cookie].flatMap { $0.split(separator: ";") }
            .map { $0.drop { $0 == " " } }.filter { $0.hasPrefix(prefix) }
        guard values.count == 1, let value = values.first?.dropFirst(prefix.count), value.utf8.count <= 200
        else { return nil }
        return String(value)
    }

    /// The value of `Set-Cookie`; nil forgets the cookie.
    func setting(_ kind: Kind, to value: String?) -> String {
        // A form's is never wanted on the way from another site; a session's is, when a link leads here.
        "\(name(kind))=\(value ?? ""); Path=/; HttpOnly; SameSite=\(kind == .form ? "Strict" : "Lax")"
            + (isSecure ? "; Secure" : "") + (value == nil ? "; Max-Age=0" : "")
    }
}

/// What forms are bound to: whoever sends one must hold the cookie of the page that it was on.
struct FormKey: Hashable, Sendable {
    /// The value of a cookie that is this browser's alone.
    private let secret: String
    /// The value to be set as a cookie, if the browser has none yet.
    let fresh: String?

    /// Forms of a page for whoever holds a cookie, or for somebody new.
    init(_ cookie: String?) {
        if let cookie, cookie.utf8.count >= 32 {
            secret = cookie
            fresh = nil
        } else {
            var generator = SystemRandomNumberGenerator()
            let words = (0..<4).map { _ in String(generator.next() as UInt64, radix: 16) }
            secret = words.map { String(repeating: "0", count: 16 - $0.count) + $0 }.joined()
            fresh = secret
        }
    }

    /// What stands in the form; nobody finds the cookie from it.
    var token: String { Digest(of: "wasme-hub form\u{0}\(secret)".utf8).hex }

    func fits(_ text: String?) -> Bool {
        // What is compared are hashes, whose first difference tells nothing about the token.
        text.map { Digest(of: $0.utf8) == Digest(of: token.utf8) } ?? false
    }
}
