// SPDX-License-Identifier: Apache-2.0

private import GRDB
package import Hub
package import OCI

extension MetadataDatabase: PullStore {
    package func addPulls(_ counts: [Repository: Int], day: Int64) async throws {
        // It must outlive this process, not the machine: the disk is not waited for.
        try await write(durable: false) { database in
            for (repository, count) in counts {
                guard let id = try database.repositoryID(repository) else { continue }
                try database.change(
                    """
                    INSERT INTO pulls (repository_id, day, count) VALUES (?, ?, ?)
                    ON CONFLICT DO UPDATE SET count = count + excluded.count
                    """, [id, day, count])
                try database.change(
                    "UPDATE listings SET pulls = pulls + ? WHERE repository_id = ?", [count, id])
            }
        }
    }

    package func pulls(of repository: Repository, since day: Int64) async throws -> [DailyPulls] {
        try await read { [access] database in
            try database.authorize(access, .pull, repository)
            return try database.cachedStatement(
                """
                SELECT day, count FROM pulls
                WHERE repository_id = (SELECT id FROM repositories WHERE name = ?) AND day >= ? ORDER BY day
                """, [repository.path, day]
            ) { try Row.fetchAll($0) }.map { DailyPulls(day: $0["day"], count: $0["count"]) }
        }
    }
}
