// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Hub

/// One pass over what somebody may see: counts how often each value occurs, and keeps the best that were not shown yet.
///
/// A value of a facet is counted among those that the choices in all other facets leave, so that the counts say what
/// another choice in the same facet would bring.
struct SearchScan {
    struct Candidate {
        let repository: Int64
        let rank: Int64
        let subrank: Int64
        /// The place in the order of names.
        let place: Int
        let facets: FacetList

        func isBefore(_ other: Candidate) -> Bool {
            (rank, subrank, place) < (other.rank, other.subrank, other.place)
        }
    }

    private let query: SearchQuery
    private let capacity: Int
    /// The facet of each chosen key, by the key's number without it; -1 for those that are not chosen.
    private var choices: [Int8]
    /// Bits of facets in which something is chosen.
    private let needed: UInt8
    private(set) var total = 0
    /// How often each value occurs, by its key's number without the facet.
    private(set) var counts: [Int]
    /// Which value has that number.
    private(set) var ids: [Int64]
    /// The best, in their order.
    private(set) var best: [Candidate] = []

    /// `chosen` are the keys of the values that are chosen, as far as there are such values; `last` is the highest key
    /// of all.
    init(_ query: SearchQuery, chosen: [Int64], last: Int64, capacity: Int) {
        self.query = query
        self.capacity = capacity
        let size = Int(last >> 3) + 1
        choices = Array(repeating: -1, count: size)
        counts = Array(repeating: 0, count: size)
        ids = Array(repeating: 0, count: size)
        for id in chosen { choices[Int(id >> 3)] = Int8(id & 7) }
        needed = query.choices.keys.reduce(0) { $0 | 1 << UInt8($1.number) }
    }

    /// Takes one more repository, in the order of names.
    ///
    /// `group` says how well its words fit (0 is best), `isAfterName` whether its name comes after the position's.
    mutating func take(
        _ repository: Int64, place: Int, facets data: Data, pulls: Int64, updatedAt: Int64, group: Int64,
        isAfterName: Bool
    ) {
        var met: UInt8 = 0
        data.withUnsafeBytes { bytes in
            for offset in stride(from: 0, to: bytes.count - 3, by: 4) {
                let id = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
                let index = Int(id >> 3)
                if index < choices.count, choices[index] >= 0 { met |= 1 << UInt8(id & 7) }
            }
        }
        let unmet = needed & ~met
        // With two choices that it does not meet, no other single choice would bring it.
        guard unmet.nonzeroBitCount <= 1 else { return }
        data.withUnsafeBytes { bytes in
            for offset in stride(from: 0, to: bytes.count - 3, by: 4) {
                let id = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
                let index = Int(id >> 3)
                guard index < counts.count, unmet == 0 || unmet == 1 << UInt8(id & 7) else { continue }
                counts[index] += 1
                ids[index] = Int64(id)
            }
        }
        guard unmet == 0 else { return }
        total += 1
        let (rank, subrank): (Int64, Int64) =
            switch query.order {
            case .relevance: (group, -pulls)
            case .pulls: (-pulls, 0)
            case .newest: (-updatedAt, 0)
            case .name: (0, 0)
            }
        if let after = query.after {
            let isAfter =
                (rank, subrank) == (after.rank, after.subrank)
                ? isAfterName : (rank, subrank) > (after.rank, after.subrank)
            guard isAfter else { return }
        }
        if best.count == capacity, let worst = best.last {
            guard (rank, subrank, place) < (worst.rank, worst.subrank, worst.place) else { return }
            best.removeLast()
        }
        guard capacity > 0 else { return }
        let candidate = Candidate(
            repository: repository, rank: rank, subrank: subrank, place: place, facets: FacetList(data))
        var low = 0
        var high = best.count
        while low < high {
            let middle = (low + high) / 2
            if candidate.isBefore(best[middle]) { high = middle } else { low = middle + 1 }
        }
        best.insert(candidate, at: low)
    }

    /// The keys of the values of each facet that occur most, and of all that are chosen.
    func frequent(_ limit: Int) -> [Facet: [(id: Int64, count: Int)]] {
        var found: [Int: [(id: Int64, count: Int)]] = [:]
        for (index, count) in counts.enumerated() where count > 0 {
            found[Int(ids[index] & 7), default: []].append((ids[index], count))
        }
        var frequent: [Facet: [(id: Int64, count: Int)]] = [:]
        for facet in Facet.allCases {
            let values = (found[facet.number] ?? []).sorted { ($1.count, $0.id) < ($0.count, $1.id) }
            frequent[facet] =
                values.prefix(limit) + values.dropFirst(limit).filter { choices[Int($0.id >> 3)] >= 0 }
        }
        return frequent
    }
}
