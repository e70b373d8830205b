// SPDX-License-Identifier: Apache-2.0

import Hub
import OCI
import TestSupport
import Testing

extension AccessMatrixTests {
    /// What a visitor shows; made for this.
    static func headers(_ visitor: Visitor, _ town: Town) async throws -> [String: String] {
        func bearer(_ secret: String) -> [String: String] { ["Authorization": "Bearer \(secret)"] }
        let gate = town.hub.gatekeeper
        switch visitor {
        case .anonymous: return [:]
        case .stranger: return bearer(try await town.token("eve"))
        case .reader: return Town.basic("rea", "secret")
        case .writer: return bearer(try await town.token("wim"))
        case .admin: return Town.basic("ada", try await town.token("ada"))
        case .elsewhere:
            return bearer(try await town.token("ada", scopes: [try Scope(parsing: "other/*:pull,push")]))
        case .readOnly:
            return bearer(try await town.token("ada", scopes: [try Scope(parsing: "acme/*:pull")]))
        case .session:
            let session = try await gate.openSession(
                for: try await town.principal("ada"), scopes: ["repository:ada/own:pull"])
            return bearer(session.token)
        case .expired:
            let secret = TokenSecret(.access)
            let directory = gate.directory(for: .host)
            let account = try #require(try await directory.store.account(try AccountName("ada")))
            try await directory.store.addToken(
                AccessToken(
                    id: TokenID(), account: account, name: "old", kind: .access, scopes: nil, createdAt: 1,
                    expiresAt: 2), hash: secret.hash)
            return bearer(secret.text)
        case .revoked:
            let directory = gate.directory(for: .host)
            let ada = try AccountName("ada")
            let made = try await directory.createToken(for: ada, label: "gone", scopes: nil, lifetime: nil)
            try await directory.store.revokeToken(made.token.id, of: ada)
            return bearer(made.secret)
        }
    }
}
