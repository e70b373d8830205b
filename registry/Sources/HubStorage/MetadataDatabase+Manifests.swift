// SPDX-License-Identifier: Apache-2.0

private import Foundation
private import GRDB
package import Hub
package import OCI

extension MetadataDatabase: ManifestStore {
    package func putManifest(
        _ manifest: NewManifest, in repository: Repository, tags: [Tag], if condition: PushCondition?
    ) async throws {
        let annotations = String(decoding: try canonicalJSON(manifest.annotations), as: UTF8.self)
        let isAwaited = try await write { [now, access] database in
            try database.authorize(access, .push, repository, tags: tags)
            let repositoryID = try database.makeRepositoryID(repository, now: now())
            let policy = try database.policy(for: repository)
            if let condition { try database.check(condition, tags, in: repositoryID) }
            let digest = manifest.document.digest
            var manifestID = try database.manifestID(digest, in: repositoryID)
            if manifestID == nil {
                manifestID = try database.insert(
                    manifest, annotations, repositoryID, repository, policy, now: now())
                try database.checkQuotas(of: repository)
            } else {
                // Whoever pushes an image again mends its blobs, and with them what is known of it.
                try database.change(
                    """
                    INSERT INTO pending_facts (manifest_id)
                    SELECT manifest_id FROM manifest_facts WHERE manifest_id = ? AND kind = 'unreadable'
                    ON CONFLICT DO NOTHING
                    """, [manifestID])
            }
            try database.checkImmutable(tags.map(\.name), policy, in: repositoryID, manifest: manifestID)
            for tag in tags {
                try database.change(
                    """
                    INSERT INTO tags (repository_id, name, manifest_id, updated_at, pushed_by)
                    VALUES (?, ?, ?, ?, ?)
                    ON CONFLICT (repository_id, name)
                    DO UPDATE SET manifest_id = excluded.manifest_id, updated_at = excluded.updated_at,
                        pushed_by = excluded.pushed_by
                    """, [repositoryID, tag.name, manifestID, now(), access.principal.name])
            }
            let names = [digest.description] + tags.map(\.name)
            try database.audit(
                access, "manifest.push", repository.path, names.joined(separator: " "), now: now())
            return try database.keep(.manifestPush, in: repository, now: now()) {
                ChangeEvent(
                    .manifestPush, in: repository, digest: digest, mediaType: manifest.document.mediaType,
                    size: Int64(manifest.document.bytes.count), tags: tags.map(\.name), by: access.principal)
            }
        }
        if isAwaited { events.announce() }
    }

    package func manifest(
        _ target: Reference.Target, in repository: Repository
    ) async throws -> StoredManifest? {
        try await read { [access] database in
            try database.authorize(access, .pull, repository)
            return try database.cachedStatement(
                ReadQuery.manifest(target), [repository.path, target.description]
            ) { try Row.fetchOne($0) }.map { row in
                StoredManifest(
                    digest: try Digest(row["digest"] as String),
                    mediaType: MediaType(rawValue: row["media_type"]), bytes: Array(row["bytes"] as Data))
            }
        }
    }

    package func deleteManifest(_ target: Reference.Target, in repository: Repository) async throws {
        let isAwaited = try await write { [now, access] database in
            if case .tag(let tag) = target {
                try database.authorize(access, .delete, repository, tags: [tag])
            } else {
                try database.authorize(access, .delete, repository)
            }
            let unknown = HubError(
                .manifestUnknown, "repository \"\(repository)\" holds no manifest \"\(target)\"",
                detail: target.description)
            guard let repositoryID = try database.repositoryID(repository) else { throw unknown }
            let policy = try database.policy(for: repository)
            switch target {
            case .tag(let tag):
                try database.checkImmutable([tag.name], policy, in: repositoryID, manifest: nil)
                try database.change(
                    "DELETE FROM tags WHERE repository_id = ? AND name = ?", [repositoryID, tag.name])
                guard database.changesCount > 0 else { throw unknown }
                try database.audit(access, "tag.delete", repository.path, tag.name, now: now())
                return try database.keep(.tagDelete, in: repository, now: now()) {
                    ChangeEvent(
                        .tagDelete, in: repository, digest: nil, tags: [tag.name], by: access.principal)
                }
            case .digest(let digest):
                guard let id = try database.manifestID(digest, in: repositoryID) else { throw unknown }
                let isNeeded = try database.cachedStatement(
                    "SELECT EXISTS (SELECT 1 FROM manifest_references WHERE child_id = ?)", [id]
                ) { try Bool.fetchOne($0) ?? false }
                guard !isNeeded else {
                    throw HubError(
                        .inUse, "an index of repository \"\(repository)\" needs manifest \(digest)",
                        hint: "delete the index first")
                }
                let tags = try database.cachedStatement("SELECT name FROM tags WHERE manifest_id = ?", [id]) {
                    try String.fetchAll($0)
                }
                try database.checkImmutable(tags, policy, in: repositoryID, manifest: nil)
                try database.change("DELETE FROM manifests WHERE id = ?", [id])
                try database.audit(
                    access, "manifest.delete", repository.path, digest.description, now: now())
                return try database.keep(.manifestDelete, in: repository, now: now()) {
                    ChangeEvent(
                        .manifestDelete, in: repository, digest: digest, tags: tags, by: access.principal)
                }
            }
        }
        if isAwaited { events.announce() }
    }
}

extension Database {
    /// Holds what tags name against what a client expects.
    fileprivate func check(_ condition: PushCondition, _ tags: [Tag], in repositoryID: Int64) throws {
        for tag in tags {
            let named = try cachedStatement(
                """
                SELECT digest FROM tags JOIN manifests ON manifests.id = tags.manifest_id
                WHERE tags.repository_id = ? AND name = ?
                """, [repositoryID, tag.name]
            ) { try String.fetchOne($0) }.flatMap { Digest($0) }
            let holds =
                switch condition {
                case .unnamed: named == nil
                case .present: named != nil
                case .named(let expected): named.map { expected.contains($0) } ?? false
                }
            guard holds else {
                throw HubError(
                    .preconditionFailed,
                    "tag \"\(tag)\" names \(named.map { "\($0)" } ?? "nothing"), which is not what the push expects",
                    detail: named?.description, hint: "look at what is there now, then push again")
            }
        }
    }

    func manifestID(_ digest: Digest, in repositoryID: Int64) throws -> Int64? {
        try cachedStatement(
            "SELECT id FROM manifests WHERE repository_id = ? AND digest = ?",
            [repositoryID, digest.description]
        ) { try Int64.fetchOne($0) }
    }

    func insert(
        _ manifest: NewManifest, _ annotations: String, _ repositoryID: Int64, _ repository: Repository,
        _ policy: RepositoryPolicy, now: Int64
    ) throws -> Int64 {
        let document = manifest.document
        let found = try manifest.references.map { reference in
            try find(
                reference, repositoryID, repository,
                isRequired: reference.isRequired && policy.allowsSparse != true)
        }
        let size = Int64(document.bytes.count) + found.reduce(0) { $0 + $1.size }
        try change(
            """
            INSERT INTO manifests (repository_id, digest, media_type, artifact_type, subject, annotations,
                bytes, total_size, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                repositoryID, document.digest.description, document.mediaType.rawValue,
                manifest.artifactType?.rawValue, manifest.subject?.description, annotations,
                Data(document.bytes), size, now,
            ])
        let id = lastInsertedRowID
        for content in found {
            try change(
                """
                INSERT INTO manifest_references (manifest_id, digest, repository_id, blob_digest, child_id)
                VALUES (?, ?, ?, ?, ?)
                """, [id, content.digest.description, repositoryID, content.blob, content.child])
        }
        // An index that was taken without this manifest needs it from now on.
        try change(
            """
            UPDATE manifest_references SET child_id = ?
            WHERE repository_id = ? AND digest = ? AND blob_digest IS NULL AND child_id IS NULL
            """, [id, repositoryID, document.digest.description])
        return id
    }

    private struct FoundContent {
        let digest: Digest
        var size: Int64 = 0
        var blob: String?
        var child: Int64?
    }

    /// Looks up what a manifest names, and fails if it must be there and is not.
    private func find(
        _ reference: ManifestReference, _ repositoryID: Int64, _ repository: Repository, isRequired: Bool
    ) throws -> FoundContent {
        let descriptor = reference.descriptor
        var content = FoundContent(digest: descriptor.digest)
        var ownSize: Int64?
        switch reference.kind {
        case .blob:
            ownSize = try blob(descriptor.digest, in: repository)?.size
            content.size = ownSize ?? 0
            content.blob = ownSize == nil ? nil : descriptor.digest.description
        case .manifest:
            let row = try cachedStatement(
                """
                SELECT id, length(bytes) AS own_size, total_size FROM manifests
                WHERE repository_id = ? AND digest = ?
                """, [repositoryID, descriptor.digest.description]
            ) { try Row.fetchOne($0) }
            ownSize = row?["own_size"]
            content.size = row?["total_size"] ?? 0
            content.child = row?["id"]
        }
        guard let ownSize else {
            guard !isRequired else {
                throw HubError(
                    .manifestBlobUnknown,
                    "the manifest names \(descriptor.digest), which repository \"\(repository)\" does not hold",
                    detail: descriptor.digest.description, hint: "push it first")
            }
            return content
        }
        guard ownSize == descriptor.size else {
            throw HubError(
                .manifestInvalid,
                "the manifest gives \(descriptor.digest) \(descriptor.size) bytes, but it has \(ownSize)",
                detail: descriptor.digest.description)
        }
        return content
    }
}
