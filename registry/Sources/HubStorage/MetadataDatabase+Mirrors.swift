// SPDX-License-Identifier: Apache-2.0

private import Foundation
import GRDB
package import Hub
package import OCI

extension MetadataDatabase: MirrorStore {
    package func putMirrored(
        _ manifest: NewManifest, tag: Tag?, in repository: Repository, isPublic: Bool
    ) async throws {
        let annotations = String(decoding: try canonicalJSON(manifest.annotations), as: UTF8.self)
        try await write { [now, access] database in
            try database.authorize(access, .push, repository)
            if try database.repositoryID(repository) == nil {
                _ = try database.makeRepositoryID(repository, now: now())
                try database.change(
                    "UPDATE repositories SET is_public = ? WHERE name = ?", [isPublic, repository.path])
            }
            let repositoryID = try database.makeRepositoryID(repository, now: now())
            var manifestID = try database.manifestID(manifest.document.digest, in: repositoryID)
            if manifestID == nil {
                // What it names comes when somebody wants it.
                manifestID = try database.insert(
                    manifest, annotations, repositoryID, repository, RepositoryPolicy(allowsSparse: true),
                    now: now())
                try database.checkQuotas(of: repository)
            }
            guard let tag else { return }
            try database.change(
                """
                INSERT INTO tags (repository_id, name, manifest_id, updated_at, checked_at) VALUES (?, ?, ?, ?4, ?4)
                ON CONFLICT (repository_id, name) DO UPDATE SET manifest_id = excluded.manifest_id,
                    updated_at = excluded.updated_at, checked_at = excluded.checked_at
                """, [repositoryID, tag.name, manifestID, now()])
        }
    }

    package func mirroredTag(
        _ tag: Tag, in repository: Repository
    ) async throws -> (digest: Digest, checkedAt: Int64)? {
        try await read { [access] database in
            try database.authorize(access, .pull, repository)
            return try database.cachedStatement(
                """
                SELECT digest, coalesce(checked_at, 0) AS checked_at FROM repositories
                JOIN tags ON tags.repository_id = repositories.id
                JOIN manifests ON manifests.id = tags.manifest_id
                WHERE repositories.name = ? AND tags.name = ?
                """, [repository.path, tag.name]
            ) { try Row.fetchOne($0) }.map { row in
                (try Digest(row["digest"] as String), row["checked_at"])
            }
        }
    }

    package func noteCheck(of tag: Tag, in repository: Repository) async throws {
        try await write(durable: false) { [now, access] database in
            try database.authorize(access, .push, repository, tags: [tag])
            try database.change(
                """
                UPDATE tags SET checked_at = ?
                WHERE repository_id = (SELECT id FROM repositories WHERE name = ?) AND name = ?
                """, [now(), repository.path, tag.name])
        }
    }

    package func noteUse(of target: Reference.Target, in repository: Repository) async throws {
        let condition =
            switch target {
            case .tag:
                "id = (SELECT manifest_id FROM tags WHERE tags.repository_id = manifests.repository_id AND name = ?3)"
            case .digest: "digest = ?3"
            }
        try await write(durable: false) { [now, access] database in
            try database.authorize(access, .pull, repository)
            try database.change(
                """
                UPDATE manifests SET used_at = ?1
                WHERE repository_id = (SELECT id FROM repositories WHERE name = ?2) AND \(condition)
                """, [now(), repository.path, target.description])
        }
    }

    package func dropMirrored(_ tag: Tag, in repository: Repository) async throws {
        try await write { [access] database in
            try database.authorize(access, .delete, repository, tags: [tag])
            try database.change(
                "DELETE FROM tags WHERE repository_id = (SELECT id FROM repositories WHERE name = ?) AND name = ?",
                [repository.path, tag.name])
        }
    }

    package func descriptor(of blob: Digest, in repository: Repository) async throws -> Descriptor? {
        let row = try await read { [access] database in
            try database.authorize(access, .pull, repository)
            return try database.cachedStatement(
                """
                SELECT media_type, bytes FROM repositories
                JOIN manifest_references ON manifest_references.repository_id = repositories.id
                JOIN manifests ON manifests.id = manifest_id
                WHERE repositories.name = ? AND manifest_references.digest = ? LIMIT 1
                """, [repository.path, blob.description]
            ) { try Row.fetchOne($0) }.map { ($0["media_type"] as String, $0["bytes"] as Data) }
        }
        guard let (type, bytes) = row else { return nil }
        let document = try ManifestDocument(
            bytes: Array(bytes), mediaType: MediaType(rawValue: type), algorithm: .sha256)
        return document.blobs.first { $0.digest == blob }
    }

    package func adoptBlob(_ digest: Digest, in repository: Repository) async throws -> BlobRecord? {
        let size = try await read { database in
            try database.cachedStatement("SELECT size FROM blobs WHERE digest = ?", [digest.description]) {
                try Int64.fetchOne($0)
            }
        }
        guard size != nil else { return nil }
        return try await write { [now, access] database in
            try database.authorize(access, .push, repository)
            // It may have been collected meanwhile.
            let size = try database.cachedStatement(
                "SELECT size FROM blobs WHERE digest = ?", [digest.description]
            ) { try Int64.fetchOne($0) }
            guard let size else { return nil }
            try database.link(digest, to: repository, now: now())
            try database.checkQuotas(of: repository)
            return BlobRecord(digest: digest, size: size)
        }
    }

    package func beginFetch(_ session: UploadSession) async throws {
        try await write(durable: false) { [access] database in
            try database.authorize(access, .push, session.repository)
            try database.change(
                """
                INSERT INTO uploads (id, repository, account_id, algorithm, started_at)
                VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET started_at = excluded.started_at
                """,
                [
                    session.id.description, session.repository.path, session.owner?.rawValue,
                    session.algorithm.rawValue, session.startedAt,
                ])
        }
    }

    package func retireMirrored(in repository: Repository, before: Int64) async throws -> Int {
        try await write { [access] database in
            try database.authorize(access, .delete, repository)
            guard let id = try database.repositoryID(repository) else { return 0 }
            // What an index names goes when the index is gone.
            try database.change(
                """
                DELETE FROM manifests
                WHERE repository_id = ?1 AND max(created_at, coalesce(used_at, 0)) <= ?2
                AND NOT EXISTS (SELECT 1 FROM manifest_references WHERE child_id = manifests.id)
                """, [id, before])
            return database.changesCount
        }
    }

    package func repositories(below prefix: String) async throws -> [Repository] {
        try await read { database in
            // Repository names hold no character that GLOB takes for anything but itself.
            try String.fetchAll(
                database, sql: "SELECT name FROM repositories WHERE ?1 = '' OR name = ?1 OR name GLOB ?2",
                arguments: [prefix, "\(prefix)/*"]
            ).map { try Repository($0) }
        }
    }
}
