// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
package import Hub

/// What `AccessToken.init` reads.
let tokenColumns = """
    accounts.*, tokens.id AS token_id, tokens.name AS token_name, tokens.kind AS token_kind, scopes,
    tokens.created_at AS token_created_at, expires_at, revoked_at, last_used_at
    """

extension MetadataDatabase: TokenStore {
    package func addToken(_ token: AccessToken, hash: String) async throws {
        try await write { [now, access] database in
            try database.authorize(access, .account(token.account.name))
            guard let account = try database.account(token.account.name), account.kind != .organisation else {
                throw HubError.unknown(token.account.name)
            }
            let scopes = token.scopes.map { $0.map(\.text).joined(separator: " ") }
            try database.change(
                """
                INSERT INTO tokens (id, account_id, name, kind, hash, scopes, created_at, expires_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    token.id.description, account.id.rawValue, token.name, token.kind.rawValue, hash, scopes,
                    token.createdAt, token.expiresAt,
                ])
            try database.audit(
                access, "token.create", token.account.name.description,
                "\(token.id) \"\(token.name)\"\(scopes.map { " \($0)" } ?? "")", now: now())
        }
    }

    package func tokens(of name: AccountName) async throws -> [AccessToken] {
        try await read { [access] database in
            try database.authorize(access, .account(name))
            return try database.cachedStatement(
                """
                SELECT \(tokenColumns) FROM tokens JOIN accounts ON accounts.id = account_id
                WHERE accounts.name = ? ORDER BY tokens.created_at DESC, tokens.id
                """, [name.description]
            ) { try Row.fetchAll($0) }.compactMap(AccessToken.init)
        }
    }

    package func revokeToken(_ id: TokenID, of name: AccountName) async throws {
        try await write { [now, access] database in
            try database.authorize(access, .account(name))
            try database.change(
                """
                UPDATE tokens SET revoked_at = ?
                WHERE id = ? AND account_id = (SELECT id FROM accounts WHERE name = ?) AND revoked_at IS NULL
                """, [now(), id.description, name.description])
            guard database.changesCount > 0 else {
                throw HubError(
                    .tokenUnknown, "account \"\(name)\" has no token \"\(id)\" in use", detail: id.description
                )
            }
            try database.audit(access, "token.revoke", name.description, id.description, now: now())
        }
    }
}

extension Database {
    /// A token, in use or not.
    func accessToken(_ id: TokenID) throws -> AccessToken? {
        try cachedStatement(
            "SELECT \(tokenColumns) FROM tokens JOIN accounts ON accounts.id = account_id WHERE tokens.id = ?",
            [id.description]
        ) { try Row.fetchOne($0) }.flatMap(AccessToken.init)
    }
}

extension MetadataDatabase: SigningKeyStore {
    package func signingKeys() async throws -> [StoredSigningKey] {
        try await read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM signing_keys ORDER BY number").map { row in
                StoredSigningKey(
                    id: row["id"], privateBytes: Array(row["private_bytes"] as Data),
                    createdAt: row["created_at"])
            }
        }
    }

    package func addSigningKey(_ key: StoredSigningKey, forgettingBefore time: Int64) async throws {
        try await write { [now, access] database in
            try database.change("DELETE FROM signing_keys WHERE created_at < ?", [time])
            try database.change(
                "INSERT INTO signing_keys (id, private_bytes, created_at) VALUES (?, ?, ?)",
                [key.id, Data(key.privateBytes), key.createdAt])
            try database.audit(access, "key.add", key.id, nil, now: now())
        }
    }
}

extension AccessToken {
    /// Reads a row; nil for one that no version of the hub wrote.
    ///
    /// A scope that cannot be read allows nothing.
    init?(_ row: Row) {
        guard let id = TokenID(row["token_id"] as String), let account = Account(row),
            let kind = TokenSecret.Kind(rawValue: row["token_kind"])
        else { return nil }
        let scopes = (row["scopes"] as String?).map { text in
            text.split(separator: " ").compactMap { try? Scope(parsing: String($0)) }
        }
        self.init(
            id: id, account: account, name: row["token_name"], kind: kind, scopes: scopes,
            createdAt: row["token_created_at"], expiresAt: row["expires_at"], revokedAt: row["revoked_at"],
            lastUsedAt: row["last_used_at"])
    }
}
