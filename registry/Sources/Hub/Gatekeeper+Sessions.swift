// SPDX-License-Identifier: Apache-2.0

import OCI
private import Secrets

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
            access: granted, uid: principal.account?.rawValue, tid: principal.token?.description,
            names: principal.bounds?.names)
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
