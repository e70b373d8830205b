// SPDX-License-Identifier: Apache-2.0

import GRDB
package import Hub
import OCI

extension MetadataDatabase: HoldingStore {
    package func memberships(after: String, limit: Int) async throws -> [Membership] {
        try await read { [access] database in
            let seesAll = (try? database.authorize(access, .hub)) != nil
            if !seesAll { try database.authorize(access, .account(try AccountName(access.principal.name))) }
            return try database.cachedStatement(
                """
                SELECT name, role FROM accounts
                LEFT JOIN memberships ON organisation_id = accounts.id AND account_id = ?1
                WHERE kind = 'organisation' AND (?2 OR role IS NOT NULL) AND name > ?3 ORDER BY name LIMIT ?4
                """, [access.principal.account?.rawValue, seesAll, after, limit]
            ) { try Row.fetchAll($0) }.map { row in
                Membership(
                    organisation: try AccountName(row["name"] as String),
                    role: (row["role"] as Int?).flatMap(Role.init))
            }
        }
    }

    package func sharedOrganisations(with name: AccountName, limit: Int) async throws -> [AccountName] {
        try await read { [access] database in
            let seesAll = (try? database.authorize(access, .hub)) != nil
            let visitor = access.principal.name
            let isKnown = (try? database.authorize(access, .account(try AccountName(visitor)))) != nil
            return try database.cachedStatement(
                """
                SELECT organisations.name FROM memberships
                JOIN accounts AS organisations ON organisations.id = organisation_id
                WHERE memberships.account_id = (SELECT id FROM accounts WHERE name = ?1)
                    AND (?2 OR memberships.account_id = ?3 OR EXISTS (
                        SELECT 1 FROM memberships AS own WHERE own.account_id = ?3 AND own.role = 3
                            AND own.organisation_id = memberships.organisation_id))
                ORDER BY organisations.name LIMIT ?4
                """,
                [name.description, seesAll, isKnown ? access.principal.account?.rawValue : nil, limit]
            ) { try String.fetchAll($0) }.map { try AccountName($0) }
        }
    }

    package func membership(in owner: AccountName) async throws -> Membership {
        try await read { [access] database in
            try database.authorize(access, .membership(owner))
            guard try database.account(owner) != nil else { throw HubError.unknown(owner) }
            let role = try database.cachedStatement(
                AccessQuery.roleInOrganisation, [access.principal.account?.rawValue, owner.description]
            ) { try Int.fetchOne($0) }
            return Membership(organisation: owner, role: role.flatMap(Role.init))
        }
    }

    package func holding(of owner: AccountName) async throws -> Holding {
        try await read { [access] database in
            try database.authorize(access, .membership(owner))
            guard try database.account(owner) != nil else { throw HubError.unknown(owner) }
            let row = try database.cachedStatement(
                """
                SELECT count(*) AS number, coalesce(sum(held_bytes), 0) AS bytes FROM repositories
                WHERE name > ?1 || '/' AND name < ?1 || '0'
                """, [owner.description]
            ) { try Row.fetchOne($0) }
            return Holding(
                owner: owner.description, repositories: row?["number"] ?? 0, bytes: row?["bytes"] ?? 0,
                quota: try database.ownPolicy(of: PolicyScope("\(owner)/*"))?.quota)
        }
    }

    package func repositories(
        of owner: AccountName, after: String, limit: Int
    ) async throws -> [HeldRepository] {
        try await read { [access] database in
            try database.authorize(access, .membership(owner))
            guard try database.account(owner) != nil else { throw HubError.unknown(owner) }
            return try database.cachedStatement(
                """
                SELECT name, is_public, held_bytes,
                    (SELECT count(*) FROM tags WHERE repository_id = repositories.id) AS tags,
                    (SELECT max(updated_at) FROM tags WHERE repository_id = repositories.id) AS updated_at
                FROM repositories
                WHERE (name = ?1 OR (name > ?1 || '/' AND name < ?1 || '0')) AND name > ?2
                ORDER BY name LIMIT ?3
                """, [owner.description, after, limit]
            ) { try Row.fetchAll($0) }.map { row in
                HeldRepository(
                    repository: try Repository(row["name"] as String), isPublic: row["is_public"],
                    bytes: row["held_bytes"], tags: row["tags"], updatedAt: row["updated_at"])
            }
        }
    }

    package func robots(of owner: AccountName) async throws -> [Account] {
        try await read { [access] database in
            try database.authorize(access, .organisation(owner))
            guard let account = try database.account(owner) else { throw HubError.unknown(owner) }
            return try database.cachedStatement(
                "SELECT * FROM accounts WHERE owner_id = ? ORDER BY name", [account.id.rawValue]
            ) { try Row.fetchAll($0) }.compactMap(Account.init)
        }
    }

    package func holdings(limit: Int) async throws -> [Holding] {
        try await read { [access] database in
            try database.authorize(access, .hub)
            return try database.cachedStatement(
                """
                SELECT namespace, repositories, bytes FROM namespace_holdings
                ORDER BY bytes DESC, namespace LIMIT ?
                """, [limit]
            ) { try Row.fetchAll($0) }.map { row in
                let owner: String = row["namespace"]
                return Holding(
                    owner: owner, repositories: row["repositories"], bytes: row["bytes"],
                    quota: try database.ownPolicy(of: PolicyScope("\(owner)/*"))?.quota)
            }
        }
    }
}
