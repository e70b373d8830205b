// SPDX-License-Identifier: Apache-2.0

import GRDB
import Hub

/// One pass over what somebody may see: counts how often each value occurs, and keeps the best that were not shown yet.
///
/// A value of a facet is counted among those that the choices in all other facets leave, so that the counts say what
/// another choice in the same facet would bring.
struct SearchScan {
    struct Candidate {
        let rank: Int64
        let subrank: Int64
        /// The place in the order of names.
        let place: Int

        func isBefore(_ other: Candidate) -> Bool {
            (rank, subrank, place) < (other.rank, other.subrank, other.place)
        }
    }

    private let query: SearchQuery
    private let capacity: Int
    private let listings: ListingSnapshot
    /// The chosen keys of values.
    private let chosen: Set<Int64>
    private(set) var total = 0
    /// How often each value occurs, by its key.
    private var counts: [Int64: Int] = [:]
    /// The best, in their order.
    private(set) var best: [Candidate] = []

    /// Passes by everything that has the words, if there are any, and may be seen.
    ///
    /// `chosen` are the keys of the values that are chosen, as far as there are such values.
    init(
        _ query: SearchQuery, chosen: Set<Int64>, capacity: Int, _ listings: ListingSnapshot,
        _ rights: ListingRights, _ hits: WordHits?
    ) {
        self.query = query
        self.capacity = capacity
        self.listings = listings
        self.chosen = chosen
        let needed = query.choices.keys.reduce(UInt8(0)) { $0 | 1 << UInt8($1.number) }
        // Facets with a choice that a list of values has none of.
        let unmet: [UInt8] = listings.lists.map { list in
            var unmet = needed
            for id in list.ids where chosen.contains(id) { unmet &= ~Self.bit(id) }
            return unmet
        }
        var uses = Array(repeating: 0, count: listings.lists.count)
        let first = query.after.map { listings.place(of: $0.name, isIncluded: false) } ?? 0
        for (place, entry) in listings.entries.enumerated() {
            // With two choices that it does not meet, no other single choice would bring it.
            guard unmet[entry.list].nonzeroBitCount <= 1, rights.allow(entry) else { continue }
            var group: Int64 = 0
            if let hits {
                guard let found = hits.group(of: entry.repository) else { continue }
                group = found
            }
            uses[entry.list] += 1
            guard unmet[entry.list] == 0 else { continue }
            total += 1
            take(entry, place, group, isAfterName: place >= first)
        }
        for (list, count) in uses.enumerated() where count > 0 {
            for id in listings.lists[list].ids
            where unmet[list] == 0 || unmet[list] == Self.bit(id) { counts[id, default: 0] += count }
        }
    }

    /// The bit of the facet that a key belongs to.
    private static func bit(_ id: Int64) -> UInt8 { 1 << UInt8(id & 7) }

    /// Keeps one more if it is among the best that come after the position.
    private mutating func take(
        _ entry: ListingSnapshot.Entry, _ place: Int, _ group: Int64, isAfterName: Bool
    ) {
        let (rank, subrank): (Int64, Int64) =
            switch query.order {
            case .relevance: (group, -entry.pulls)
            case .pulls: (-entry.pulls, 0)
            case .newest: (-entry.updatedAt, 0)
            case .name: (0, 0)
            }
        if let after = query.after {
            let isAfter =
                (rank, subrank) == (after.rank, after.subrank)
                ? isAfterName : (rank, subrank) > (after.rank, after.subrank)
            guard isAfter else { return }
        }
        guard capacity > 0 else { return }
        let candidate = Candidate(rank: rank, subrank: subrank, place: place)
        if best.count == capacity {
            guard candidate.isBefore(best[capacity - 1]) else { return }
            best.removeLast()
        }
        var low = 0
        var high = best.count
        while low < high {
            let middle = (low + high) / 2
            if candidate.isBefore(best[middle]) { high = middle } else { low = middle + 1 }
        }
        best.insert(candidate, at: low)
    }

    /// The listing that was kept.
    func entry(_ candidate: Candidate) -> ListingSnapshot.Entry { listings.entries[candidate.place] }

    /// What a listing is told apart by.
    func facets(_ candidate: Candidate) -> FacetList { listings.lists[entry(candidate).list] }

    /// The keys of the values of each facet that occur most, and of all that are chosen.
    func frequent(_ limit: Int) -> [Facet: [(id: Int64, count: Int)]] {
        var found: [Int: [(id: Int64, count: Int)]] = [:]
        for (id, count) in counts { found[Int(id & 7), default: []].append((id, count)) }
        var frequent: [Facet: [(id: Int64, count: Int)]] = [:]
        for facet in Facet.allCases {
            let values = (found[facet.number] ?? []).sorted { ($1.count, $0.id) < ($0.count, $1.id) }
            frequent[facet] =
                values.prefix(limit) + values.dropFirst(limit).filter { chosen.contains($0.id) }
        }
        return frequent
    }
}
