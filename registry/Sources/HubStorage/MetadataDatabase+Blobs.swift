// SPDX-License-Identifier: Apache-2.0

private import Foundation
import GRDB
package import Hub
package import OCI

extension MetadataDatabase: UploadSessionStore {
    package func beginUpload(_ session: UploadSession, limit: Int) async throws {
        try await write(durable: false) { [access] database in
            try database.authorize(access, .push, session.repository)
            let open = try database.cachedStatement("SELECT count FROM open_uploads", []) {
                try Int.fetchOne($0) ?? 0
            }
            guard open < limit else {
                throw HubError(
                    .tooManyUploads, "\(limit) uploads are open, and the hub keeps no more",
                    hint: "finish or cancel uploads that were begun, or try again later")
            }
            try database.change(
                """
                INSERT INTO uploads (id, repository, account_id, algorithm, started_at)
                VALUES (?, ?, ?, ?, ?)
                """,
                [
                    session.id.description, session.repository.path, session.owner?.rawValue,
                    session.algorithm.rawValue, session.startedAt,
                ])
        }
    }

    package func upload(_ id: UploadID, in repository: Repository) async throws -> UploadSession? {
        try await read { [access] database in
            try database.authorize(access, .push, repository)
            return try database.cachedStatement(
                "SELECT * FROM uploads WHERE id = ? AND repository = ? AND account_id IS ?",
                [id.description, repository.path, access.principal.account?.rawValue]
            ) { try Row.fetchOne($0) }.flatMap(UploadSession.init)
        }
    }

    package func endUpload(_ id: UploadID) async throws -> Bool {
        try await write(durable: false) { database in
            try database.change("DELETE FROM uploads WHERE id = ?", [id.description])
            return database.changesCount > 0
        }
    }

    package func uploads(since: Int64) async throws -> [UploadSession] {
        try await write { database in
            try database.change("DELETE FROM uploads WHERE started_at < ?", [since])
            return try Row.fetchAll(database, sql: "SELECT * FROM uploads").compactMap(UploadSession.init)
        }
    }
}

extension UploadSession {
    /// Reads a row; nil for one that no version of the hub wrote.
    init?(_ row: Row) {
        guard let id = UploadID(row["id"] as String),
            let repository = try? Repository(row["repository"] as String),
            let algorithm = Digest.Algorithm(rawValue: row["algorithm"])
        else { return nil }
        self.init(
            id: id, repository: repository, owner: (row["account_id"] as Int64?).map(AccountID.init),
            algorithm: algorithm, startedAt: row["started_at"])
    }
}

extension MetadataDatabase: BlobLinkStore {
    package func commitBlob(
        _ blob: ReceivedBlob, to repository: Repository, ending upload: UploadID?
    ) async throws {
        try await write { [now, access] database in
            try database.authorize(access, .push, repository)
            let digest = blob.record.digest
            try database.record(blob, now: now())
            try database.link(digest, to: repository, now: now())
            try database.checkQuotas(of: repository)
            if let upload { try database.change("DELETE FROM uploads WHERE id = ?", [upload.description]) }
        }
    }

    package func mountBlob(
        _ digest: Digest, from source: Repository, isNamed: Bool, to target: Repository
    ) async throws -> BlobRecord? {
        try await write { [now, access] database in
            try database.authorize(access, .push, target)
            guard let blob = try database.blob(digest, in: source) else { return nil }
            // What cannot be read there is mounted no more than what is not there. But for want of a wider session a
            // client would send all of it again: it is told what to ask for, or could not know that.
            if try !database.allows(access, .pull, source) {
                guard try database.needsWiderSession(access, for: .pull, source) else { return nil }
                if isNamed { try database.authorize(access, .pull, source) }
            }
            try database.link(digest, to: target, now: now())
            try database.checkQuotas(of: target)
            return blob
        }
    }

    package func sources(of digest: Digest, limit: Int) async throws -> [Repository] {
        let readable = ListingCondition(access.beyondSession)
        return try await read { database in
            try database.cachedStatement(
                """
                SELECT repositories.name FROM repository_blobs
                JOIN repositories ON repositories.id = repository_blobs.repository_id
                WHERE digest = ? AND \(readable.sql) LIMIT ?
                """, [digest.description] + readable.arguments + [limit]
            ) { try String.fetchAll($0) }.map { try Repository($0) }
        }
    }

    package func blob(
        _ digest: Digest, in repository: Repository, renewal: Int64
    ) async throws -> BlobRecord? {
        let (blob, isAgeing): (BlobRecord?, Bool) = try await read { [access] database in
            try database.authorize(access, .pull, repository)
            let row = try database.cachedStatement(
                ReadQuery.blobLease, [repository.path, digest.description, renewal]
            ) { try Row.fetchOne($0) }
            let isAgeing: Bool? = row?["ageing"]
            return (row.map { BlobRecord(digest: digest, size: $0["size"]) }, isAgeing ?? false)
        }
        guard isAgeing else { return blob }
        return try await write(durable: false) { [now] database in
            guard let blob = try database.blob(digest, in: repository) else { return nil }
            try database.link(digest, to: repository, now: now())
            return blob
        }
    }

    package func content(_ digest: Digest, in repository: Repository) async throws -> ReceivedBlob? {
        try await read { [access] database in
            try database.authorize(access, .pull, repository)
            return try database.cachedStatement(
                ReadQuery.blobContent, [repository.path, digest.description]
            ) { try Row.fetchOne($0) }.map { row in
                ReceivedBlob(
                    record: BlobRecord(digest: digest, size: row["size"]),
                    content: (row["bytes"] as Data?).map(Array.init))
            }
        }
    }

    package func unlinkBlob(_ digest: Digest, from repository: Repository) async throws {
        try await write { [now, access] database in
            try database.authorize(access, .delete, repository)
            guard let id = try database.repositoryID(repository),
                try database.blob(digest, in: repository) != nil
            else {
                throw HubError(
                    .blobUnknown, "repository \"\(repository)\" holds no blob \(digest)",
                    detail: digest.description)
            }
            let isNeeded = try database.cachedStatement(
                "SELECT EXISTS (SELECT 1 FROM manifest_references WHERE repository_id = ? AND blob_digest = ?)",
                [id, digest.description]
            ) { try Bool.fetchOne($0) ?? false }
            guard !isNeeded else {
                throw HubError(
                    .inUse, "a manifest of repository \"\(repository)\" needs blob \(digest)",
                    hint: "delete the manifest first")
            }
            try database.change(
                "DELETE FROM repository_blobs WHERE repository_id = ? AND digest = ?",
                [id, digest.description])
            try database.audit(access, "blob.delete", repository.path, digest.description, now: now())
        }
    }
}

extension Database {
    /// Makes a blob known whose bytes are safe, or few and given.
    func record(_ blob: ReceivedBlob, now: Int64) throws {
        let digest = blob.record.digest.description
        try change(
            "INSERT INTO blobs (digest, size, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [digest, blob.record.size, now])
        if changesCount > 0, let content = blob.content {
            try change("INSERT INTO blob_contents (digest, bytes) VALUES (?, ?)", [digest, Data(content)])
        }
    }

    func blob(_ digest: Digest, in repository: Repository) throws -> BlobRecord? {
        try cachedStatement(ReadQuery.blobSize, [repository.path, digest.description]) {
            try Int64.fetchOne($0)
        }.map { BlobRecord(digest: digest, size: $0) }
    }

    /// Links a blob, or renews the lease of the link.
    func link(_ digest: Digest, to repository: Repository, now: Int64) throws {
        let repositoryID = try makeRepositoryID(repository, now: now)
        try change(
            """
            INSERT INTO repository_blobs (repository_id, digest, linked_at) VALUES (?, ?, ?)
            ON CONFLICT DO UPDATE SET linked_at = max(linked_at, excluded.linked_at)
            """, [repositoryID, digest.description, now])
        // A manifest that was taken without this blob needs it from now on.
        try change(
            """
            UPDATE manifest_references SET blob_digest = digest
            WHERE repository_id = ? AND digest = ? AND blob_digest IS NULL AND child_id IS NULL
            """, [repositoryID, digest.description])
    }
}
