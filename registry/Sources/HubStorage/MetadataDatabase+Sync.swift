// SPDX-License-Identifier: Apache-2.0

import GRDB
import Hub

/// What commands ask a hub to copy that has the data folder to itself.
extension MetadataDatabase {
    /// How far a request is.
    package struct SyncState: Hashable, Sendable {
        /// What is being done, in words.
        package let progress: String?
        /// What came of it, once it has ended.
        package let report: String?
        /// Why nothing came of it, once it has ended.
        package let problem: String?
    }

    /// Asks for something to be copied; forgets requests that ended a day ago.
    package func requestSync(_ request: String) async throws -> Int64 {
        try await write { [access, now] database in
            try database.authorize(access, .hub)
            try database.change(
                "DELETE FROM sync_requests WHERE asked_at < ? AND (report IS NOT NULL OR problem IS NOT NULL)",
                [now() - 86400])
            try database.change(
                "INSERT INTO sync_requests (asked_at, request) VALUES (?, ?)", [now(), request])
            return database.lastInsertedRowID
        }
    }

    /// The oldest request that has not ended.
    package func nextSyncRequest() async throws -> (id: Int64, request: String)? {
        try await read { [access] database in
            try database.authorize(access, .hub)
            return try Row.fetchOne(
                database,
                sql: """
                    SELECT id, request FROM sync_requests WHERE report IS NULL AND problem IS NULL
                    ORDER BY id LIMIT 1
                    """
            ).map { ($0["id"], $0["request"]) }
        }
    }

    package func noteSync(_ id: Int64, progress: String) async throws {
        try await write(durable: false) { [access] database in
            try database.authorize(access, .hub)
            try database.change("UPDATE sync_requests SET progress = ? WHERE id = ?", [progress, id])
        }
    }

    package func endSync(_ id: Int64, report: String? = nil, problem: String? = nil) async throws {
        try await write { [access] database in
            try database.authorize(access, .hub)
            try database.change(
                "UPDATE sync_requests SET report = ?, problem = ? WHERE id = ?", [report, problem, id])
        }
    }

    package func syncState(_ id: Int64) async throws -> SyncState? {
        try await read { [access] database in
            try database.authorize(access, .hub)
            return try Row.fetchOne(
                database, sql: "SELECT * FROM sync_requests WHERE id = ?", arguments: [id]
            ).map { SyncState(progress: $0["progress"], report: $0["report"], problem: $0["problem"]) }
        }
    }

    /// Takes a request back that nobody will do.
    package func withdrawSync(_ id: Int64) async throws {
        try await write { [access] database in
            try database.authorize(access, .hub)
            try database.change("DELETE FROM sync_requests WHERE id = ?", [id])
        }
    }
}
