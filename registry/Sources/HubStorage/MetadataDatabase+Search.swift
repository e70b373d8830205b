// SPDX-License-Identifier: Apache-2.0

private import Foundation
import GRDB
package import Hub
package import OCI

extension MetadataDatabase: SearchStore {
    package func search(_ query: SearchQuery, limit: Int) async throws -> SearchResult {
        try await read { [access] database in
            try database.authorizeCatalog(access)
            return try database.search(query, ListingCondition(access), limit: limit)
        }
    }

    package func listing(of repository: Repository) async throws -> FoundRepository? {
        try await read { [access] database in
            try database.authorize(access, .pull, repository)
            return try database.cachedStatement(
                "SELECT repository_id, facets FROM listings WHERE name = ?", [repository.path]
            ) { try Row.fetchOne($0) }.map { row in
                try database.found(row["repository_id"], FacetList(row["facets"] as Data))
            }
        }
    }
}

extension Database {
    /// Most values of a facet that are told.
    private static let valuesShown = 20

    func search(
        _ query: SearchQuery, _ condition: ListingCondition, limit: Int
    ) throws -> SearchResult {
        let chosen = try query.choices.flatMap { facet, values in
            try values.compactMap { value in
                try cachedStatement(
                    "SELECT id FROM facet_values WHERE id & 7 = ? AND value = ?", [facet.number, value]
                ) { try Int64.fetchOne($0) }
            }
        }
        let last = try cachedStatement("SELECT max(id) FROM facet_values", []) { try Int64.fetchOne($0) }
        // One more tells whether another page follows.
        var scan = SearchScan(
            query, chosen: chosen, last: last ?? 0, capacity: limit > 0 ? limit + 1 : 0)
        try feed(&scan, query, condition)
        var result = SearchResult()
        result.total = scan.total
        result.facets = try facetCounts(of: scan, query)
        result.found = try scan.best.prefix(limit).map { try found($0.repository, $0.facets) }
        if scan.best.count > limit, let final = result.found.last {
            let candidate = scan.best[limit - 1]
            result.next = SearchPosition(
                rank: candidate.rank, subrank: candidate.subrank, name: final.repository.path)
        }
        return result
    }

    /// Passes by everything that has the words and may be seen.
    private func feed(
        _ scan: inout SearchScan, _ query: SearchQuery, _ condition: ListingCondition
    ) throws {
        // A phrase in quotes is never anything but words, the last of which may go on.
        let words = query.words.map { "\"\($0)\"*" }.joined(separator: " AND ")
        var best: [Set<Int64>] = []
        if !query.words.isEmpty, query.order == .relevance {
            best = try ["{name}", "{name head}"].map { columns in
                try cachedStatement(
                    "SELECT rowid FROM listing_texts WHERE listing_texts MATCH ?", ["\(columns) : (\(words))"]
                ) { try Int64.fetchSet($0) }
            }
        }
        let columns = "repositories.repository_id, facets, pulls, updated_at, repositories.name > ?"
        let source =
            query.words.isEmpty
            ? "listings AS repositories"
            : """
            (SELECT rowid AS hit FROM listing_texts WHERE listing_texts MATCH ?)
            CROSS JOIN listings AS repositories ON repositories.repository_id = hit
            """
        let arguments =
            StatementArguments([query.after?.name ?? ""])
            + (query.words.isEmpty ? StatementArguments() : [words]) + condition.arguments
        try cachedStatement(
            "SELECT \(columns) FROM \(source) WHERE \(condition.sql) ORDER BY repositories.name", arguments
        ) { statement in
            let rows = try Row.fetchCursor(statement)
            var place = 0
            while let row = try rows.next() {
                let repository: Int64 = row[0]
                let group = best.firstIndex { $0.contains(repository) } ?? best.count
                scan.take(
                    repository, place: place, facets: row[1], pulls: row[2], updatedAt: row[3],
                    group: Int64(group), isAfterName: row[4])
                place += 1
            }
        }
    }

    private func facetCounts(
        of scan: SearchScan, _ query: SearchQuery
    ) throws -> [Facet: [FacetCount]] {
        var facets: [Facet: [FacetCount]] = [:]
        for (facet, values) in scan.frequent(Self.valuesShown) {
            let choices = query.choices[facet] ?? []
            var counts = try values.map { id, count in
                let value = try facetValue(id)
                return FacetCount(value, count: count, isChosen: choices.contains(value.value))
            }
            // A choice that nothing has can be taken back too.
            let absent = choices.subtracting(counts.map(\.value.value))
            counts += absent.map { FacetCount(FacetValue($0), count: 0, isChosen: true) }
            facets[facet] = counts.sorted { ($1.count, $0.value.value) < ($0.count, $1.value.value) }
        }
        return facets
    }

    private func facetValue(_ id: Int64) throws -> FacetValue {
        let row = try cachedStatement("SELECT value, label FROM facet_values WHERE id = ?", [id]) {
            try Row.fetchOne($0)
        }
        return FacetValue(row?["value"] ?? "", label: row?["label"])
    }

    fileprivate func found(_ repository: Int64, _ list: FacetList) throws -> FoundRepository {
        let row = try cachedStatement(
            """
            SELECT listings.name AS repository, tag, pulls, digest, media_type, total_size, listings.updated_at,
                annotations, manifest_facts.kind AS kind, abi, language, licence
            FROM listings
            JOIN tags ON tags.repository_id = listings.repository_id AND tags.name = listings.tag
            JOIN manifests ON manifests.id = tags.manifest_id
            LEFT JOIN manifest_facts ON manifest_facts.manifest_id = manifests.id
            WHERE listings.repository_id = ?
            """, [repository]
        ) { try Row.fetchOne($0) }
        guard let row else { throw DatabaseError(message: "a listing without its tag") }
        var facets: [Facet: [FacetValue]] = [:]
        for id in list.ids {
            guard let facet = Facet.allCases.first(where: { $0.number == Int(id & 7) }) else { continue }
            facets[facet, default: []].append(try facetValue(id))
        }
        return FoundRepository(
            repository: try Repository(row["repository"] as String),
            image: TaggedImage(
                tag: row["tag"], digest: try Digest(row["digest"] as String),
                mediaType: MediaType(rawValue: row["media_type"]), size: row["total_size"],
                updatedAt: row["updated_at"]),
            annotations: try JSONDecoder().decode(
                [String: String].self, from: Data((row["annotations"] as String).utf8)),
            filter: (row["kind"] as String?) == ManifestFacts.Kind.filter.rawValue
                ? FilterSummary(row) : nil, pulls: row["pulls"],
            facets: facets.mapValues { $0.sorted { $0.value < $1.value } })
    }
}
