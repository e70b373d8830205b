// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import OCI
package import Secrets
private import Synchronization

/// What a client shows to be let in.
package enum Credential: Hashable, Sendable {
    /// A name with a password or a token's secret (RFC 7617).
    case basic(String, String)
    /// A session token or a token's secret (RFC 6750).
    case bearer(String)
}

/// Finds out who comes, and hands out session tokens.
package final class Gatekeeper: Sendable {
    package let policy: AccessPolicy
    /// Whom session tokens are for.
    package let service: String
    private let store: any CredentialStore & DirectoryStore
    private let passwords: PasswordChecker
    private let attempts = LoginGuard()
    private let sessions: SessionTokens
    private let uses = Mutex<[TokenID: Int64]>([:])
    private let now: @Sendable () -> Int64

    /// How often the last use of a token is written, in seconds.
    private static let useInterval: Int64 = 60

    /// `passwordCost` is what new hashes of passwords cost; `now` is the clock, in seconds since 1970.
    package init(
        _ store: some CredentialStore & DirectoryStore & SigningKeyStore, policy: AccessPolicy,
        service: String = "wasme-hub", passwordCost: PasswordHash.Cost = .standard,
        now: @escaping @Sendable () -> Int64
    ) {
        passwords = PasswordChecker(cost: passwordCost)
        self.store = store
        self.policy = policy
        self.service = service
        self.now = now
        sessions = SessionTokens(store, now: now)
    }

    /// How often somebody failed to log in, and how often an attempt was refused because of that.
    package var logInCounts: (failures: Int, lockOuts: Int) { attempts.counts }

    /// The accounts of the hub, as somebody may manage them.
    package func directory(for principal: Principal) -> Directory {
        Directory(store.acting(for: principal), passwords, now: now)
    }

    /// Whether nobody could log in yet.
    package func hasNoUser() async throws -> Bool { try await store.hasNoUser() }

    /// Who comes.
    /// - Throws: `badCredentials` for what is wrong, expired or revoked, all in the same words; `tooManyRequests` for
    ///   somebody who tries too often.
    package func identify(_ credential: Credential?, from address: String?) async throws -> Principal {
        if policy.isOpen { return Principal(.anonymous, address: address) }
        switch credential {
        case nil: return Principal(.anonymous, address: address)
        case .basic(let name, let secret): return try await logIn(name, secret, address)
        case .bearer(let text):
            if let secret = TokenSecret(text) { return try await logIn(secret, name: nil, address) }
            guard let claims = try await sessions.verify(text, audience: service) else {
                throw HubError.badCredentials
            }
            return Principal(claims, address: address)
        }
    }

    /// Who comes, if the value of an `Authorization` header says so at once: a session token that was shown before.
    ///
    /// Nil means no more than that it takes `identify`.
    package func recognise(authorization value: String, from address: String?) -> Principal? {
        guard !policy.isOpen, value.hasPrefix("Bearer ") else { return nil }
        return sessions.recall(String(value.dropFirst(7))).map { Principal($0, address: address) }
    }

    private func logIn(_ name: String, _ secret: String, _ address: String?) async throws -> Principal {
        if let token = TokenSecret(secret) { return try await logIn(token, name: name, address) }
        // A text that is no name counts under none: what is remembered must not be as long as somebody likes.
        let known = try? AccountName(name)
        let key = known?.description ?? ""
        try attempts.admit(key, address, now: now())
        let found = if let known { try await store.credentials(known) } else { nil as (Account, String?)? }
        // The same work whether or not there is such an account.
        let isRight = try await passwords.matches(secret, found?.1, now: now())
        guard isRight, let (account, stored) = found, !account.isDisabled else {
            attempts.failed(key, address, now: now())
            throw HubError.badCredentials
        }
        attempts.succeeded(key, address)
        if let old = stored, passwords.isOutdated(old) {
            try await store.rehash(account.id, from: old, to: try await passwords.hash(secret))
        }
        return Principal(.account(account.id, name: account.name.description), address: address)
    }

    /// Lets a token in; a name beside it must be its account's, or any word where the token alone counts.
    private func logIn(_ secret: TokenSecret, name: String?, _ address: String?) async throws -> Principal {
        // Nobody guesses 256 bits: whoever comes with an old token is refused, and nobody is made to wait for it.
        guard secret.kind == .access, let token = try await store.token(hash: secret.hash),
            token.isValid(at: now()),
            name == nil || name == "token" || name == token.account.name.description
        else { throw HubError.badCredentials }
        try await noteUse(of: token)
        return Principal(token, address: address)
    }

    /// Remembers when a token was used, and writes it down once in a while.
    private func noteUse(of token: AccessToken) async throws {
        let time = now()
        let isDue = uses.withLock { uses in
            guard time - (uses[token.id] ?? token.lastUsedAt ?? 0) >= Self.useInterval else { return false }
            if uses.count >= 10_000 { uses = [:] }
            uses[token.id] = time
            return true
        }
        if isDue { try await store.noteUse([token.id: time]) }
    }
}

// MARK: - Session tokens

extension Gatekeeper {
    /// What a client is given that asks for a session token (distribution's token specification, "Token Response Fields").
    package struct Session: Hashable, Sendable {
        package let token: String
        /// Seconds from `issuedAt`.
        package let expiresIn: Int64
        package let issuedAt: Int64
        /// The scopes that it covers, as they are written.
        package let scope: String
        /// What to come back with instead of the password, if that was asked for.
        package let refreshToken: String?
    }

    /// Makes a session token for as much of the wanted scopes as the principal has a right to.
    ///
    /// A scope that is not understood, or not granted, is left out and no error (token specification, "Requesting a
    /// Token"). `client` is what the refresh token will be called, if one is wanted.
    package func openSession(
        for principal: Principal, scopes wanted: [String], refreshFor client: String? = nil
    ) async throws -> Session {
        let store = store.acting(for: principal)
        var granted: [SessionClaims.Access] = []
        for scope in wanted.flatMap({ $0.split { " +".contains($0) } }).prefix(100) {
            guard let scope = RequestedScope(scope) else { continue }
            switch scope {
            case .catalog:
                granted.append(SessionClaims.Access(type: "registry", name: "catalog", actions: ["*"]))
            case .repository(let repository, let actions):
                var allowed: [String] = []
                for action in actions where await Self.allows(store, action, repository) {
                    allowed.append(action.rawValue)
                }
                guard !allowed.isEmpty else { continue }
                granted.append(
                    SessionClaims.Access(type: "repository", name: repository.path, actions: allowed))
            }
        }
        var refreshToken: String?
        if let client, case .account(let id, let name) = principal.identity, principal.token == nil {
            refreshToken = try await makeRefreshToken(for: id, name, client, principal)
        }
        let time = now()
        let claims = SessionClaims(
            iss: SessionTokens.issuer, aud: service, sub: principal.account == nil ? "" : principal.name,
            iat: time, nbf: time, exp: time + SessionTokens.lifetime, jti: UploadID().description,
            access: granted, uid: principal.account?.rawValue, tid: principal.token?.description)
        return Session(
            token: try await sessions.sign(claims), expiresIn: SessionTokens.lifetime, issuedAt: time,
            scope: granted.map { "\($0.type):\($0.name):\($0.actions.joined(separator: ","))" }.joined(
                separator: " "), refreshToken: refreshToken)
    }

    /// Lets somebody in who was given a refresh token earlier.
    package func redeem(refreshToken text: String, from address: String?) async throws -> Principal {
        guard let secret = TokenSecret(text), let token = try await store.token(hash: secret.hash),
            token.isValid(at: now())
        else { throw HubError.badCredentials }
        try await noteUse(of: token)
        return Principal(token, address: address)
    }

    /// Makes a new signing key; what the ones before signed stays valid until it expires.
    package func rotateKey() async throws { try await sessions.addKey() }

    private static func allows(
        _ store: some AuthorizingStore, _ action: RepositoryAction, _ repository: Repository
    ) async -> Bool {
        do {
            try await store.authorize(action, in: repository, tags: [])
            return true
        } catch {
            return false
        }
    }

    private func makeRefreshToken(
        for id: AccountID, _ name: String, _ client: String, _ principal: Principal
    ) async throws -> String {
        let secret = TokenSecret(.refresh)
        let account = Account(
            id: id, name: try AccountName(name), kind: .user, isAdmin: false, isDisabled: false, createdAt: 0)
        try await store.acting(for: principal).addToken(
            AccessToken(
                id: TokenID(), account: account, name: String(client.prefix(80)), kind: .refresh, scopes: nil,
                createdAt: now(), expiresAt: now() + 365 * 24 * 3600), hash: secret.hash)
        return secret.text
    }
}

/// A scope as a client writes it (token specification, "Token Scope").
private enum RequestedScope {
    case catalog
    case repository(Repository, [RepositoryAction])

    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count >= 3, let last = parts.last else { return nil }
        let name = parts.dropFirst().dropLast().joined(separator: ":")
        if parts[0] == "registry", name == "catalog" {
            self = .catalog
            return
        }
        let words = last.split(separator: "," as Character).map { String($0) }
        let actions = [RepositoryAction.pull, .push, .delete].filter {
            words.contains("*") || words.contains($0.rawValue)
        }
        guard parts[0] == "repository", let repository = try? Repository(name), !actions.isEmpty else {
            return nil
        }
        self = .repository(repository, actions)
    }
}

extension Principal {
    fileprivate init(_ token: AccessToken, address: String?) {
        self.init(
            .account(token.account.id, name: token.account.name.description),
            bounds: token.scopes.map { Bounds(.token, $0) }, token: token.id, address: address)
    }

    fileprivate init(_ claims: SessionClaims, address: String?) {
        let scopes = claims.access.filter { $0.type == "repository" }.map { access in
            Scope(
                repositories: access.name,
                actions: Set(access.actions.compactMap(RepositoryAction.init(rawValue:))))
        }
        self.init(
            claims.uid.map { .account(AccountID($0), name: claims.sub) } ?? .anonymous,
            bounds: Bounds(
                .session, scopes,
                coversCatalog: claims.access.contains { $0.type == "registry" && $0.name == "catalog" }),
            token: claims.tid.flatMap { TokenID($0) }, address: address)
    }
}

extension HubError {
    package static let badCredentials = Self(
        .badCredentials, "the name, the password or the token is wrong, or no longer valid",
        category: .denied)
}
