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
    let store: any CredentialStore & DirectoryStore
    private let passwords: PasswordChecker
    private let attempts = LoginGuard()
    let sessions: SessionTokens
    private let logIns: KnownLogIns
    private let uses = Mutex<[TokenID: Int64]>([:])
    let now: @Sendable () -> Int64

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
        logIns = KnownLogIns(now: now)
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
    ///
    /// `header` is the value of the `Authorization` header that the credential was read from: `recognise` knows it for a
    /// short time afterwards.
    package func identify(
        _ credential: Credential?, from address: String?, header: String? = nil
    ) async throws -> Principal {
        if policy.isOpen { return Principal(.anonymous, address: address) }
        switch credential {
        case nil: return Principal(.anonymous, address: address)
        case .basic(let name, let secret): return try await logIn(name, secret, address, header)
        case .bearer(let text):
            if let secret = TokenSecret(text) { return try await logIn(secret, name: nil, address, header) }
            guard let claims = try await sessions.verify(text, audience: service) else {
                throw HubError.badCredentials
            }
            return Principal(claims, address: address)
        }
    }

    /// Who comes, if the value of an `Authorization` header says so at once: a session token that was shown before, or a
    /// password or token that was let in a moment ago.
    ///
    /// Nil means no more than that it takes `identify`. The proof, if there is one, must still hold: whoever asks looks that
    /// up where the request is decided, so that what was revoked or changed counts from the next request on, in whatever
    /// process that was.
    package func recognise(
        authorization value: String, from address: String?
    ) -> (principal: Principal, proof: LogInProof?)? {
        guard !policy.isOpen else { return nil }
        if value.hasPrefix("Bearer "), let claims = sessions.recall(String(value.dropFirst(7))) {
            return (Principal(claims, address: address), nil)
        }
        guard let entry = logIns[value],
            // Failed attempts are for `identify` to refuse or to forgive.
            entry.proof.password == nil || attempts.isUnsuspected(entry.account, address, now: now())
        else { return nil }
        let principal = Principal(
            .account(entry.proof.account, name: entry.account), bounds: entry.bounds,
            token: entry.proof.token, address: address)
        return (principal, entry.proof)
    }

    func logIn(
        _ name: String, _ secret: String, _ address: String?, _ header: String?
    ) async throws -> Principal {
        if let token = TokenSecret(secret) { return try await logIn(token, name: name, address, header) }
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
        if let header, let stored {
            logIns[header] = KnownLogIns.Entry(
                account: account.name.description,
                proof: LogInProof(account: account.id, password: stored))
        }
        return Principal(.account(account.id, name: account.name.description), address: address)
    }

    /// Lets a token in; a name beside it must be its account's, or any word where the token alone counts.
    private func logIn(
        _ secret: TokenSecret, name: String?, _ address: String?, _ header: String?
    ) async throws -> Principal {
        // Nobody guesses 256 bits: whoever comes with an old token is refused, and nobody is made to wait for it.
        guard secret.kind == .access, let token = try await store.token(hash: secret.hash),
            token.isValid(at: now()),
            name == nil || name == "token" || name == token.account.name.description
        else { throw HubError.badCredentials }
        try await noteUse(of: token)
        let principal = Principal(token, address: address)
        if let header {
            logIns[header] = KnownLogIns.Entry(
                account: token.account.name.description, bounds: principal.bounds,
                proof: LogInProof(account: token.account.id, token: token.id))
        }
        return principal
    }

    /// Remembers when a token was used, and writes it down once in a while.
    func noteUse(of token: AccessToken) async throws {
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

extension Principal {
    init(_ token: AccessToken, address: String?) {
        self.init(
            .account(token.account.id, name: token.account.name.description),
            bounds: token.scopes.map { Bounds(.token, $0) }, token: token.id, address: address)
    }

    init(_ claims: SessionClaims, address: String?) {
        let scopes = claims.access.filter { $0.type == "repository" }.map { access in
            Scope(
                repositories: access.name,
                actions: Set(access.actions.compactMap(RepositoryAction.init(rawValue:))))
        }
        self.init(
            claims.uid.map { .account(AccountID($0), name: claims.sub) } ?? .anonymous,
            bounds: Bounds(
                .session, scopes,
                coversCatalog: claims.access.contains { $0.type == "registry" && $0.name == "catalog" },
                names: claims.names),
            token: claims.tid.flatMap { TokenID($0) }, address: address)
    }
}

extension HubError {
    package static let badCredentials = Self(
        .badCredentials, "the name, the password or the token is wrong, or no longer valid",
        category: .denied)
}
