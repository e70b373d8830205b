// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import OCI

/// The secret of a token: 256 random bits in a form that people and secret scanners recognise.
///
/// `whub_` (or `whubr_` for one that a client keeps after a log-in), 43 characters of base 62, and 6 of their CRC-32: a
/// text that was cut or made up is told apart without asking the database.
package struct TokenSecret: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        /// Made by somebody for a machine or a tool.
        case access
        /// What a client keeps after a log-in, instead of the password.
        case refresh
        /// What a browser keeps in its cookie.
        case session

        fileprivate var prefix: String {
            switch self {
            case .access: "whub_"
            case .refresh: "whubr_"
            case .session: "whubs_"
            }
        }
    }

    package let kind: Kind
    /// What the client sends; shown once and never stored.
    package let text: String

    private static let bodyLength = 43
    private static let checkLength = 6

    /// Draws a new one.
    package init(_ kind: Kind) {
        var generator = SystemRandomNumberGenerator()
        let body = String(
            (0..<Self.bodyLength).map { _ in Self.digits.randomElement(using: &generator) ?? "0" })
        self.kind = kind
        text = kind.prefix + body + Self.check(kind.prefix + body)
    }

    /// Reads what a client sent; nil if it cannot be one of ours.
    package init?(_ text: String) {
        guard
            let kind = [Kind.access, .refresh, .session].first(where: { text.hasPrefix($0.prefix) }),
            text.utf8.count == kind.prefix.utf8.count + Self.bodyLength + Self.checkLength,
            Self.check(String(text.dropLast(Self.checkLength))) == text.suffix(Self.checkLength)
        else { return nil }
        self.kind = kind
        self.text = text
    }

    /// What is stored of it: nobody guesses 256 bits, so that one round of SHA-256 is enough.
    package var hash: String { Digest(of: text.utf8).hex }

    private static let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

    private static func check(_ text: String) -> String {
        var value = UInt64(crc32(text.utf8))
        var result = ""
        for _ in 0..<checkLength {
            result.append(digits[Int(value % 62)])
            value /= 62
        }
        return result
    }

    /// The checksum of IEEE 802.3.
    private static func crc32(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(~0 as UInt32) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in
                value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1
            }
        }
    }
}

/// The public name of a token.
package struct TokenID: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// Draws a new name.
    package init() { description = String(UploadID().description.prefix(16)) }

    /// Reads one; nil if it cannot be one of ours.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count == 16, text.utf8.allSatisfy({ isHexDigit($0) }) else { return nil }
        description = String(text)
    }
}

private func isHexDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
}

/// A token as it is known; the secret is not.
package struct AccessToken: Hashable, Sendable {
    package let id: TokenID
    package let account: Account
    /// What its owner calls it.
    package let name: String
    package let kind: TokenSecret.Kind
    /// All that it is good for; nil for all that the account may do.
    package let scopes: [Scope]?
    /// Seconds since 1970, as the times below.
    package let createdAt: Int64
    package let expiresAt: Int64?
    package let revokedAt: Int64?
    /// To the minute, at best.
    package let lastUsedAt: Int64?

    package init(
        id: TokenID, account: Account, name: String, kind: TokenSecret.Kind, scopes: [Scope]?,
        createdAt: Int64, expiresAt: Int64?, revokedAt: Int64? = nil, lastUsedAt: Int64? = nil
    ) {
        self.id = id
        self.account = account
        self.name = name
        self.kind = kind
        self.scopes = scopes
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.revokedAt = revokedAt
        self.lastUsedAt = lastUsedAt
    }

    /// Whether it is worth anything at a time.
    package func isValid(at time: Int64) -> Bool {
        revokedAt == nil && expiresAt.map { time < $0 } ?? true && !account.isDisabled
    }
}

extension Scope {
    /// Reads `acme/proxy:pull,push`, `acme/*:pull` or `*:pull`; actions are pull, push, delete and admin.
    package init(parsing text: String) throws(HubError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let actions = (parts.count == 2 ? parts[1] : "").split(separator: ",").map {
            RepositoryAction(rawValue: String($0))
        }
        let name = parts[0].hasSuffix("/*") ? parts[0].dropLast(2) : parts[0]
        guard !actions.isEmpty, !actions.contains(nil), name == "*" || (try? Repository(name)) != nil else {
            throw HubError(
                .tokenInvalid, "\"\(text.prefix(300))\" is not a scope",
                hint: "write REPOSITORY:ACTIONS, as in acme/proxy:pull,push or acme/*:pull", category: .usage)
        }
        self.init(repositories: String(parts[0]), actions: Set(actions.compactMap(\.self)))
    }

    /// The form that `init(parsing:)` reads.
    package var text: String {
        let actions = RepositoryAction.allCases.filter(actions.contains).map(\.rawValue)
        return "\(repositories):\(actions.joined(separator: ","))"
    }
}
