// SPDX-License-Identifier: Apache-2.0

import GRDB
package import Hub

/// What `BrowserSession.init` reads.
private let sessionColumns = """
    accounts.*, sessions.id AS session_id, agent, address, sessions.created_at AS session_created_at, used_at
    """

extension MetadataDatabase: SessionStore {
    package func addSession(_ session: BrowserSession, hash: String) async throws {
        try await write { [now, access] database in
            try database.authorize(access, .account(session.account.name))
            guard let account = try database.account(session.account.name), account.kind == .user else {
                throw HubError.unknown(session.account.name)
            }
            try database.change(
                "DELETE FROM sessions WHERE created_at <= ? OR used_at <= ?",
                [now() - BrowserSession.lifetime, now() - BrowserSession.longestIdle])
            try database.change(
                """
                INSERT INTO sessions (id, account_id, hash, agent, address, created_at, used_at)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    session.id.description, account.id.rawValue, hash, session.agent, session.address,
                    session.createdAt, session.lastUsedAt,
                ])
            try database.audit(
                access, "session.begin", account.name.description, session.id.description, now: now())
        }
    }

    package func sessions(of name: AccountName, at time: Int64) async throws -> [BrowserSession] {
        try await read { [access] database in
            try database.authorize(access, .account(name))
            return try database.cachedStatement(
                """
                SELECT \(sessionColumns) FROM sessions JOIN accounts ON accounts.id = account_id
                WHERE accounts.name = ? ORDER BY sessions.created_at DESC, sessions.id
                """, [name.description]
            ) { try Row.fetchAll($0) }.compactMap(BrowserSession.init).filter { $0.isValid(at: time) }
        }
    }

    package func endSession(_ id: TokenID, of name: AccountName) async throws {
        try await write { [now, access] database in
            try database.authorize(access, .account(name))
            try database.change(
                "DELETE FROM sessions WHERE id = ? AND account_id = (SELECT id FROM accounts WHERE name = ?)",
                [id.description, name.description])
            guard database.changesCount > 0 else {
                throw HubError(
                    .sessionUnknown, "account \"\(name)\" has no session \"\(id)\"", detail: id.description)
            }
            try database.audit(access, "session.end", name.description, id.description, now: now())
        }
    }

    package func session(hash: String) async throws -> BrowserSession? {
        try await read { database in
            try database.cachedStatement(
                "SELECT \(sessionColumns) FROM sessions JOIN accounts ON accounts.id = account_id WHERE hash = ?",
                [hash]
            ) { try Row.fetchOne($0) }.flatMap(BrowserSession.init)
        }
    }

    package func noteSessionUse(_ id: TokenID, at time: Int64) async throws {
        try await write(durable: false) { database in
            try database.change(
                "UPDATE sessions SET used_at = max(used_at, ?) WHERE id = ?", [time, id.description])
        }
    }
}

extension Database {
    /// Ends all sessions of an account.
    func endSessions(of account: AccountID) throws {
        try change("DELETE FROM sessions WHERE account_id = ?", [account.rawValue])
    }
}

extension BrowserSession {
    /// Reads a row; nil for one that no version of the hub wrote.
    fileprivate init?(_ row: Row) {
        guard let id = TokenID(row["session_id"] as String), let account = Account(row) else { return nil }
        self.init(
            id: id, account: account, agent: row["agent"], address: row["address"],
            createdAt: row["session_created_at"], lastUsedAt: row["used_at"])
    }
}
