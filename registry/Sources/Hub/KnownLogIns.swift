// SPDX-License-Identifier: Apache-2.0

import OCI
private import Synchronization

/// What a log-in was checked against: it is worth as much as it was for as long as this is still so.
package struct LogInProof: Hashable, Sendable {
    package let account: AccountID
    /// The token that was shown; nil for a password.
    package let token: TokenID?
    /// The hash that the account's password had; nil for a token.
    package let password: String?

    init(account: AccountID, token: TokenID? = nil, password: String? = nil) {
        self.account = account
        self.token = token
        self.password = password
    }
}

/// Passwords and tokens that were let in a short time ago, by the header that they came in.
///
/// It spares a client that sends its password with every request the work of checking it, and no decision: whether the
/// proof of an entry still holds is asked of the database each time. Headers are kept as hashes with a secret of this
/// process.
final class KnownLogIns: Sendable {
    struct Entry: Sendable {
        /// The account's name.
        let account: String
        /// What the credential is good for; nil for all that the account may do.
        var bounds: Bounds?
        let proof: LogInProof
    }

    private let entries = Mutex<[Digest: (entry: Entry, since: Int64)]>([:])
    private let secret = TokenSecret(.access).text
    private let now: @Sendable () -> Int64

    /// Seconds that an entry is good for: less than a token's last use is written down after.
    private static let memory: Int64 = 30
    private static let capacity = 2000
    /// Bytes of the longest header that is remembered.
    private static let longest = 1024

    init(now: @escaping @Sendable () -> Int64) { self.now = now }

    subscript(header: String) -> Entry? {
        get {
            guard header.utf8.count <= Self.longest else { return nil }
            let key = key(header)
            guard let (entry, since) = entries.withLock({ $0[key] }),
                // A clock that went back makes nothing good for ever.
                (0..<Self.memory).contains(now() - since)
            else { return nil }
            return entry
        }
        set {
            guard header.utf8.count <= Self.longest else { return }
            let key = key(header)
            let time = now()
            entries.withLock { entries in
                if entries.count >= Self.capacity { entries = [:] }
                entries[key] = newValue.map { ($0, time) }
            }
        }
    }

    private func key(_ header: String) -> Digest { Digest(of: "\(secret)\u{0}\(header)".utf8) }
}
