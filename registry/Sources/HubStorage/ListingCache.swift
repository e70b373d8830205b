// SPDX-License-Identifier: Apache-2.0

import GRDB
import Hub
import Synchronization

/// What searches hold in memory: the listings, and what was found by words a moment ago.
///
/// Neither says who may see what; that is looked up for each search.
final class ListingCache: Sendable {
    /// Words that are remembered: somebody types, and comes back to what was there before.
    private static let mostWords = 100

    private struct Found {
        let version: Int64
        let hits: WordHits
    }

    private let snapshot = Mutex(ListingSnapshot())
    private let found = Mutex<[[String]: Found]>([:])

    /// The listings as a transaction sees them; nil if newer ones are known, which the next transaction will see too.
    func listings(_ database: Database) throws -> ListingSnapshot? {
        let known = snapshot.withLock { $0 }
        guard let present = try known.updated(in: database) else { return nil }
        if present.version > known.version {
            snapshot.withLock { if $0.version < present.version { $0 = present } }
        }
        return present
    }

    /// The repositories that have all words.
    func hits(
        _ words: [String], isRanked: Bool, of listings: ListingSnapshot, _ database: Database
    ) throws -> WordHits {
        let version = try database.cachedStatement("SELECT version FROM listing_words WHERE id = 1", []) {
            try Int64.fetchOne($0)
        }
        guard let version else { throw DatabaseError(message: "listings have no version of words") }
        let key = (isRanked ? ["ranked"] : ["flat"]) + words
        if let known = found.withLock({ $0[key] }), known.version == version { return known.hits }
        let hits = try WordHits(words, isRanked: isRanked, of: listings, database)
        found.withLock { found in
            if found.count >= Self.mostWords { found = found.filter { $0.value.version == version } }
            if found.count >= Self.mostWords { found = [:] }
            found[key] = Found(version: version, hits: hits)
        }
        return hits
    }
}

/// The repositories that have some words, and where.
struct WordHits: Sendable {
    /// Those that have all words in the name, then those in name, title and description, then all; each with a bit for
    /// each repository.
    private let groups: [[UInt64]]

    init(
        _ words: [String], isRanked: Bool, of listings: ListingSnapshot, _ database: Database
    ) throws {
        // A phrase in quotes is never anything but words, the last of which may go on.
        let text = words.map { "\"\($0)\"*" }.joined(separator: " AND ")
        var groups: [[UInt64]] = []
        for columns in isRanked ? ["{name} : ", "{name head} : ", ""] : [""] {
            var bits = [UInt64](repeating: 0, count: Int(listings.lastRepository >> 6) + 1)
            var count = 0
            try database.cachedStatement(
                "SELECT rowid FROM listing_texts WHERE listing_texts MATCH ?", ["\(columns)(\(text))"]
            ) { statement in
                let rows = try Int64.fetchCursor(statement)
                while let id = try rows.next() {
                    let place = Int(id >> 6)
                    if place < bits.count { bits[place] |= 1 << UInt64(id & 63) }
                    count += 1
                }
            }
            groups.append(bits)
            // Where all have the words already, there is nothing more to be found.
            if count >= listings.entries.count { break }
        }
        self.groups = groups
    }

    /// How well a repository fits, 0 being best; nil if it does not.
    func group(of repository: Int64) -> Int64? {
        let place = Int(repository >> 6)
        let bit: UInt64 = 1 << UInt64(repository & 63)
        for (number, bits) in groups.enumerated() where place < bits.count && bits[place] & bit != 0 {
            return Int64(number)
        }
        return nil
    }
}
