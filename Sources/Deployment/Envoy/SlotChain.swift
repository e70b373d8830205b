// SPDX-License-Identifier: Apache-2.0

/// Which deployment stands in which place of a slot, and how to get from there to another order while requests go through.
package struct SlotChain: Hashable, Sendable {
    /// What stands in each place; nil for nothing.
    package let places: [String?]

    package init(_ places: [String?]) { self.places = places }

    /// One place that gets something else.
    package struct Write: Hashable, Sendable {
        /// From 0.
        package let place: Int
        /// What is to stand there; nil for nothing.
        package let id: String?

        package init(place: Int, id: String?) {
            self.place = place
            self.id = id
        }
    }

    /// The writes, in this order, that lead to a wish.
    ///
    /// Each of those that stand now and are wished for stands at least once after every single write, and none stands twice
    /// at the end. As few places as possible change.
    /// - Parameters:
    ///   - wish: what is to stand, in order; each once.
    ///   - changed: what is to get another content where it stands, or is new.
    /// - Returns: the writes; none if all is as wished.
    /// - Throws: `DeploymentError` if there are too few places, or none is free to change the order.
    package func writes(toward wish: [String], changed: Set<String> = []) throws -> [Write] {
        guard wish.count <= places.count else {
            throw DeploymentError(
                .noPlace,
                "the slot has \(places.count) \(places.count == 1 ? "place" : "places"), and \(wish.count) filters are to stand in it",
                hint:
                    "undeploy one of \(wish.map { "\"\($0)\"" }.joined(separator: ", ")), or prepare more places (--places), and restart Envoy once"
            )
        }
        let target = assignment(wish)
        let writes =
            steps(to: target, wish, changed, sparing: false)
            ?? steps(to: target, wish, changed, sparing: true)
        guard let writes else {
            throw DeploymentError(
                .noPlace,
                "the slot's \(places.count) places are all in use, and changing the order needs a free one: no filter may be missing for a moment",
                hint: "undeploy one, or prepare more places (--places), and restart Envoy once")
        }
        return writes
    }

    /// The writes that lead to these places; nil if it does not work out.
    /// - Parameters:
    ///   - target: what is to stand in each place.
    ///   - wish: what is to stand, in order.
    ///   - changed: what is to get another content.
    ///   - sparing: whether empty places are kept for those that have to step aside, and filled last. Otherwise what
    ///     Envoy may refuse comes first: nothing else has moved then.
    /// - Returns: the writes.
    private func steps(
        to target: [String?], _ wish: [String], _ changed: Set<String>, sparing: Bool
    ) -> [Write]? {
        var now = places
        var writes: [Write] = []
        var pending = target.indices.filter {
            now[$0] != target[$0] || target[$0].map(changed.contains) ?? false
        }
        func put(_ place: Int, _ id: String?) {
            writes.append(Write(place: place, id: id))
            now[place] = id
            if id == target[place] {
                pending.removeAll { $0 == place }
            } else if !pending.contains(place) {
                pending.append(place)
            }
        }
        /// Whether what stands in a place may go from there.
        func isFree(_ place: Int) -> Bool {
            guard let id = now[place], wish.contains(id), id != target[place] else { return true }
            return now.indices.contains { $0 != place && now[$0] == id }
        }
        while true {
            let fills = pending.filter { target[$0] != nil && isFree($0) && !(sparing && places[$0] == nil) }
            if let place = fills.first(where: { changed.contains(target[$0] ?? "") }) ?? fills.first {
                put(place, target[place])
                continue
            }
            let stuck = pending.first { target[$0] != nil && !isFree($0) && places[$0] != nil }
            if let stuck {
                // Filters that wait for each other's places: one of them steps aside.
                if let spare = now.indices.first(where: { now[$0] == nil }) {
                    put(spare, now[stuck])
                } else if let gone = pending.first(where: { target[$0] == nil && isFree($0) }) {
                    put(gone, nil)
                } else {
                    return nil
                }
                continue
            }
            guard pending.contains(where: { target[$0] != nil }) else { break }
            guard let empty = pending.first(where: { target[$0] != nil && isFree($0) }) else { return nil }
            put(empty, target[empty])
        }
        for place in pending.sorted() where now[place] != nil { put(place, nil) }
        return writes
    }

    /// Which place each gets: in order, and as many as possible where they are.
    private func assignment(_ wish: [String]) -> [String?] {
        // kept[i][p]: how many of the first i, in the first p places, can stay.
        let (count, size) = (wish.count, places.count)
        var kept = [[Int?]](repeating: [Int?](repeating: nil, count: size + 1), count: count + 1)
        kept[0] = [Int?](repeating: 0, count: size + 1)
        func value(_ item: Int, _ place: Int) -> Int { places[place] == wish[item] ? 1 : 0 }
        for item in 0..<count {
            for place in 0..<size {
                let skipped = kept[item + 1][place]
                let taken = kept[item][place].map { $0 + value(item, place) }
                kept[item + 1][place + 1] = [skipped, taken].compactMap { $0 }.max()
            }
        }
        var target = [String?](repeating: nil, count: size)
        var (item, place) = (count, size)
        while item > 0 {
            // The lowest place that is as good.
            if place > item, kept[item][place - 1] == kept[item][place] {
                place -= 1
                continue
            }
            target[place - 1] = wish[item - 1]
            item -= 1
            place -= 1
        }
        return target
    }
}
