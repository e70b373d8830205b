// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Hub
import OCI
package import SystemPackage

/// Holds everything in a data folder against what it should be; changes nothing, also beside a hub that serves it.
package struct Scrub: Sendable {
    /// What was looked at and what is wrong.
    package struct Report: Hashable, Sendable, Encodable {
        package var blobs = 0
        package var bytes: Int64 = 0
        package var manifests = 0
        package var damage: [Damage] = []
    }

    /// Something that is not as it was pushed.
    package struct Damage: Hashable, Sendable, Encodable {
        package enum Kind: String, Hashable, Sendable, Encodable {
            case missingBlob, damagedBlob, damagedManifest, database
        }

        package let kind: Kind
        package let digest: String?
        package let message: String
        /// What can no longer be pulled, as "acme/proxy:v1".
        package let images: [String]
    }

    private let layout: DataLayout
    private let database: DatabaseQueue

    /// Opens a data folder or a backup for reading.
    package init(_ folder: FilePath) throws {
        layout = DataLayout(folder)
        database = try DatabaseQueue.reading(layout)
    }

    /// Reads all of it; `progress` is told how many blobs are done.
    package func run(progress: (Int) -> Void = { _ in }) throws -> Report {
        var report = Report()
        try checkDatabase(&report)
        try checkManifests(&report)
        var last = ""
        while true {
            let batch = try database.read { try StoredBlob.page(after: last, $0) }
            guard let final = batch.last else { return report }
            last = final.digest
            for blob in batch {
                try check(blob, &report)
                report.blobs += 1
                report.bytes += blob.size
            }
            progress(report.blobs)
        }
    }

    private func checkDatabase(_ report: inout Report) throws {
        let problems = try database.read { database in
            try String.fetchAll(database, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
                + (try Row.fetchAll(database, sql: "PRAGMA foreign_key_check").map { row in
                    "a row of \"\(row[0] as String)\" refers to nothing in \"\(row[2] as String)\""
                })
        }
        for problem in problems {
            report.damage.append(Damage(kind: .database, digest: nil, message: problem, images: []))
        }
    }

    private func checkManifests(_ report: inout Report) throws {
        try database.read { database in
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT name, digest, bytes FROM manifests
                    JOIN repositories ON repositories.id = manifests.repository_id
                    """)
            while let row = try rows.next() {
                report.manifests += 1
                let text: String = row["digest"]
                let bytes: Data = row["bytes"]
                guard let digest = Digest(text), Digest(of: bytes, algorithm: digest.algorithm) == digest
                else {
                    let name: String = row["name"]
                    report.damage.append(
                        Damage(
                            kind: .damagedManifest, digest: text,
                            message: "manifest \(text) of \"\(name)\" has other bytes than were pushed",
                            images: ["\(name)@\(text)"]))
                    continue
                }
            }
        }
    }

    private func check(_ blob: StoredBlob, _ report: inout Report) throws {
        guard let digest = Digest(blob.digest) else {
            report.damage.append(
                Damage(kind: .database, digest: blob.digest, message: "not a digest", images: []))
            return
        }
        guard let problem = try problem(of: blob, digest) else { return }
        // Beside a running hub: what was collected meanwhile is not missing.
        guard try database.read({ try StoredBlob.exists(digest, $0) }) else { return }
        let images = try database.read { try StoredBlob.images(needing: digest, $0) }
        report.damage.append(
            Damage(kind: problem.kind, digest: blob.digest, message: problem.message, images: images))
    }

    private func problem(
        of blob: StoredBlob, _ digest: Digest
    ) throws -> (kind: Damage.Kind, message: String)? {
        let hasher = DigestHasher(digest.algorithm)
        if let content = blob.content {
            hasher.update(content)
        } else {
            let path = layout.blob(digest)
            do {
                try FileSystem.read(path) { hasher.update($0) }
            } catch let error as HubError {
                return (.missingBlob, "\(path): \(error.cause.map { "\($0)" } ?? error.message)")
            }
        }
        guard hasher.count == blob.size else {
            return (.damagedBlob, "\(digest) has \(hasher.count) bytes, \(blob.size) were pushed")
        }
        guard hasher.finalize() == digest else {
            return (.damagedBlob, "\(digest) has other bytes than were pushed")
        }
        return nil
    }
}

/// A row of `blobs` with its bytes if they are in the database.
struct StoredBlob {
    let digest: String
    let size: Int64
    let content: Data?

    static func page(after: String, _ database: Database) throws -> [StoredBlob] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT blobs.digest, size, bytes FROM blobs
                LEFT JOIN blob_contents ON blob_contents.digest = blobs.digest
                WHERE blobs.digest > ? ORDER BY blobs.digest LIMIT 200
                """, arguments: [after]
        ).map { StoredBlob(digest: $0["digest"], size: $0["size"], content: $0["bytes"]) }
    }

    static func exists(_ digest: Digest, _ database: Database) throws -> Bool {
        try Bool.fetchOne(
            database, sql: "SELECT EXISTS (SELECT 1 FROM blobs WHERE digest = ?)",
            arguments: [digest.description]) ?? false
    }

    /// Tags, or digests of what has none, that need a blob.
    static func images(needing digest: Digest, _ database: Database) throws -> [String] {
        try String.fetchAll(
            database,
            sql: """
                SELECT repositories.name || coalesce(':' || tags.name, '@' || manifests.digest)
                FROM (
                    SELECT manifest_id FROM manifest_references WHERE digest = ?1
                    UNION SELECT manifest_id FROM manifest_facts WHERE module_blob = ?1) AS needing
                JOIN manifests ON manifests.id = needing.manifest_id
                JOIN repositories ON repositories.id = manifests.repository_id
                LEFT JOIN tags ON tags.manifest_id = manifests.id
                ORDER BY 1 LIMIT 100
                """, arguments: [digest.description])
    }
}

extension DatabaseQueue {
    /// Opens the database of a data folder for reading, and insists on the present schema.
    static func reading(_ layout: DataLayout) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = "hub (reading)"
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        do {
            let queue = try DatabaseQueue(path: layout.database.string, configuration: configuration)
            let migrator = Schema.migrator
            let (isNewer, isComplete) = try queue.read {
                (try migrator.hasBeenSuperseded($0), try migrator.hasCompletedMigrations($0))
            }
            guard !isNewer else { throw HubError.newer(layout) }
            guard isComplete else {
                throw HubError(
                    .dataFolder, "\"\(layout.path)\" was written by an older wasme-hub",
                    hint: "let this version serve it once")
            }
            return queue
        } catch let error as DatabaseError {
            throw HubError(
                .dataFolder, "\"\(layout.path)\" holds no database of a hub that can be read", cause: error,
                hint: "name the folder that 'wasme-hub serve --data' uses, or a backup of it")
        }
    }
}

extension HubError {
    static func newer(_ layout: DataLayout) -> Self {
        Self(
            .dataFolder, "data folder \"\(layout.path)\" was written by a newer wasme-hub",
            hint: "run that version, or choose another folder with --data")
    }
}
