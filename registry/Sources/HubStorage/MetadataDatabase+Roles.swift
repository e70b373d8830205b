// SPDX-License-Identifier: Apache-2.0

import GRDB
package import Hub
package import OCI

extension MetadataDatabase: RoleStore {
    package func setRole(_ role: Role?, of name: AccountName, in target: RoleTarget) async throws {
        try await write { [now, access] database in
            try database.authorize(access, administering: target)
            guard let account = try database.account(name), account.kind != .organisation else {
                throw HubError.unknown(name)
            }
            switch target {
            case .organisation(let organisation):
                guard let owner = try database.account(organisation), owner.kind == .organisation else {
                    throw HubError.unknown(organisation)
                }
                let key: StatementArguments = [account.id.rawValue, owner.id.rawValue]
                if let role {
                    try database.change(
                        """
                        INSERT INTO memberships (account_id, organisation_id, role) VALUES (?, ?, ?)
                        ON CONFLICT DO UPDATE SET role = excluded.role
                        """, key + [role.rawValue])
                } else {
                    try database.change(
                        "DELETE FROM memberships WHERE account_id = ? AND organisation_id = ?", key)
                }
            case .repository(let repository):
                let key: StatementArguments = [account.id.rawValue, repository.path]
                if let role {
                    try database.change(
                        """
                        INSERT INTO repository_grants (account_id, repository, role) VALUES (?, ?, ?)
                        ON CONFLICT DO UPDATE SET role = excluded.role
                        """, key + [role.rawValue])
                } else {
                    try database.change(
                        "DELETE FROM repository_grants WHERE account_id = ? AND repository = ?", key)
                }
            }
            let change = role.map { "role.\($0)" } ?? "role.none"
            try database.audit(access, change, target.description, name.description, now: now())
        }
    }

    package func roles(in target: RoleTarget) async throws -> [AccountName: Role] {
        try await read { [access] database in
            try database.authorize(access, administering: target)
            let sql =
                switch target {
                case .organisation:
                    """
                    SELECT accounts.name, role FROM memberships JOIN accounts ON accounts.id = account_id
                    WHERE organisation_id = (SELECT id FROM accounts WHERE name = ?)
                    """
                case .repository:
                    """
                    SELECT accounts.name, role FROM repository_grants JOIN accounts ON accounts.id = account_id
                    WHERE repository = ?
                    """
                }
            return try database.cachedStatement(sql, [target.description]) { try Row.fetchAll($0) }.reduce(
                into: [:]
            ) { roles, row in
                roles[try AccountName(row["name"] as String)] = Role(rawValue: row["role"])
            }
        }
    }

    package func setPublic(_ isPublic: Bool, _ repository: Repository) async throws {
        try await write { [now, access] database in
            try database.authorize(access, .administer, repository)
            let id = try database.makeRepositoryID(repository, now: now())
            try database.change("UPDATE repositories SET is_public = ? WHERE id = ?", [isPublic, id])
            try database.audit(
                access, isPublic ? "repository.public" : "repository.private", repository.path, nil,
                now: now())
        }
    }

    package func isPublic(_ repository: Repository) async throws -> Bool {
        try await read { [access] database in
            try database.authorize(access, .pull, repository)
            return try database.cachedStatement(
                "SELECT is_public FROM repositories WHERE name = ?", [repository.path]
            ) { try Bool.fetchOne($0) } ?? false
        }
    }
}

extension MetadataDatabase: AuditStore {
    package func authorizeHub() async throws {
        try await read { [access] database in try database.authorize(access, .hub) }
    }

    package func noteCollection() async throws {
        try await write { [now, access] database in
            try database.authorize(access, .hub)
            try database.audit(access, "collection.request", "hub", nil, now: now())
        }
    }

    package func auditEntries(before: Int64?, limit: Int) async throws -> [AuditEntry] {
        try await read { [access] database in
            try database.authorize(access, .hub)
            return try database.cachedStatement(
                "SELECT * FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?", [before ?? .max, limit]
            ) { try Row.fetchAll($0) }.map { row in
                AuditEntry(
                    id: row["id"], time: row["time"], actor: row["actor"], address: row["address"],
                    action: row["action"], subject: row["subject"], detail: row["detail"])
            }
        }
    }
}

extension Database {
    /// Adds a line to the audit log; the last thing a change does.
    func audit(
        _ access: Access, _ action: String, _ subject: String, _ detail: String?, now: Int64
    ) throws {
        try change(
            "INSERT INTO audit (time, actor, address, action, subject, detail) VALUES (?, ?, ?, ?, ?, ?)",
            [now, access.principal.name, access.principal.address, action, subject, detail])
    }

    /// Refuses to let somebody give roles who has no right to that.
    fileprivate func authorize(_ access: Access, administering target: RoleTarget) throws {
        switch target {
        case .organisation(let name): try authorize(access, .organisation(name))
        case .repository(let repository): try authorize(access, .administer, repository)
        }
    }
}
