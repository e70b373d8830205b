// SPDX-License-Identifier: Apache-2.0

private import Foundation
import GRDB
package import Hub
package import OCI

extension MetadataDatabase: AuthorizingStore {
    package func acting(for principal: Principal) -> MetadataDatabase {
        MetadataDatabase(self, acting: principal)
    }

    package func authorize(
        _ action: RepositoryAction, in repository: Repository, tags: [Tag]
    ) async throws {
        if access.isUnlimited { return }
        try await read { [access] database in
            try database.authorize(access, action, repository, tags: tags)
        }
    }
}

extension Database {
    /// Refuses an action that the principal has no right to at this moment; the first line of each transaction.
    func authorize(
        _ access: Access, _ action: RepositoryAction, _ repository: Repository, tags: [Tag] = []
    ) throws {
        if access.isUnlimited { return }
        try access.authorize(action, repository, tags: tags, facts: facts)
    }

    /// Refuses to let somebody manage the hub who has no right to that at this moment.
    func authorize(_ access: Access, _ action: ManagementAction) throws {
        if access.isUnlimited { return }
        try access.authorize(action, facts: facts)
    }

    /// Refuses a list of repositories; which of them it may show, `ListingCondition` says.
    func authorizeCatalog(_ access: Access) throws { try access.authorizeCatalog(facts: facts) }

    /// Whether an action would be allowed.
    func allows(_ access: Access, _ action: RepositoryAction, _ repository: Repository) throws -> Bool {
        try access.isUnlimited || access.allows(action, repository, facts: facts)
    }

    /// Whether only the session stands in the way of an action.
    func needsWiderSession(
        _ access: Access, for action: RepositoryAction, _ repository: Repository
    ) throws -> Bool {
        let token = try access.principal.token.flatMap { try accessToken($0) }
        return try access.needsWiderSession(for: action, repository, token: token?.scopes, facts: facts)
    }

    private var facts: DatabaseFacts {
        DatabaseFacts(database: self, now: Int64(Date().timeIntervalSince1970))
    }
}

/// What the transaction of a connection knows about rights.
private struct DatabaseFacts: AccessFacts {
    let database: Database
    /// Seconds since 1970.
    let now: Int64

    func isActive(_ account: AccountID, token: TokenID?) throws -> Bool {
        try database.cachedStatement(AccessQuery.isActive, [account.rawValue, token?.description, now]) {
            try Bool.fetchOne($0)
        } ?? false
    }

    func isAdmin(_ account: AccountID) throws -> Bool {
        try database.cachedStatement(AccessQuery.isAdmin, [account.rawValue]) { try Bool.fetchOne($0) }
            ?? false
    }

    func role(of account: AccountID, in repository: Repository) throws -> Role? {
        try database.cachedStatement(
            AccessQuery.roleInRepository, [account.rawValue, repository.path, repository.namespace]
        ) { try Int.fetchOne($0) }.flatMap(Role.init)
    }

    func role(of account: AccountID, inOrganisation name: AccountName) throws -> Role? {
        try database.cachedStatement(
            AccessQuery.roleInOrganisation, [account.rawValue, name.description]
        ) { try Int.fetchOne($0) }.flatMap(Role.init)
    }

    func isPublic(_ repository: Repository) throws -> Bool {
        try database.cachedStatement(AccessQuery.isPublic, [repository.path]) { try Bool.fetchOne($0) }
            ?? false
    }
}

/// The questions behind `AccessFacts`, for whichever connection asks them.
enum AccessQuery {
    /// An account (1) and its token (2), if any, at a time (3).
    static let isActive = """
        SELECT EXISTS (SELECT 1 FROM accounts WHERE id = ?1 AND NOT is_disabled) AND (?2 IS NULL OR EXISTS (
            SELECT 1 FROM tokens
            WHERE id = ?2 AND account_id = ?1 AND revoked_at IS NULL AND ifnull(expires_at, ?3 + 1) > ?3))
        """
    /// The same, and whether the password's hash is still this one (4).
    static let holdsLogIn = """
        SELECT (\(isActive)) AND (?4 IS NULL OR ?4 = (SELECT password FROM accounts WHERE id = ?1))
        """
    static let isAdmin = "SELECT is_admin FROM accounts WHERE id = ?1"
    /// An account (1), a repository (2) and the part of its name that somebody owns (3).
    static let roleInRepository = """
        SELECT max(role) FROM (
            SELECT 3 AS role FROM accounts WHERE id = ?1 AND (is_admin OR (kind = 'user' AND name = ?3))
            UNION ALL
            SELECT role FROM memberships
            WHERE account_id = ?1 AND organisation_id = (SELECT id FROM accounts WHERE name = ?3)
            UNION ALL
            SELECT role FROM repository_grants WHERE account_id = ?1 AND repository = ?2)
        """
    static let roleInOrganisation = """
        SELECT max(role) FROM (
            SELECT 3 AS role FROM accounts WHERE id = ?1 AND kind = 'user' AND name = ?2
            UNION ALL
            SELECT role FROM memberships
            WHERE account_id = ?1 AND organisation_id = (SELECT id FROM accounts WHERE name = ?2))
        """
    static let isPublic = "SELECT is_public FROM repositories WHERE name = ?1"
}

/// Which rows of `repositories` a list may show: the same rights as `Access.authorize` for a pull, as a condition.
struct ListingCondition {
    private(set) var sql = "1"
    private(set) var arguments = StatementArguments()

    init(_ access: Access) {
        if access.isUnlimited { return }
        if !access.policy.isOpen, access.principal.identity != .host {
            sql = "(repositories.is_public AND ?)"
            arguments += [access.policy.allowsAnonymousPull || access.principal.account != nil]
            if let account = access.principal.account?.rawValue {
                sql = """
                    (\(sql) OR EXISTS (SELECT 1 FROM accounts WHERE id = ? AND NOT is_disabled AND (
                        is_admin OR (kind = 'user' AND name = repositories.namespace)
                        OR EXISTS (SELECT 1 FROM memberships JOIN accounts AS owners ON owners.id = organisation_id
                            WHERE account_id = accounts.id AND owners.name = repositories.namespace)
                        OR EXISTS (SELECT 1 FROM repository_grants
                            WHERE account_id = accounts.id AND repository = repositories.name))))
                    """
                arguments += [account]
            }
        }
        if let patterns = access.principal.bounds?.names {
            // Repository names hold no character that GLOB takes for anything but itself.
            let any = ["0"] + patterns.map { _ in "repositories.name GLOB ?" }
            sql += " AND (\(any.joined(separator: " OR ")))"
            arguments += StatementArguments(patterns)
        }
    }
}
