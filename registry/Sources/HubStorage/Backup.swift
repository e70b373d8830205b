// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
private import Foundation
private import GRDB
import Hub
import OCI
package import SystemPackage

/// Copies a data folder, also one that a hub serves; the copy is a data folder of its own.
package struct Backup: Sendable {
    /// What was copied.
    package struct Report: Hashable, Sendable, Encodable {
        package var repositories = 0
        package var blobs = 0
        package var bytes: Int64 = 0
    }

    private let source: DataLayout
    private let target: DataLayout

    package init(of source: FilePath, to target: FilePath) {
        self.source = DataLayout(source)
        self.target = DataLayout(target)
    }

    /// Makes the copy.
    ///
    /// The database is copied first, as it is at one moment, and then the blobs that it names: a blob never changes, and
    /// one that was collected meanwhile is no longer named by a second look. Without its database, which gets its name
    /// last, a copy that was broken off is none. Blobs share their bytes with the source where the file system lets them.
    package func run() throws -> Report {
        let database = try DatabaseQueue.reading(source)
        try prepare()
        let partial = FilePath(target.database.string + ".partial")
        for attempt in 0... {
            try FileSystem.remove(partial)
            let snapshot = try Self.copy(database, to: partial)
            var report = Report()
            let missing = try copyBlobs(snapshot, &report)
            report.repositories = try snapshot.read {
                try Int.fetchOne($0, sql: "SELECT count(*) FROM repositories") ?? 0
            }
            try snapshot.close()
            if let missing {
                // Collected between the two steps, unless it is really gone.
                guard attempt < 4 else {
                    throw HubError(
                        .storageFailed, "blob \(missing) of \"\(source.path)\" is missing",
                        hint: "'wasme-hub scrub' names everything that is damaged")
                }
                continue
            }
            try finish(partial)
            return report
        }
        return Report()
    }

    private func prepare() throws {
        _ = try FileSystem.makeFolder(target.path)
        guard try FileSystem.contents(target.path).isEmpty else {
            throw HubError(
                .dataFolder, "\"\(target.path)\" is not empty", hint: "name a folder that is not there yet",
                category: .usage)
        }
        for name in ["blobs", "uploads"] { _ = try FileSystem.makeFolder(target.path.appending(name)) }
        for algorithm in Digest.Algorithm.allCases {
            _ = try FileSystem.makeFolder(target.path.appending("blobs").appending(algorithm.rawValue))
        }
        for folder in target.blobFolders { _ = try FileSystem.makeFolder(folder.path) }
    }

    private static func copy(_ database: DatabaseQueue, to path: FilePath) throws -> DatabaseQueue {
        let snapshot = try DatabaseQueue(path: path.string)
        try database.backup(to: snapshot)
        // What is still arriving is not copied, so it must not be known.
        try snapshot.write { try $0.execute(sql: "DELETE FROM uploads") }
        return snapshot
    }

    /// Copies the blobs that a database names.
    /// - Returns: one that is not there.
    private func copyBlobs(_ snapshot: DatabaseQueue, _ report: inout Report) throws -> Digest? {
        var last = ""
        while true {
            let page = try snapshot.read { try StoredBlob.page(after: last, $0) }
            guard let final = page.last else { return nil }
            last = final.digest
            for blob in page {
                report.blobs += 1
                report.bytes += blob.size
                guard blob.content == nil, let digest = Digest(blob.digest) else { continue }
                guard try FileSystem.share(source.blob(digest), as: target.blob(digest)) else {
                    return digest
                }
            }
        }
    }

    private func finish(_ database: FilePath) throws {
        for folder in target.blobFolders { try FileSystem.syncFolder(folder.path) }
        for algorithm in Digest.Algorithm.allCases {
            try FileSystem.syncFolder(target.path.appending("blobs").appending(algorithm.rawValue))
        }
        try FileSystem.syncFolder(target.path.appending("blobs"))
        for suffix in ["-wal", "-shm"] { try FileSystem.remove(FilePath(database.string + suffix)) }
        let file = try FileSystem.perform("open", database) {
            try FileDescriptor.open(database, .readWrite, options: .closeOnExec)
        }
        defer { try? file.close() }
        try FileSystem.sync(file, database)
        try FileSystem.move(database, to: target.database)
    }
}
