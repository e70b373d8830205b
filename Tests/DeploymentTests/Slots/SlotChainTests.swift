// SPDX-License-Identifier: Apache-2.0

import Deployment
import Testing

/// How filters change places, held against every possible way of doing it.
@Suite struct SlotChainTests {
    /// Carries writes out, and looks at every state in between.
    private func carryOut(
        _ chain: SlotChain, _ writes: [SlotChain.Write], wish: [String]
    ) -> [String?] {
        var places = chain.places
        let staying = wish.filter { chain.places.contains($0) }
        for write in writes {
            places[write.place] = write.id
            for id in staying {
                #expect(places.contains(id), "\(id) is missing on the way from \(chain.places) to \(wish)")
            }
        }
        return places
    }

    /// Every arrangement of some of the ids in so many places, each id once at most.
    private static func arrangements(_ ids: [String], places: Int) -> [[String?]] {
        guard places > 0 else { return [[]] }
        var all: [[String?]] = arrangements(ids, places: places - 1).map { $0 + [nil] }
        for id in ids {
            all += arrangements(ids.filter { $0 != id }, places: places - 1).map { $0 + [id] }
        }
        return all
    }

    private static func orders(_ ids: [String]) -> [[String]] {
        [[]] + ids.flatMap { id in orders(ids.filter { $0 != id }).map { [id] + $0 } }
    }

    /// The fewest writes that lead from one to a wish without anything missing in between; nil if none do: breadth first.
    private static func fewest(
        _ start: [String?], _ wish: [String], changed: Set<String>
    ) -> Int? {
        struct State: Hashable {
            let places: [String?]
            let rewritten: Set<String>
        }
        let staying = wish.filter { start.contains($0) }
        func isEnd(_ state: State) -> Bool {
            state.places.compactMap { $0 } == wish
                && changed.intersection(staying).isSubset(of: state.rewritten)
        }
        var seen: Set<State> = []
        var ring = [State(places: start, rewritten: [])]
        var count = 0
        while !ring.isEmpty {
            if ring.contains(where: isEnd) { return count }
            var next: [State] = []
            for state in ring {
                for place in start.indices {
                    for id in [nil] + wish.map(Optional.some) {
                        var places = state.places
                        places[place] = id
                        guard staying.allSatisfy({ places.contains($0) }) else { continue }
                        // What has another content counts once it stands nowhere with the old one.
                        var rewritten = state.rewritten
                        if let id, changed.contains(id), places.count(where: { $0 == id }) == 1 {
                            rewritten.insert(id)
                        }
                        let state = State(places: places, rewritten: rewritten)
                        if seen.insert(state).inserted { next.append(state) }
                    }
                }
            }
            ring = next
            count += 1
        }
        return nil
    }

    @Test(arguments: 1...4) func `no filter is ever missing, and the end is what was wished`(
        _ size: Int
    ) throws {
        let ids = ["a", "b", "c"]
        for start in Self.arrangements(ids, places: size) {
            for wish in Self.orders(ids) where wish.count <= size {
                for changed in [Set<String>(), Set(wish.prefix(1))] {
                    let chain = SlotChain(start)
                    let possible = Self.fewest(start, wish, changed: changed)
                    guard let writes = try? chain.writes(toward: wish, changed: changed) else {
                        #expect(
                            possible == nil, "\(start) to \(wish) is possible with \(possible ?? 0) writes")
                        continue
                    }
                    let end = carryOut(chain, writes, wish: wish)
                    #expect(end.compactMap { $0 } == wish, "\(start) to \(wish) by \(writes)")
                    for id in changed where wish.contains(id) {
                        #expect(writes.contains { $0.id == id }, "\(id) keeps its old content")
                    }
                    // Not always the fewest, but never many more: one step aside, and its emptying.
                    if let possible {
                        #expect(
                            writes.count <= possible + 2, "\(start) to \(wish): \(writes), not \(possible)")
                    }
                }
            }
        }
    }

    @Test func `with a place to spare, every order of four filters can be had`() {
        let ids = ["a", "b", "c", "d"]
        var complaints: [String] = []
        for start in Self.arrangements(ids, places: 5) {
            for wish in Self.orders(ids) {
                guard let writes = try? SlotChain(start).writes(toward: wish, changed: Set(wish.suffix(1)))
                else {
                    complaints.append("\(start) to \(wish): refused")
                    continue
                }
                var places = start
                let staying = wish.filter { start.contains($0) }
                for write in writes {
                    places[write.place] = write.id
                    if !staying.allSatisfy({ places.contains($0) }) {
                        complaints.append("\(start) to \(wish): \(writes)")
                    }
                }
                if places.compactMap({ $0 }) != wish { complaints.append("\(start) to \(wish): \(places)") }
            }
        }
        #expect(complaints.isEmpty, "\(complaints.count), as \(complaints.prefix(5))")
    }

    @Test func `what is new comes first, before anything else has moved`() throws {
        let writes = try SlotChain(["a", "b", nil, nil]).writes(toward: ["b", "c", "a"], changed: ["c"])
        #expect(writes.first?.id == "c")
    }

    @Test func `nothing is written where nothing changes`() throws {
        #expect(try SlotChain(["a", nil, "b"]).writes(toward: ["a", "b"]) == [])
    }

    @Test func `too many filters, and a full slot whose order is to change, are refused with what to do`() {
        let many = #expect(throws: DeploymentError.self) {
            try SlotChain(["a", nil]).writes(toward: ["a", "b", "c"])
        }
        #expect(many?.message == "the slot has 2 places, and 3 filters are to stand in it")
        let full = #expect(throws: DeploymentError.self) {
            try SlotChain(["a", "b"]).writes(toward: ["b", "a"])
        }
        #expect(full?.message.contains("needs a free one") ?? false)
    }
}
