// SPDX-License-Identifier: Apache-2.0

private import Foundation
import GRDB

/// All listings as they were at one moment, with nothing in them that a search does not look at.
///
/// A search passes by all of them, whatever it is for: to count what the choices leave is to look at each. In memory
/// that takes a fraction of a millisecond for ten thousand.
struct ListingSnapshot: Sendable {
    struct Entry: Sendable {
        let repository: Int64
        let name: String
        let pulls: Int64
        let updatedAt: Int64
        /// Numbers of its name space and of its list of facets.
        let namespace: Int
        let list: Int
        let isPublic: Bool
    }

    /// The last change that is in it.
    private(set) var version: Int64 = 0
    /// In the order of names.
    private(set) var entries: [Entry] = []
    /// Lists of facets, each once: most repositories share theirs with others.
    private(set) var lists: [FacetList] = []
    private(set) var namespaces: [String: Int] = [:]
    private var listNumbers: [[Int64]: Int] = [:]
    /// The highest key of a repository.
    private(set) var lastRepository: Int64 = 0

    private static let columns = """
        listings.name, namespace, listings.is_public, pulls, updated_at, facets
        """
    /// Changes that are looked up one by one.
    private static let mostChanges = 500

    /// The same at the moment of a transaction; nil if it is newer than that.
    func updated(in database: Database) throws -> ListingSnapshot? {
        let last = try Self.version(in: database)
        guard last >= version else { return nil }
        guard last > version else { return self }
        let changes = try database.cachedStatement(
            """
            SELECT listing_changes.repository_id, \(Self.columns) FROM listing_changes
            LEFT JOIN listings ON listings.repository_id = listing_changes.repository_id
            WHERE version > ? ORDER BY version LIMIT ?
            """, [version, Self.mostChanges + 1]
        ) { try Row.fetchAll($0) }
        // Names that nobody uses any more stay in the tables until all is read again.
        let room: Int = entries.count * 2 + 1000
        let isFull: Bool = max(lists.count, namespaces.count) > room
        if changes.count > Self.mostChanges || isFull { return try ListingSnapshot(database) }
        var snapshot = self
        var changed: Set<Int64> = []
        var fresh: [Entry] = []
        for row in changes {
            changed.insert(row[0])
            if let entry = snapshot.entry(row) { fresh.append(entry) }
        }
        fresh.sort { $0.name < $1.name }
        let kept = entries.filter { !changed.contains($0.repository) }
        snapshot.entries = Self.merged(kept, fresh)
        snapshot.version = last
        return snapshot
    }

    /// Nothing, before anything was read.
    init() {}

    /// All that a transaction sees.
    init(_ database: Database) throws {
        version = try Self.version(in: database)
        entries = try database.cachedStatement(
            "SELECT repository_id, \(Self.columns) FROM listings ORDER BY name", []
        ) { statement in
            var rows: [Entry] = []
            let cursor = try Row.fetchCursor(statement)
            while let row = try cursor.next() { if let entry = entry(row) { rows.append(entry) } }
            return rows
        }
    }

    private static func version(in database: Database) throws -> Int64 {
        try database.cachedStatement("SELECT max(version) FROM listing_changes", []) {
            try Int64.fetchOne($0)
        } ?? 0
    }

    /// A row as an entry; nil for a repository that is no longer listed.
    private mutating func entry(_ row: Row) -> Entry? {
        guard let name = row[1] as String? else { return nil }
        let repository: Int64 = row[0]
        lastRepository = max(lastRepository, repository)
        let facets = FacetList(row[6] as Data)
        let list = listNumbers[facets.ids] ?? lists.count
        if list == lists.count {
            listNumbers[facets.ids] = list
            lists.append(facets)
        }
        let space: String = row[2]
        let namespace = namespaces[space] ?? namespaces.count
        namespaces[space] = namespace
        return Entry(
            repository: repository, name: name, pulls: row[4], updatedAt: row[5], namespace: namespace,
            list: list, isPublic: row[3])
    }

    private static func merged(_ left: [Entry], _ right: [Entry]) -> [Entry] {
        var all: [Entry] = []
        all.reserveCapacity(left.count + right.count)
        var rest = right[...]
        for entry in left {
            while let next = rest.first, next.name < entry.name {
                all.append(next)
                rest.removeFirst()
            }
            all.append(entry)
        }
        return all + rest
    }

    /// The place of the first name that is not before a name, and is not it unless `isIncluded`.
    func place(of name: String, isIncluded: Bool) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            let isBefore = isIncluded ? entries[middle].name < name : entries[middle].name <= name
            if isBefore { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
