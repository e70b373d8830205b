// SPDX-License-Identifier: Apache-2.0

private import Foundation
import GRDB
package import Hub
package import OCI

extension MetadataDatabase: FactStore {
    package func facts(
        _ target: Reference.Target, in repository: Repository
    ) async throws -> KnownFacts? {
        let (condition, value) = Self.naming(target)
        return try await read { [access] database in
            try database.authorize(access, .pull, repository)
            return try database.cachedStatement(
                """
                SELECT manifests.id, manifests.digest, manifest_facts.*
                FROM repositories JOIN manifests ON manifests.repository_id = repositories.id \(condition)
                -- What could not be read is worth nothing once it is to be read again.
                LEFT JOIN manifest_facts ON manifest_facts.manifest_id = manifests.id
                    AND (kind <> 'unreadable'
                        OR NOT EXISTS (SELECT 1 FROM pending_facts WHERE manifest_id = manifests.id))
                WHERE repositories.name = ?1
                """, [repository.path, value]
            ) { try Row.fetchOne($0) }.map { row in
                KnownFacts(
                    id: ManifestID(row["id"]), digest: try Digest(row["digest"] as String),
                    facts: try ManifestFacts(row))
            }
        }
    }

    package func module(
        _ target: Reference.Target, in repository: Repository
    ) async throws -> (module: ModuleRecord, content: [UInt8]?)? {
        try await read { [access] database in
            try database.authorize(access, .pull, repository)
            return try database.cachedStatement(
                ReadQuery.module(target), [repository.path, target.description]
            ) { try Row.fetchOne($0) }.flatMap { row in
                try ModuleRecord(row).map { ($0, (row["bytes"] as Data?).map(Array.init)) }
            }
        }
    }

    /// How a manifest is found by its name (?2).
    private static func naming(_ target: Reference.Target) -> (condition: String, value: String) {
        switch target {
        case .tag(let tag): ("JOIN tags ON tags.manifest_id = manifests.id AND tags.name = ?2", tag.name)
        case .digest(let digest): ("AND manifests.digest = ?2", digest.description)
        }
    }

    // MARK: - For the hub itself

    package func expectFacts(of revision: String) async throws {
        let present = try await read {
            try String.fetchOne($0, sql: "SELECT revision FROM facts_revision")
        }
        guard present != revision else { return }
        try await write { database in
            try database.makeAllPending()
            try database.change(
                """
                INSERT INTO facts_revision (id, revision) VALUES (1, ?)
                ON CONFLICT DO UPDATE SET revision = excluded.revision
                """, [revision])
        }
    }

    package func forgetFacts() async throws {
        try await write { database in
            try database.makeAllPending()
            try database.forgetListings()
        }
    }

    package func pendingManifests(before: ManifestID?, limit: Int) async throws -> [PendingManifest] {
        try await read { database in
            try database.cachedStatement(
                """
                \(PendingManifest.query) WHERE manifest_id < ? ORDER BY manifest_id DESC LIMIT ?
                """, [before?.rawValue ?? .max, limit]
            ) { try Row.fetchAll($0) }.map { try PendingManifest($0) }
        }
    }

    package func pendingManifests(_ ids: [ManifestID]) async throws -> [PendingManifest] {
        try await read { database in
            try ids.compactMap { id in
                try database.cachedStatement(
                    "\(PendingManifest.query) WHERE manifest_id = ?", [id.rawValue]
                ) { try Row.fetchOne($0) }.map { try PendingManifest($0) }
            }
        }
    }

    package func pendingCount() async throws -> Int {
        try await read { try Int.fetchOne($0, sql: "SELECT count(*) FROM pending_facts") ?? 0 }
    }

    /// How many manifests there are of each kind, of those that were read.
    package func factCounts() async throws -> [ManifestFacts.Kind: Int] {
        try await read { database in
            try Row.fetchAll(
                database, sql: "SELECT kind, count(*) AS count FROM manifest_facts GROUP BY kind"
            )
            .reduce(into: [:]) { counts, row in
                if let kind = ManifestFacts.Kind(rawValue: row["kind"]) { counts[kind] = row["count"] }
            }
        }
    }

    package func beginReading(_ manifests: [ManifestID]) async throws {
        // It must outlive this process, not the machine: what made the machine fail was not a manifest.
        try await write(durable: false) { database in
            for id in manifests {
                try database.change(
                    "UPDATE pending_facts SET attempts = attempts + 1 WHERE manifest_id = ?", [id.rawValue])
            }
        }
    }

    package func manifest(_ id: ManifestID) async throws -> StoredManifest? {
        try await read { database in
            try database.cachedStatement(
                "SELECT digest, media_type, bytes FROM manifests WHERE id = ?", [id.rawValue]
            ) { try Row.fetchOne($0) }.map { row in
                StoredManifest(
                    digest: try Digest(row["digest"] as String),
                    mediaType: MediaType(rawValue: row["media_type"]), bytes: Array(row["bytes"] as Data))
            }
        }
    }

    package func keep(_ facts: ManifestFacts, of id: ManifestID, extracted: ReceivedBlob?) async throws {
        // All of it can be made again, but for the bytes that were moved into place: a row that says they are there
        // must not outlive them, and the other way round they are found by a deep collection.
        try await write(durable: extracted != nil) { [now] database in
            if let extracted {
                // Recorded even if the manifest went: then nothing needs it, and it is collected.
                try database.record(extracted, now: now())
            }
            try database.change(
                """
                INSERT OR REPLACE INTO manifest_facts (manifest_id, kind, reason, document, abi, language, licence,
                    module_digest, module_size, module_blob)
                SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM manifests WHERE id = ?1)
                """,
                [
                    id.rawValue, facts.kind.rawValue, facts.reason,
                    String(decoding: facts.document, as: UTF8.self), facts.summary.abi,
                    facts.summary.language, facts.summary.licence, facts.module?.digest.description,
                    facts.module?.size, facts.module?.blob?.description,
                ])
            try database.change("DELETE FROM pending_facts WHERE manifest_id = ?", [id.rawValue])
            try database.countModule(of: id)
        }
    }
}

extension PendingManifest {
    fileprivate static let query = """
        SELECT manifest_id, attempts, repositories.name FROM pending_facts
        JOIN manifests ON manifests.id = manifest_id
        JOIN repositories ON repositories.id = manifests.repository_id
        """

    fileprivate init(_ row: Row) throws {
        self.init(
            id: ManifestID(row["manifest_id"]), repository: try Repository(row["name"] as String),
            attempts: row["attempts"])
    }
}

extension ManifestFacts {
    /// Reads a row; nil for one of a manifest without facts.
    fileprivate init?(_ row: Row) throws {
        guard let kind = (row["kind"] as String?).flatMap(Kind.init) else { return nil }
        let document: String = row["document"]
        self.init(kind, document: Array(document.utf8), reason: row["reason"])
        summary = FilterSummary(row)
        module = try ModuleRecord(row)
    }
}

extension FilterSummary {
    init(_ row: Row) {
        self.init()
        abi = row["abi"]
        language = row["language"]
        licence = row["licence"]
    }
}

extension ModuleRecord {
    fileprivate init?(_ row: Row) throws {
        guard let digest = row["module_digest"] as String?, let size = row["module_size"] as Int64? else {
            return nil
        }
        self.init(
            digest: try Digest(digest), size: size,
            blob: try (row["module_blob"] as String?).map { try Digest($0[...]) })
    }
}

extension Database {
    /// Has the module of an image count for quotas, if it is a blob of its own.
    fileprivate func countModule(of id: ManifestID) throws {
        try change(
            """
            UPDATE manifests SET module_bytes = \(Schema.moduleBytes)
            WHERE id = ?1 AND module_bytes <> \(Schema.moduleBytes)
            """, [id.rawValue])
        // What takes no more than before is not refused: a quota may have been made smaller.
        guard changesCount > 0 else { return }
        let name = try cachedStatement(
            "SELECT name FROM repositories JOIN manifests ON repository_id = repositories.id WHERE manifests.id = ?",
            [id.rawValue]
        ) { try String.fetchOne($0) }
        if let name { try checkQuotas(of: try Repository(name)) }
    }

    fileprivate func makeAllPending() throws {
        try execute(
            sql: """
                INSERT INTO pending_facts (manifest_id) SELECT id FROM manifests WHERE true
                ON CONFLICT DO UPDATE SET attempts = 0
                """)
    }
}
