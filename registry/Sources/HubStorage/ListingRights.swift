// SPDX-License-Identifier: Apache-2.0

import GRDB
import Hub

/// Which listings somebody may see: the rights of `ListingCondition`, looked up once for all listings.
struct ListingRights {
    private var seesAll = false
    private var seesPublic = false
    /// By number: whether all of the name space is seen.
    private var namespaces: [Bool]
    /// Keys of repositories that somebody was given a role in.
    private var granted: Set<Int64> = []
    /// What a token was made for; nil for no such limit.
    private var patterns: [Scope]?

    init(_ access: Access, _ listings: ListingSnapshot, _ database: Database) throws {
        namespaces = Array(repeating: false, count: listings.namespaces.count)
        patterns = access.principal.bounds?.names?.map { Scope(repositories: $0, actions: [.pull]) }
        guard !access.policy.isOpen, access.principal.identity != .host else {
            seesAll = true
            return
        }
        seesPublic = access.policy.allowsAnonymousPull || access.principal.account != nil
        guard let account = access.principal.account?.rawValue else { return }
        let known = try database.cachedStatement(
            "SELECT is_admin, kind, name FROM accounts WHERE id = ? AND NOT is_disabled", [account]
        ) { try Row.fetchOne($0) }
        guard let known else { return }
        guard !(known[0] as Bool) else {
            seesAll = true
            return
        }
        var spaces = try database.cachedStatement(
            """
            SELECT owners.name FROM memberships JOIN accounts AS owners ON owners.id = organisation_id
            WHERE account_id = ?
            """, [account]
        ) { try String.fetchAll($0) }
        if (known[1] as String) == "user" { spaces.append(known[2]) }
        for space in spaces { if let number = listings.namespaces[space] { namespaces[number] = true } }
        let grants = try database.cachedStatement(
            "SELECT repository FROM repository_grants WHERE account_id = ?", [account]
        ) { try String.fetchAll($0) }
        for name in grants {
            let place = listings.place(of: name, isIncluded: true)
            guard place < listings.entries.count, listings.entries[place].name == name else { continue }
            granted.insert(listings.entries[place].repository)
        }
    }

    /// Whether a listing may be shown, or counted.
    func allow(_ entry: ListingSnapshot.Entry) -> Bool {
        guard
            seesAll || seesPublic && entry.isPublic || namespaces[entry.namespace]
                || !granted.isEmpty && granted.contains(entry.repository)
        else { return false }
        guard let patterns else { return true }
        return patterns.contains { $0.covers(entry.name) }
    }
}
