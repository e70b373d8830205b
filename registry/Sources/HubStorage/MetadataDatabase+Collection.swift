// SPDX-License-Identifier: Apache-2.0

import GRDB
package import Hub
package import OCI

extension MetadataDatabase: CollectionStore {
    /// Rows that one transaction removes, so that pushes get their turn.
    private static let batch = 500

    package func uploads(before: Int64) async throws -> [UploadSession] {
        try await read { database in
            try database.cachedStatement("SELECT * FROM uploads WHERE started_at < ?", [before]) {
                try Row.fetchAll($0)
            }.compactMap(UploadSession.init)
        }
    }

    package func endUploads(_ ids: [UploadID]) async throws -> Int {
        var count = 0
        for start in stride(from: 0, to: ids.count, by: Self.batch) {
            let batch = ids[start..<min(start + Self.batch, ids.count)]
            count += try await write(durable: false) { database in
                try batch.reduce(0) { count, id in
                    try database.change("DELETE FROM uploads WHERE id = ?", [id.description])
                    return count + database.changesCount
                }
            }
        }
        return count
    }

    package func unlinkUnused(before: Int64) async throws -> Int {
        var count = 0
        var last: (repository: Int64, digest: String) = (0, "")
        while true {
            let rows = try await read { [last] database in
                try database.cachedStatement(
                    """
                    SELECT repository_id, digest FROM repository_blobs AS link
                    WHERE (repository_id, digest) > (?1, ?2) AND \(Self.isUnused)
                    ORDER BY repository_id, digest LIMIT \(Self.batch)
                    """, [last.repository, last.digest, before]
                ) { try Row.fetchAll($0) }.map { ($0["repository_id"] as Int64, $0["digest"] as String) }
            }
            guard let final = rows.last else { return count }
            last = final
            count += try await write { database in
                var count = 0
                for (repository, digest) in rows {
                    try database.change(
                        """
                        DELETE FROM repository_blobs AS link
                        WHERE repository_id = ?1 AND digest = ?2 AND \(Self.isUnused)
                        """, [repository, digest, before])
                    count += database.changesCount
                }
                return count
            }
        }
    }

    /// The link is older than the lease (?3) and no manifest of its repository needs it.
    private static let isUnused = """
        linked_at <= ?3 AND NOT EXISTS (
            SELECT 1 FROM manifest_references
            WHERE manifest_references.repository_id = link.repository_id AND blob_digest = link.digest)
        """

    /// No repository holds the blob, and it is no module that was taken out of a layer of an image.
    private static let isHeldByNobody = """
        NOT EXISTS (SELECT 1 FROM repository_blobs WHERE repository_blobs.digest = blobs.digest)
        AND NOT EXISTS (SELECT 1 FROM manifest_facts WHERE module_blob = blobs.digest)
        """

    package func unusedBlobs(after: Digest?, limit: Int) async throws -> [Digest] {
        try await read { database in
            try database.cachedStatement(
                """
                SELECT digest FROM blobs WHERE digest > ? AND \(Self.isHeldByNobody)
                ORDER BY digest LIMIT ?
                """, [after?.description ?? "", limit]
            ) { try String.fetchAll($0) }.compactMap { Digest($0) }
        }
    }

    package func forgetBlobs(_ digests: [Digest]) async throws -> [BlobRecord] {
        try await write { database in
            try digests.compactMap { digest in
                let size = try database.cachedStatement(
                    """
                    SELECT size FROM blobs WHERE digest = ? AND \(Self.isHeldByNobody)
                    """, [digest.description]
                ) { try Int64.fetchOne($0) }
                guard let size else { return nil }
                try database.change("DELETE FROM blobs WHERE digest = ?", [digest.description])
                return BlobRecord(digest: digest, size: size)
            }
        }
    }

    package func unknownBlobs(_ digests: [Digest]) async throws -> [Digest] {
        try await read { database in
            try digests.filter { digest in
                try database.cachedStatement(
                    "SELECT NOT EXISTS (SELECT 1 FROM blobs WHERE digest = ?)", [digest.description]
                ) { try Bool.fetchOne($0) ?? false }
            }
        }
    }

    package func retire(now: Int64) async throws -> (tags: Int, manifests: Int) {
        let scopes = try await policies().filter {
            $0.value.keepTags != nil || $0.value.untaggedLifetime != nil
        }
        guard !scopes.isEmpty else { return (0, 0) }
        let repositories = try await read { try String.fetchAll($0, sql: "SELECT name FROM repositories") }
        var retired = (tags: 0, manifests: 0)
        for name in repositories {
            let repository = try Repository(name)
            guard PolicyScope.all(of: repository).contains(where: { scopes[$0] != nil }) else { continue }
            let (tags, manifests, isAwaited) = try await write { [access] database in
                try database.retire(repository, for: access.principal, now: now)
            }
            retired.tags += tags
            retired.manifests += manifests
            if isAwaited { events.announce() }
        }
        return retired
    }
}

extension Database {
    /// Removes what the policy of a repository gives up.
    fileprivate func retire(
        _ repository: Repository, for principal: Principal, now: Int64
    ) throws -> (tags: Int, manifests: Int, isAwaited: Bool) {
        guard let id = try repositoryID(repository) else { return (0, 0, false) }
        let policy = try policy(for: repository)
        var isAwaited = false
        var tags = 0
        if let keep = policy.keepTags {
            let old = try cachedStatement(
                """
                SELECT name FROM tags WHERE repository_id = ?
                ORDER BY updated_at DESC, name DESC LIMIT -1 OFFSET ?
                """, [id, keep]
            ) { try String.fetchAll($0) }
            let patterns = policy.immutableTags ?? []
            for tag in old where !patterns.contains(where: { TagPattern.matches($0, tag) }) {
                try change("DELETE FROM tags WHERE repository_id = ? AND name = ?", [id, tag])
                tags += 1
                let isKept = try self.keep(.tagDelete, in: repository, now: now) {
                    ChangeEvent(.tagDelete, in: repository, digest: nil, tags: [tag], by: principal)
                }
                isAwaited = isAwaited || isKept
            }
        }
        guard let lifetime = policy.untaggedLifetime else { return (tags, 0, isAwaited) }
        // The trigger asks the clock anew, which may have gone on, or back since an earlier time.
        try change(
            "UPDATE manifests SET left_at = ?2 WHERE repository_id = ?1 AND left_at > ?2", [id, now])
        // What refers to an image goes with it, not before; what an index names goes when the index is gone.
        let removed = try cachedStatement(
            """
            DELETE FROM manifests WHERE repository_id = ?1 AND max(created_at, coalesce(left_at, 0)) <= ?2
            AND NOT EXISTS (SELECT 1 FROM tags WHERE manifest_id = manifests.id)
            AND NOT EXISTS (SELECT 1 FROM manifest_references WHERE child_id = manifests.id)
            AND NOT EXISTS (SELECT 1 FROM manifests AS subjects
                WHERE subjects.repository_id = ?1 AND subjects.digest = manifests.subject)
            RETURNING digest
            """, [id, now - lifetime]
        ) { try String.fetchAll($0) }
        for digest in removed {
            let isKept = try keep(.manifestDelete, in: repository, now: now) {
                ChangeEvent(
                    .manifestDelete, in: repository, digest: try Digest(digest[...]), tags: [], by: principal)
            }
            isAwaited = isAwaited || isKept
        }
        return (tags, removed.count, isAwaited)
    }
}
