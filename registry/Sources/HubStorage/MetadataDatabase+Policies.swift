// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
private import Foundation
import GRDB
package import Hub
import OCI

extension MetadataDatabase: PolicyStore {
    package func policies() async throws -> [String: RepositoryPolicy] {
        try await read { [access] database in
            let rows = try Row.fetchAll(database, sql: "SELECT scope, policy FROM policies ORDER BY scope")
            var policies: [String: RepositoryPolicy] = [:]
            for row in rows {
                let scope: String = row["scope"]
                guard try database.mayDecide(access, PolicyScope(scope)) else { continue }
                policies[scope] = try RepositoryPolicy(row)
            }
            return policies
        }
    }

    package func setPolicy(_ policy: RepositoryPolicy?, for scope: PolicyScope) async throws {
        let text = try policy.map { String(decoding: try canonicalJSON($0), as: UTF8.self) }
        try await write { [access] database in
            guard try database.mayDecide(access, scope) else {
                throw HubError(
                    .denied, "the policy of \"\(scope)\" is not yours to decide",
                    hint: "ask an administrator of the hub", category: .denied)
            }
            if let text {
                try database.change(
                    "INSERT INTO policies (scope, policy) VALUES (?, ?) ON CONFLICT DO UPDATE SET policy = excluded.policy",
                    [scope.description, text])
            } else {
                try database.change("DELETE FROM policies WHERE scope = ?", [scope.description])
            }
        }
    }
}

extension RepositoryPolicy {
    fileprivate init(_ row: Row) throws {
        self = try JSONDecoder().decode(Self.self, from: Data((row["policy"] as String).utf8))
    }
}

extension Database {
    /// Whether the principal decides about a scope; one that holds many repositories is for whoever runs the hub.
    fileprivate func mayDecide(_ access: Access, _ scope: PolicyScope) throws -> Bool {
        guard let repository = scope.repository else { return access.isUnlimited }
        return try allows(access, .administer, repository)
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
    func checkQuotas(of repository: Repository) throws {
        for (scope, policy) in try scopedPolicies(of: repository) {
            guard let quota = policy.quota else { continue }
            // Repository names hold no character that GLOB takes for anything but itself.
            let used = try cachedStatement(
                "SELECT coalesce(sum(held_bytes), 0) FROM repositories WHERE name GLOB ?", [scope]
            ) { try Int64.fetchOne($0) ?? 0 }
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
