// SPDX-License-Identifier: Apache-2.0

import GRDB
package import Hub
import OCI

extension MetadataDatabase: AccountStore {
    package func addAccount(
        _ name: AccountName, _ kind: Account.Kind, password: String?, isAdmin: Bool
    ) async throws -> Account {
        try await write { [now, access] database in
            try database.authorize(access, name.owner.map { .organisation($0) } ?? .hub)
            guard try database.account(name) == nil else {
                throw HubError(
                    .accountExists, "the name \"\(name)\" is taken", detail: name.description,
                    hint: "choose another one")
            }
            var owner: AccountID?
            if let ownerName = name.owner {
                guard let account = try database.account(ownerName) else { throw HubError.unknown(ownerName) }
                owner = account.id
            }
            try database.change(
                """
                INSERT INTO accounts (name, kind, owner_id, is_admin, password, created_at)
                VALUES (?, ?, ?, ?, ?, ?)
                """, [name.description, kind.rawValue, owner?.rawValue, isAdmin, password, now()])
            let account = Account(
                id: AccountID(database.lastInsertedRowID), name: name, kind: kind, isAdmin: isAdmin,
                isDisabled: false, createdAt: now())
            try database.audit(
                access, "\(kind.rawValue).add", name.description, isAdmin ? "admin" : nil, now: now())
            return account
        }
    }

    package func account(_ name: AccountName) async throws -> Account? {
        try await read { [access] database in
            try database.authorize(access, .account(name))
            return try database.account(name)
        }
    }

    package func accounts(
        _ kind: Account.Kind?, after: String, limit: Int
    ) async throws -> [Account] {
        try await read { [access] database in
            try database.authorize(access, .hub)
            return try database.cachedStatement(
                "SELECT * FROM accounts WHERE (?1 IS NULL OR kind = ?1) AND name > ?2 ORDER BY name LIMIT ?3",
                [kind?.rawValue, after, limit]
            ) { try Row.fetchAll($0) }.compactMap(Account.init)
        }
    }

    package func changeAccount(_ name: AccountName, _ change: AccountChange) async throws {
        try await write { [now, access] database in
            let action: ManagementAction =
                if case .password = change { .account(name) } else {
                    name.owner.map { .organisation($0) } ?? .hub
                }
            try database.authorize(access, action)
            guard let account = try database.account(name) else { throw HubError.unknown(name) }
            let word: String
            switch change {
            case .password(let hash):
                guard account.kind == .user else {
                    throw HubError(
                        .accountInvalid, "\(account.kind.rawValue) \"\(name)\" has no password",
                        hint: "give it a token instead")
                }
                try database.change(
                    "UPDATE accounts SET password = ? WHERE id = ?", [hash, account.id.rawValue])
                try database.change(
                    """
                    UPDATE tokens SET revoked_at = ?
                    WHERE account_id = ? AND kind = 'refresh' AND revoked_at IS NULL
                    """, [now(), account.id.rawValue])
                try database.endSessions(of: account.id)
                word = "password"
            case .isAdmin(let isAdmin):
                try database.change(
                    "UPDATE accounts SET is_admin = ? WHERE id = ?", [isAdmin, account.id.rawValue])
                word = isAdmin ? "admin" : "no-admin"
            case .isDisabled(let isDisabled):
                try database.change(
                    "UPDATE accounts SET is_disabled = ? WHERE id = ?", [isDisabled, account.id.rawValue])
                if isDisabled { try database.endSessions(of: account.id) }
                word = isDisabled ? "disable" : "enable"
            }
            if account.isAdmin { try database.keepAnAdmin() }
            try database.audit(access, "\(account.kind.rawValue).\(word)", name.description, nil, now: now())
        }
    }

    package func removeAccount(_ name: AccountName) async throws {
        try await write { [now, access] database in
            try database.authorize(access, name.owner.map { .organisation($0) } ?? .hub)
            guard let account = try database.account(name) else { throw HubError.unknown(name) }
            try database.change("DELETE FROM accounts WHERE id = ?", [account.id.rawValue])
            if account.isAdmin { try database.keepAnAdmin() }
            try database.audit(access, "\(account.kind.rawValue).remove", name.description, nil, now: now())
        }
    }
}

extension MetadataDatabase: CredentialStore {
    package func credentials(_ name: AccountName) async throws -> (Account, String?)? {
        try await read { database in
            try database.cachedStatement("SELECT * FROM accounts WHERE name = ?", [name.description]) {
                try Row.fetchOne($0)
            }.flatMap { row in Account(row).map { ($0, row["password"] as String?) } }
        }
    }

    package func rehash(_ account: AccountID, from old: String, to new: String) async throws {
        try await write { database in
            try database.change(
                "UPDATE accounts SET password = ? WHERE id = ? AND password = ?",
                [new, account.rawValue, old])
        }
    }

    package func hasNoUser() async throws -> Bool {
        try await read { try Bool.fetchOne($0, sql: "SELECT NOT EXISTS (SELECT 1 FROM accounts)") ?? true }
    }

    package func token(hash: String) async throws -> AccessToken? {
        try await read { database in
            try database.cachedStatement(
                "SELECT \(tokenColumns) FROM tokens JOIN accounts ON accounts.id = account_id WHERE hash = ?",
                [hash]
            ) { try Row.fetchOne($0) }.flatMap(AccessToken.init)
        }
    }

    package func noteUse(_ times: [TokenID: Int64]) async throws {
        try await write(durable: false) { database in
            for (id, time) in times {
                try database.change(
                    "UPDATE tokens SET last_used_at = max(ifnull(last_used_at, 0), ?) WHERE id = ?",
                    [time, id.description])
            }
        }
    }
}

extension Database {
    func account(_ name: AccountName) throws -> Account? {
        try cachedStatement("SELECT * FROM accounts WHERE name = ?", [name.description]) {
            try Row.fetchOne($0)
        }.flatMap(Account.init)
    }

    /// Refuses to end with nobody who could let others in.
    fileprivate func keepAnAdmin() throws {
        let isKept = try cachedStatement(
            "SELECT EXISTS (SELECT 1 FROM accounts WHERE is_admin AND NOT is_disabled)", []
        ) { try Bool.fetchOne($0) ?? false }
        guard isKept else {
            throw HubError(
                .accountInvalid, "the hub would be left without an administrator",
                hint: "make another user an administrator first")
        }
    }
}

extension Account {
    /// Reads a row; nil for one that no version of the hub wrote.
    init?(_ row: Row) {
        guard let name = try? AccountName(row["name"] as String),
            let kind = Kind(rawValue: row["kind"])
        else { return nil }
        self.init(
            id: AccountID(row["id"]), name: name, kind: kind, isAdmin: row["is_admin"],
            isDisabled: row["is_disabled"], createdAt: row["created_at"])
    }
}
