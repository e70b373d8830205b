// SPDX-License-Identifier: Apache-2.0

package import OCI

/// Who there is, what they may do, and what was done.
///
/// As in `MetadataStore`, each function is one transaction, which begins with `Access.authorize` and, if it changes
/// something, ends with a line of the audit log.
package typealias DirectoryStore = AuthorizingStore & AccountStore & RoleStore & TokenStore & SessionStore
    & HoldingStore & AuditStore & ManagedWebhookStore

package protocol AccountStore: Sendable {
    /// Adds a user, an organisation or a robot; `password` is a hash.
    func addAccount(
        _ name: AccountName, _ kind: Account.Kind, password: String?, isAdmin: Bool
    ) async throws -> Account
    /// The account with a name.
    func account(_ name: AccountName) async throws -> Account?
    /// Accounts of a kind, or all, whose names come after a text.
    func accounts(_ kind: Account.Kind?, after: String, limit: Int) async throws -> [Account]
    func changeAccount(_ name: AccountName, _ change: AccountChange) async throws
    /// Removes an account with its roles, tokens and robots; its repositories stay.
    func removeAccount(_ name: AccountName) async throws
}

extension AccountStore {
    /// All of them.
    package func accounts(_ kind: Account.Kind?) async throws -> [Account] {
        try await accounts(kind, after: "", limit: .max)
    }
}

package protocol RoleStore: Sendable {
    /// Gives a role, or takes it with nil.
    func setRole(_ role: Role?, of account: AccountName, in target: RoleTarget) async throws
    /// Who has a role there.
    func roles(in target: RoleTarget) async throws -> [AccountName: Role]
    /// Makes a repository readable for everybody, or not. It need not be there yet.
    func setPublic(_ isPublic: Bool, _ repository: Repository) async throws
    /// Whether a repository is readable for everybody.
    func isPublic(_ repository: Repository) async throws -> Bool
}

package protocol TokenStore: Sendable {
    func addToken(_ token: AccessToken, hash: String) async throws
    func tokens(of account: AccountName) async throws -> [AccessToken]
    func revokeToken(_ id: TokenID, of account: AccountName) async throws
}

package protocol AuditStore: Sendable {
    /// Refuses whoever does not run the hub.
    func authorizeHub() async throws
    /// Notes that somebody who runs the hub asked for a collection; refuses whoever does not.
    func noteCollection() async throws
    /// Entries before one, newest first.
    func auditEntries(before: Int64?, limit: Int) async throws -> [AuditEntry]
}

/// What log-in asks before it is known who somebody is.
package protocol CredentialStore: Sendable {
    /// A user and the hash of its password.
    func credentials(_ name: AccountName) async throws -> (Account, String?)?
    /// The token with a hash, valid or not.
    func token(hash: String) async throws -> AccessToken?
    /// Notes when tokens were last used; may be lost in a crash.
    func noteUse(_ times: [TokenID: Int64]) async throws
    /// The session with a hash, ended or not.
    func session(hash: String) async throws -> BrowserSession?
    /// Notes when a session was last used; may be lost in a crash.
    func noteSessionUse(_ id: TokenID, at time: Int64) async throws
    /// Replaces a hash by a better one of the same password, if it is still the one.
    func rehash(_ account: AccountID, from old: String, to new: String) async throws
    /// Whether no user is there yet.
    func hasNoUser() async throws -> Bool
}

/// Keys that session tokens are signed with.
package protocol SigningKeyStore: Sendable {
    func signingKeys() async throws -> [StoredSigningKey]
    /// Adds a key and forgets those made before a time.
    func addSigningKey(_ key: StoredSigningKey, forgettingBefore time: Int64) async throws
}

package struct StoredSigningKey: Hashable, Sendable {
    /// Its name in the header of a token.
    package let id: String
    package let privateBytes: [UInt8]
    /// Seconds since 1970.
    package let createdAt: Int64

    package init(id: String, privateBytes: [UInt8], createdAt: Int64) {
        self.id = id
        self.privateBytes = privateBytes
        self.createdAt = createdAt
    }
}

/// One change: who did what to which thing, from where and when.
package struct AuditEntry: Hashable, Sendable, Codable {
    package let id: Int64
    /// Seconds since 1970.
    package let time: Int64
    package let actor: String
    package let address: String?
    /// As in `manifest.push`.
    package let action: String
    package let subject: String
    package let detail: String?

    package init(
        id: Int64, time: Int64, actor: String, address: String?, action: String, subject: String,
        detail: String?
    ) {
        self.id = id
        self.time = time
        self.actor = actor
        self.address = address
        self.action = action
        self.subject = subject
        self.detail = detail
    }
}
