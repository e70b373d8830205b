// SPDX-License-Identifier: Apache-2.0

import GRDB
package import Hub
import OCI

extension MetadataDatabase: HoldingStore {
    package func memberships() async throws -> [Membership] {
        try await read { [access] database in
            let seesAll = (try? database.authorize(access, .hub)) != nil
            if !seesAll { try database.authorize(access, .account(try AccountName(access.principal.name))) }
            return try database.cachedStatement(
                """
                SELECT name, role FROM accounts
                LEFT JOIN memberships ON organisation_id = accounts.id AND account_id = ?1
                WHERE kind = 'organisation' AND (?2 OR role IS NOT NULL) ORDER BY name
                """, [access.principal.account?.rawValue, seesAll]
            ) { try Row.fetchAll($0) }.map { row in
                Membership(
                    organisation: try AccountName(row["name"] as String),
                    role: (row["role"] as Int?).flatMap(Role.init))
            }
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
                SELECT namespace, count(*) AS number, sum(held_bytes) AS bytes FROM repositories
                GROUP BY namespace ORDER BY bytes DESC, namespace LIMIT ?
                """, [limit]
            ) { try Row.fetchAll($0) }.map { row in
                let owner: String = row["namespace"]
                return Holding(
                    owner: owner, repositories: row["number"], bytes: row["bytes"],
                    quota: try database.ownPolicy(of: PolicyScope("\(owner)/*"))?.quota)
            }
        }
    }
}
