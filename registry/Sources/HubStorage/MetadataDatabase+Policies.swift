// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
private import Foundation
import GRDB
package import Hub
package import OCI

extension MetadataDatabase: PolicyStore {
    package func policies() async throws -> [String: RepositoryPolicy] {
        try await read { [access] database in
            let rows = try Row.fetchAll(database, sql: "SELECT scope, policy FROM policies ORDER BY scope")
            var policies: [String: RepositoryPolicy] = [:]
            for row in rows {
                let scope: String = row["scope"]
                do {
                    try database.authorize(access, deciding: try PolicyScope(scope))
                } catch is HubError { continue }
                policies[scope] = try RepositoryPolicy(row)
            }
            return policies
        }
    }

    package func policy(for scope: PolicyScope) async throws -> RepositoryPolicy? {
        try await read { [access] database in
            try database.authorize(access, deciding: scope)
            return try database.ownPolicy(of: scope)
        }
    }

    package func setPolicy(_ policy: RepositoryPolicy?, for scope: PolicyScope) async throws {
        let text = try policy.map { String(decoding: try canonicalJSON($0), as: UTF8.self) }
        try await write { [now, access] database in
            try database.authorize(access, deciding: scope)
            let old = try database.ownPolicy(of: scope)
            if old?.quota != policy?.quota {
                do {
                    try database.authorize(access, .hub)
                } catch {
                    throw HubError(
                        .denied, "the quota of \"\(scope)\" is for the hub's administrators to decide",
                        hint: "send the other decisions with the quota as it is, or ask one of them",
                        category: .denied)
                }
            }
            guard old != policy else { return }
            if let text {
                try database.change(
                    "INSERT INTO policies (scope, policy) VALUES (?, ?) ON CONFLICT DO UPDATE SET policy = excluded.policy",
                    [scope.description, text])
            } else {
                try database.change("DELETE FROM policies WHERE scope = ?", [scope.description])
            }
            try database.audit(
                access, policy == nil ? "policy.remove" : "policy.set", scope.description, text, now: now())
        }
    }
}

extension MetadataDatabase {
    package func checkQuota(for count: Int64, as digest: Digest?, in repository: Repository) async throws {
        try await read { database in
            let isHeld =
                try digest.flatMap { digest in
                    try database.cachedStatement(
                        """
                        SELECT 1 FROM repository_blobs JOIN repositories ON repositories.id = repository_id
                        WHERE name = ? AND digest = ?
                        """, [repository.path, digest.description]
                    ) { try Int.fetchOne($0) }
                } != nil
            if !isHeld { try database.checkQuotas(of: repository, adding: count, knowsDigest: digest != nil) }
        }
    }
}

extension RepositoryPolicy {
    fileprivate init(_ row: Row) throws {
        self = try JSONDecoder().decode(Self.self, from: Data((row["policy"] as String).utf8))
    }
}

extension Database {
    /// Refuses whoever has no right to decide about a scope: administrators of the repository, or of whatever owns all
    /// repositories of it.
    fileprivate func authorize(_ access: Access, deciding scope: PolicyScope) throws {
        if let repository = scope.repository {
            try authorize(access, .administer, repository)
        } else if let owner = scope.owner {
            try authorize(access, .organisation(owner))
        } else {
            try authorize(access, .hub)
        }
    }

    /// What was decided about a scope itself.
    func ownPolicy(of scope: PolicyScope) throws -> RepositoryPolicy? {
        try cachedStatement("SELECT policy FROM policies WHERE scope = ?", [scope.description]) {
            try Row.fetchOne($0)
        }.map { try RepositoryPolicy($0) }
    }

    /// What holds for a repository at this moment.
    func policy(for repository: Repository) throws -> RepositoryPolicy {
        var policy = RepositoryPolicy()
        for (_, wider) in try scopedPolicies(of: repository) { policy = policy.completed(by: wider) }
        return policy
    }

    /// The policies that a repository falls under, the narrowest first.
    private func scopedPolicies(of repository: Repository) throws -> [(String, RepositoryPolicy)] {
        // Most hubs have none at all: then this is one look at an empty table.
        let isEmpty = try cachedStatement("SELECT NOT EXISTS (SELECT 1 FROM policies)", []) {
            try Bool.fetchOne($0) ?? true
        }
        if isEmpty { return [] }
        return try PolicyScope.all(of: repository).compactMap { scope in
            try cachedStatement("SELECT policy FROM policies WHERE scope = ?", [scope]) {
                try Row.fetchOne($0)
            }.map { (scope, try RepositoryPolicy($0)) }
        }
    }

    /// Refuses a change that left a scope with more than its quota; called when the change is made, before it is committed.
    ///
    /// `count` bytes more are to come; unless it is known that they are new, only what is larger than a whole quota is
    /// refused for them.
    func checkQuotas(of repository: Repository, adding count: Int64 = 0, knowsDigest: Bool = true) throws {
        for (scope, policy) in try scopedPolicies(of: repository) {
            guard let quota = policy.quota else { continue }
            // Repository names hold no character that GLOB takes for anything but itself.
            let held = try cachedStatement(
                "SELECT coalesce(sum(held_bytes), 0) FROM repositories WHERE name GLOB ?", [scope]
            ) { try Int64.fetchOne($0) ?? 0 }
            let (sum, isTooMuch) = (knowsDigest ? held : 0).addingReportingOverflow(count)
            let used = isTooMuch ? .max : sum
            guard used <= quota else {
                throw HubError(
                    .quotaExceeded, "\"\(scope)\" may hold \(quota) bytes, and would hold \(used)",
                    hint: "delete what is no longer needed, or have the quota raised")
            }
        }
    }

    /// Refuses to move or remove tags that a policy fixes; `manifest` is what they are to name, nil for nothing.
    func checkImmutable(
        _ tags: [String], _ policy: RepositoryPolicy, in repositoryID: Int64, manifest: Int64?
    ) throws {
        guard let patterns = policy.immutableTags, !patterns.isEmpty else { return }
        for tag in tags where patterns.contains(where: { TagPattern.matches($0, tag) }) {
            let named = try cachedStatement(
                "SELECT manifest_id FROM tags WHERE repository_id = ? AND name = ?", [repositoryID, tag]
            ) { try Int64.fetchOne($0) }
            guard named == nil || named == manifest else {
                throw HubError(
                    .immutable, "tag \"\(tag)\" is immutable in this repository",
                    hint: "push under another tag")
            }
        }
    }
}
