// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// Somebody who is signed in with a browser, for as long as that lasts.
///
/// It carries all rights of its account, as a log-in with the password does, and rests on a secret that only the
/// browser has.
package struct BrowserSession: Hashable, Sendable {
    /// Its public name.
    package let id: TokenID
    package let account: Account
    /// What the browser calls itself; whoever sends it chooses it.
    package let agent: String
    /// Where it was begun from.
    package let address: String?
    /// Seconds since 1970, as the times below.
    package let createdAt: Int64
    /// To the minute, at best.
    package let lastUsedAt: Int64

    /// Seconds without a request after which it ends.
    package static let longestIdle: Int64 = 12 * 3600
    /// Seconds after which it ends in any case.
    package static let lifetime: Int64 = 7 * 24 * 3600

    package init(
        id: TokenID, account: Account, agent: String, address: String?, createdAt: Int64, lastUsedAt: Int64
    ) {
        self.id = id
        self.account = account
        self.agent = agent
        self.address = address
        self.createdAt = createdAt
        self.lastUsedAt = lastUsedAt
    }

    /// Whether it lets anybody in at a time.
    package func isValid(at time: Int64) -> Bool {
        time < createdAt + Self.lifetime && time < lastUsedAt + Self.longestIdle && !account.isDisabled
    }
}

package protocol SessionStore: Sendable {
    /// Sessions of an account that have not ended at a time, the newest first.
    func sessions(of account: AccountName, at time: Int64) async throws -> [BrowserSession]
    /// Ends a session of an account.
    func endSession(_ id: TokenID, of account: AccountName) async throws
    /// Begins one, and forgets those of everybody that have ended.
    func addSession(_ session: BrowserSession, hash: String) async throws
}

// MARK: - Signing in

extension Gatekeeper {
    /// How often the last use of a session is written, in seconds.
    private static let useInterval: Int64 = 60
    /// Characters of a browser's name that are kept.
    private static let longestAgent = 200

    /// Lets somebody in who typed a name and a password, and begins a session.
    ///
    /// What a password is for a log-in it is here, with the same limits to guessing. A token is none: a session may do
    /// all that the account may, and a token less.
    /// - Throws: as `identify` does.
    package func signIn(
        _ name: String, _ password: String, agent: String, from address: String?
    ) async throws -> TokenSecret {
        guard !policy.isOpen, TokenSecret(password) == nil else { throw HubError.badCredentials }
        let principal = try await logIn(name, password, address, nil)
        return try await beginSession(for: principal, agent: agent)
    }

    /// Begins a session with a secret that nobody had before.
    package func beginSession(for principal: Principal, agent: String) async throws -> TokenSecret {
        let store = store.acting(for: principal)
        let name = try AccountName(principal.name)
        guard let account = try await store.account(name) else { throw HubError.badCredentials }
        let secret = TokenSecret(.session)
        let plain = agent.unicodeScalars.filter { $0.value > 0x1F && $0.value != 0x7F }
        try await store.addSession(
            BrowserSession(
                id: TokenID(), account: account, agent: String(String(plain).prefix(Self.longestAgent)),
                address: principal.address, createdAt: now(), lastUsedAt: now()), hash: secret.hash)
        return secret
    }

    /// The session that a secret opens, and whom it speaks for; nil if it has ended, or never was.
    package func session(
        _ text: String, from address: String?
    ) async throws -> (session: BrowserSession, principal: Principal)? {
        guard let secret = TokenSecret(text), secret.kind == .session,
            let session = try await store.session(hash: secret.hash), session.isValid(at: now())
        else { return nil }
        let time = now()
        if time - session.lastUsedAt >= Self.useInterval {
            try await store.noteSessionUse(session.id, at: time)
        }
        let name = session.account.name.description
        return (session, Principal(.account(session.account.id, name: name), address: address))
    }

    /// Replaces the password of whoever knows the one before; all its sessions end.
    /// - Throws: `denied` if the old password is wrong; `tooManyRequests` after too many wrong ones.
    package func changePassword(
        of principal: Principal, from old: String, to new: String
    ) async throws {
        let directory = directory(for: principal)
        let name = try AccountName(principal.name)
        // Whoever may not change it is not told either whether it is right.
        guard try await directory.store.account(name) != nil else { throw HubError.unknown(name) }
        do {
            guard TokenSecret(old) == nil else { throw HubError.badCredentials }
            _ = try await logIn(principal.name, old, principal.address, nil)
        } catch let error as HubError where error.code == .badCredentials {
            throw HubError(.denied, "the present password is wrong", category: .denied)
        }
        try await directory.setPassword(new, of: name)
    }
}
