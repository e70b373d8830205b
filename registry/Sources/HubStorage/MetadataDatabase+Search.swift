// SPDX-License-Identifier: Apache-2.0

private import Foundation
import GRDB
package import Hub
package import OCI

extension MetadataDatabase: SearchStore {
    package func search(_ query: SearchQuery, limit: Int) async throws -> SearchResult {
        try await readListings { [access, listings] database in
            try database.search(query, access, listings, limit: limit)
        }
    }

    package func listedNames(from first: String, step: Int, limit: Int) async throws -> [String] {
        try await readListings { [access, listings] database in
            guard let listings = try listings.listings(database) else { return nil }
            let rights = try ListingRights(access, listings, database)
            let place = listings.place(of: first, isIncluded: true)
            let seen = listings.entries[place...].lazy.filter(rights.allow).enumerated()
            return Array(seen.lazy.filter { $0.offset % step == 0 }.map(\.element.name).prefix(limit))
        }
    }

    /// Tags of somebody that are looked at, whoever may see them.
    private static let pushesRead = 500

    package func pushes(by name: AccountName, limit: Int) async throws -> [Push] {
        let condition = ListingCondition(access)
        return try await read { [access] database in
            try database.authorizeCatalog(access)
            let arguments: StatementArguments =
                [name.description, Self.pushesRead] + condition.arguments + [limit]
            return try database.cachedStatement(
                """
                SELECT repositories.name, pushed.name AS tag, pushed.updated_at FROM (
                    SELECT repository_id, name, updated_at FROM tags WHERE pushed_by = ?
                    ORDER BY updated_at DESC LIMIT ?
                ) AS pushed JOIN repositories ON repositories.id = pushed.repository_id
                WHERE \(condition.sql) ORDER BY pushed.updated_at DESC, repositories.name LIMIT ?
                """, arguments
            ) { try Row.fetchAll($0) }.map { row in
                Push(
                    repository: try Repository(row["name"] as String), tag: try Tag(row["tag"] as String),
                    time: row["updated_at"])
            }
        }
    }

    /// Reads until that is of the latest state that is known: nil says that the transaction saw an earlier one.
    private func readListings<Result: Sendable>(
        _ query: @escaping @Sendable (Database) throws -> Result?
    ) async throws -> Result {
        while true {
            let result = try await read { [access] database in
                try database.authorizeCatalog(access)
                return try query(database)
            }
            if let result { return result }
            try Task.checkCancellation()
        }
    }

    package func listing(of repository: Repository) async throws -> FoundRepository? {
        try await read { [access] database in
            try database.authorize(access, .pull, repository)
            var values = FacetValues()
            return try database.cachedStatement(
                "SELECT repository_id, facets FROM listings WHERE name = ?", [repository.path]
            ) { try Row.fetchOne($0) }.map { row in
                try database.found(row["repository_id"], FacetList(row["facets"] as Data), &values)
            }
        }
    }
}

/// Values of facets that were looked up for one answer.
private struct FacetValues {
    var known: [Int64: FacetValue] = [:]
}

extension Database {
    /// Most values of a facet that are told.
    private static let valuesShown = 20

    /// One page of what fits; nil if the cache knows a later state than this transaction sees.
    func search(
        _ query: SearchQuery, _ access: Access, _ cache: ListingCache, limit: Int
    ) throws -> SearchResult? {
        guard let listings = try cache.listings(self) else { return nil }
        let chosen = try query.choices.flatMap { facet, values in
            try values.compactMap { value in
                try cachedStatement(
                    "SELECT id FROM facet_values WHERE id & 7 = ? AND value = ?", [facet.number, value]
                ) { try Int64.fetchOne($0) }
            }
        }
        let hits =
            try query.words.isEmpty
            ? nil
            : cache.hits(query.words, isRanked: query.order == .relevance, of: listings, self)
        // One more tells whether another page follows.
        let scan = SearchScan(
            query, chosen: Set(chosen), capacity: limit > 0 ? limit + 1 : 0, listings,
            try ListingRights(access, listings, self), hits)
        var values = FacetValues()
        var result = SearchResult()
        result.total = scan.total
        result.facets = try facetCounts(of: scan, query, &values)
        result.found = try scan.best.prefix(limit).map { candidate in
            try found(scan.entry(candidate).repository, scan.facets(candidate), &values)
        }
        if scan.best.count > limit, limit > 0 {
            let candidate = scan.best[limit - 1]
            result.next = SearchPosition(
                rank: candidate.rank, subrank: candidate.subrank, name: scan.entry(candidate).name)
        }
        return result
    }

    private func facetCounts(
        of scan: SearchScan, _ query: SearchQuery, _ known: inout FacetValues
    ) throws -> [Facet: [FacetCount]] {
        var facets: [Facet: [FacetCount]] = [:]
        for (facet, values) in scan.frequent(Self.valuesShown) {
            let choices = query.choices[facet] ?? []
            var counts = try values.map { id, count in
                let value = try facetValue(id, &known)
                return FacetCount(value, count: count, isChosen: choices.contains(value.value))
            }
            // A choice that nothing has can be taken back too.
            let absent = choices.subtracting(counts.map(\.value.value))
            counts += absent.map { FacetCount(FacetValue($0), count: 0, isChosen: true) }
            facets[facet] = counts.sorted { ($1.count, $0.value.value) < ($0.count, $1.value.value) }
        }
        return facets
    }

    private func facetValue(_ id: Int64, _ values: inout FacetValues) throws -> FacetValue {
        if let value = values.known[id] { return value }
        let row = try cachedStatement("SELECT value, label FROM facet_values WHERE id = ?", [id]) {
            try Row.fetchOne($0)
        }
        let value = FacetValue(row?[0] ?? "", label: row?[1])
        values.known[id] = value
        return value
    }

    fileprivate func found(
        _ repository: Int64, _ list: FacetList, _ values: inout FacetValues
    ) throws -> FoundRepository {
        let row = try cachedStatement(
            """
            SELECT listings.name, tag, pulls, digest, media_type, total_size, listings.updated_at,
                \(ImageWords.columns), manifest_facts.kind, abi, language, licence
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
            facets[facet, default: []].append(try facetValue(id, &values))
        }
        // By place: a row looks for a name among all of its columns, as if each were written in either case.
        return FoundRepository(
            repository: try Repository(row[0] as String),
            image: TaggedImage(
                tag: row[1], digest: try Digest(row[3] as String), mediaType: MediaType(rawValue: row[4]),
                size: row[5], updatedAt: row[6]),
            words: ImageWords(title: row[7], description: row[8], version: row[9], abi: row[10]),
            filter: (row[11] as String?) == ManifestFacts.Kind.filter.rawValue
                ? FilterSummary(abi: row[12], language: row[13], licence: row[14]) : nil,
            pulls: row[2],
            facets: facets.mapValues { $0.sorted { $0.value < $1.value } })
    }
}

extension ImageWords {
    /// What a search selects of a manifest, in the order of the initialiser: to read all annotations in Swift takes longer
    /// than all the rest of a result.
    fileprivate static let columns = [
        "org.opencontainers.image.title", "org.opencontainers.image.description",
        "org.opencontainers.image.version", "module.wasm.runtime/abi_version",
    ].map { #"substr(json_extract(annotations, '$."\#($0)"'), 1, \#(longest))"# }.joined(separator: ", ")
}

extension FilterSummary {
    fileprivate init(abi: String?, language: String?, licence: String?) {
        self.init()
        self.abi = abi
        self.language = language
        self.licence = licence
    }
}
