// SPDX-License-Identifier: Apache-2.0

import GRDB
import Hub
import Synchronization

/// What searches hold in memory: the listings, and where words were found a moment ago.
///
/// Neither says who may see what; that is looked up for each search.
final class ListingCache: Sendable {
    /// Words that are remembered, once for each part of the listings: somebody types, and comes back to what was there
    /// before; and what nearly all filters have is dear to look up.
    private static let mostWords = 300

    private struct Key: Hashable {
        let word: String
        let part: ListingPart
    }

    private struct Found {
        let version: Int64
        let repositories: RepositorySet
    }

    private let snapshot = Mutex(ListingSnapshot())
    private let found = Mutex<[Key: Found]>([:])

    /// The listings as a transaction sees them; nil if newer ones are known, which the next transaction will see too.
    func listings(_ database: Database) throws -> ListingSnapshot? {
        let known = snapshot.withLock { $0 }
        guard let present = try known.updated(in: database) else { return nil }
        if present.version > known.version {
            snapshot.withLock { if $0.version < present.version { $0 = present } }
        }
        return present
    }

    /// The repositories that have all words, of which there is one at least.
    func hits(
        _ words: [String], isRanked: Bool, of listings: ListingSnapshot, _ database: Database
    ) throws -> WordHits {
        let version = try database.cachedStatement("SELECT version FROM listing_words WHERE id = 1", []) {
            try Int64.fetchOne($0)
        }
        guard let version else { throw DatabaseError(message: "listings have no version of words") }
        var groups: [RepositorySet] = []
        for part in isRanked ? ListingPart.allCases : [.all] {
            // Word by word: a part has all words where it has each.
            var group: RepositorySet?
            for word in words {
                let found = try repositories(with: word, in: part, version, listings, database)
                group = group?.intersection(found) ?? found
            }
            guard let group else { break }
            groups.append(group)
            // Where all have the words already, there is nothing more to be found.
            if group.count >= listings.entries.count { break }
        }
        return WordHits(groups: groups)
    }

    private func repositories(
        with word: String, in part: ListingPart, _ version: Int64, _ listings: ListingSnapshot,
        _ database: Database
    ) throws -> RepositorySet {
        let key = Key(word: word, part: part)
        if let known = found.withLock({ $0[key] }), known.version == version { return known.repositories }
        let repositories = try RepositorySet(with: word, in: part, upTo: listings.lastRepository, database)
        found.withLock { found in
            if found.count >= Self.mostWords { found = found.filter { $0.value.version == version } }
            if found.count >= Self.mostWords { found = [:] }
            found[key] = Found(version: version, repositories: repositories)
        }
        return repositories
    }
}

/// A part of what is looked through, each within the next.
enum ListingPart: Hashable, CaseIterable {
    case name, nameAndHead, all

    /// As FTS5 names its columns.
    fileprivate var columns: String {
        switch self {
        case .name: "{name} : "
        case .nameAndHead: "{name head} : "
        case .all: ""
        }
    }
}

/// Some of all repositories, with a bit for each.
struct RepositorySet: Sendable {
    private var bits: [UInt64]
    private(set) var count: Int

    /// Those in a part of which something begins with a word.
    fileprivate init(
        with word: String, in part: ListingPart, upTo last: Int64, _ database: Database
    ) throws {
        var bits = [UInt64](repeating: 0, count: Int(last >> 6) + 1)
        var count = 0
        // A phrase in quotes is never anything but words, the last of which may go on.
        try database.cachedStatement(
            "SELECT rowid FROM listing_texts WHERE listing_texts MATCH ?", ["\(part.columns)(\"\(word)\"*)"]
        ) { statement in
            let rows = try Int64.fetchCursor(statement)
            while let id = try rows.next() {
                let place = Int(id >> 6)
                if place < bits.count { bits[place] |= 1 << UInt64(id & 63) }
                count += 1
            }
        }
        self.bits = bits
        self.count = count
    }

    fileprivate func intersection(_ other: RepositorySet) -> RepositorySet {
        var both = self
        both.bits = zip(bits, other.bits).map(&)
        both.count = both.bits.reduce(0) { $0 + $1.nonzeroBitCount }
        return both
    }

    func contains(_ repository: Int64) -> Bool {
        let place = Int(repository >> 6)
        return place < bits.count && bits[place] & 1 << UInt64(repository & 63) != 0
    }
}

/// The repositories that have some words, and where.
struct WordHits: Sendable {
    /// Those that have all words in the name, then those in name, title and description, then all.
    fileprivate let groups: [RepositorySet]

    /// How well a repository fits, 0 being best; nil if it does not.
    func group(of repository: Int64) -> Int64? {
        groups.firstIndex { $0.contains(repository) }.map(Int64.init)
    }
}
