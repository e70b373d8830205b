// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import GRDBSQLite
import Hub
@testable import HubStorage
import OCI
import Testing

/// What searches over many repositories ask of the database.
@Suite struct SearchCostTests {
    @Test func `ten thousand repositories take no more queries than a hundred`() async throws {
        try await withHub(reads: false) { hub in
            var counts: [Int] = []
            for (first, last) in [(1, 100), (101, 10_000)] {
                try await hub.metadata.execute(
                    """
                    WITH RECURSIVE n(i) AS (SELECT \(first) UNION ALL SELECT i + 1 FROM n WHERE i < \(last))
                    INSERT INTO repositories (id, name, created_at)
                    SELECT i, printf('org%d/filter-%05d', i % 7, i), 1 FROM n;
                    INSERT INTO manifests (id, repository_id, digest, media_type, annotations, bytes, total_size, created_at)
                    SELECT id, id, printf('sha256:%064d', id), 'application/vnd.oci.image.manifest.v1+json', '{}', x'00', 1, 1
                    FROM repositories WHERE id >= \(first);
                    INSERT INTO tags (repository_id, name, manifest_id, updated_at)
                    SELECT id, 'v1', id, id FROM repositories WHERE id >= \(first);
                    """)
                counts.append(try await statements(hub))
            }
            #expect(counts[1] <= counts[0])
            try await repositoriesAreReadOnce(hub)
            let page = try await ExploreReply.get(hub, "q=filter&organisation=org3&sort=newest&n=5")
            #expect(page.total == 1429)
            #expect(page.counts("organisation")["org0"] == 1428)
            #expect(page.repositories.first?.repository == "org3/filter-09999")
        }
    }

    /// Without words, a search does in SQLite what it has to for the page that it shows, however many repositories there
    /// are: the rest is in memory, and is brought up to date by what changed.
    private func repositoriesAreReadOnce(_ hub: TestHub) async throws {
        let queries = [
            try SearchQuery(""), try SearchQuery("", order: .newest),
            try SearchQuery("", choices: [.organisation: ["org1"], .language: ["none"]], order: .name),
            try SearchQuery("", order: .pulls, after: "0~0~org3/filter-05000"),
        ]
        for query in queries { #expect(try await steps(hub, query) < 6000) }
        // One change costs no more than that change.
        try await hub.metadata.addPulls([try Repository("org3/filter-00010"): 5], day: 1)
        #expect(try await steps(hub, queries[0]) < 6000)
        let result = try await hub.registry.search(queries[0], limit: 1)
        #expect(result.found.first?.repository.path == "org3/filter-00010")
        #expect(result.total == 10_000)
    }

    /// The steps that SQLite takes for a search.
    private func steps(_ hub: TestHub, _ query: SearchQuery) async throws -> Int {
        try await hub.metadata.read { database in
            func sum() -> Int {
                var total = 0
                var statement = sqlite3_next_stmt(database.sqliteConnection, nil)
                while let next = statement {
                    total += Int(sqlite3_stmt_status(next, SQLITE_STMTSTATUS_VM_STEP, 1))
                    statement = sqlite3_next_stmt(database.sqliteConnection, next)
                }
                return total
            }
            _ = sum()
            let access = Access(.open, .anonymous)
            _ = try database.search(query, access, hub.metadata.listings, limit: 20)
            return sum()
        }
    }

    /// How many statements two searches run, none of which goes through a table but that of listings.
    private func statements(_ hub: TestHub) async throws -> Int {
        let queries = [try SearchQuery("filter"), try SearchQuery("", choices: [.organisation: ["org1"]])]
        // What is held in memory is read by the first search.
        _ = try await hub.registry.search(queries[0], limit: 1)
        return try await hub.metadata.read { database in
            let log = Log()
            database.trace { event in
                // What the index of words does in its own tables grows with what it finds.
                if case .statement(let statement) = event, !statement.sql.contains("'listing_texts_") {
                    log.lines.append(statement.sql)
                }
            }
            for query in queries {
                let access = Access(.open, .anonymous)
                let result = try database.search(query, access, hub.metadata.listings, limit: 5)
                #expect(result?.found.isEmpty == false)
            }
            database.trace(nil)
            let count = log.lines.count
            for line in Set(log.lines) where line.hasPrefix("SELECT") {
                let plan = try Row.fetchAll(
                    database, sql: "EXPLAIN QUERY PLAN \(line)",
                    arguments: StatementArguments(
                        (0..<line.count { $0 == "?" }).map { _ in "x" as String? }))
                for step in plan.map({ $0["detail"] as String }) where step.hasPrefix("SCAN") {
                    #expect(
                        step.contains("VIRTUAL TABLE"),
                        "\(line): \(step)")
                }
            }
            return count
        }
    }

    private final class Log { var lines: [String] = [] }
}
