// SPDX-License-Identifier: Apache-2.0

private import FilterProxy

/// Puts placeholders in the place of secrets, the same one wherever a secret stands.
struct SecretMask {
    /// Headers whose values are nobody else's business.
    private static let headers: Set<String> = [
        "authorization", "proxy-authorization", "cookie", "set-cookie", "x-csrf-token", "x-xsrf-token",
        "authentication-info", "www-authenticate-token",
    ]
    /// What names of other such headers and of parameters have in them.
    private static let words = [
        "token", "secret", "password", "passwd", "api-key", "apikey", "api_key", "session", "credential",
        "signature", "private-key", "private_key",
    ]
    /// What is shorter may stand anywhere by chance, and is replaced only where it was found.
    private static let shortest = 6

    private var placeholders: [(secret: String, placeholder: String)] = []

    /// Whether a header, or a parameter of a query, may hold a secret.
    static func isSecret(_ name: String) -> Bool {
        let name = name.lowercased()
        return headers.contains(name) || words.contains { name.contains($0) }
    }

    /// Takes in the value of a header that holds a secret.
    mutating func learn(_ name: String, _ value: String) {
        switch name {
        case "authorization", "proxy-authorization":
            // "Bearer" and "Basic" are none.
            add(value.split(separator: " ", maxSplits: 1).last.map(String.init) ?? value)
        case "cookie": for pair in value.split(separator: ";") { learn(cookie: pair) }
        case "set-cookie": learn(cookie: value.prefix { $0 != ";" })
        default: add(value)
        }
    }

    private mutating func learn(cookie pair: Substring) {
        add(pair.firstIndex(of: "=").map { String(pair[pair.index(after: $0)...]) } ?? String(pair))
    }

    /// Takes in the query of a path.
    mutating func learn(path: String) {
        guard let mark = path.firstIndex(of: "?") else { return }
        for pair in path[path.index(after: mark)...].split(separator: "&") {
            guard let equals = pair.firstIndex(of: "="), Self.isSecret(String(pair[..<equals])) else {
                continue
            }
            add(String(pair[pair.index(after: equals)...]))
        }
    }

    private mutating func add(_ secret: String) {
        guard !secret.isEmpty, !placeholders.contains(where: { $0.secret == secret }) else { return }
        placeholders.append((secret, "placeholder-\(placeholders.count + 1)"))
        // What has another one in it is replaced as a whole.
        placeholders.sort { $0.secret.count > $1.secret.count }
    }

    /// A text with placeholders for the secrets that are known.
    func masked(_ text: String) -> String {
        var text = text
        for (secret, placeholder) in placeholders where secret.utf8.count >= Self.shortest {
            text = text.replacing(secret, with: placeholder)
        }
        return text
    }

    /// A header's value, in which a secret may be short.
    func masked(_ name: String, _ value: String) -> String {
        guard Self.isSecret(name) else { return masked(value) }
        var value = masked(value)
        for (secret, placeholder) in placeholders where secret.utf8.count < Self.shortest {
            value = value.split(separator: "=", omittingEmptySubsequences: false)
                .map { part in part == secret ? placeholder : String(part) }.joined(separator: "=")
        }
        return value
    }
}
