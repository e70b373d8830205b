// SPDX-License-Identifier: Apache-2.0

/// What is to stand in the chains of filters of a bootstrap.
package struct BootstrapInsertion: Sendable {
    /// A filter, as an item of `http_filters` or of a listener's `filters`.
    package struct Item: Hashable, Sendable {
        package let name: String
        package let value: ConfigValue
        /// What stands beside it for people; one line.
        package let comment: String?

        package init(name: String, value: ConfigValue, comment: String? = nil) {
            self.name = name
            self.value = value
            self.comment = comment
        }
    }

    /// Which chains of a bootstrap are meant, and where in them.
    package struct Choice: Hashable, Sendable {
        /// The names of listeners; none for all.
        package var listeners: [String] = []
        /// What HTTP connection managers are called in statistics; none for all.
        package var statPrefixes: [String] = []
        /// The name of the filter before which to stand; nil for the last, which is the router.
        package var before: String?
        /// The routes that are to pass the filters, by name or by what they match; none for all.
        package var routes: [String] = []

        package init() {}
    }

    /// Who an Envoy says it is; it needs both as soon as it takes anything from a discovery service, files too.
    package struct Node: Hashable, Sendable {
        package var id: String
        package var cluster: String

        package init(id: String, cluster: String) {
            self.id = id
            self.cluster = cluster
        }
    }

    package var kind = EnvoyPlugin.Kind.http
    /// The filters in their order.
    package var items: [Item]
    package var choice = Choice()
    /// Put in where a bootstrap says nothing of it.
    package var node: Node?
    /// The prefix of the names `<prefix><number>` that were put in before and may go.
    package var ownPrefix: String?

    /// One filter by itself.
    package init(_ filter: EnvoyFilter) {
        items = [Item(name: filter.name, value: filter.httpFilter, comment: filter.imageDescription)]
    }

    /// The places of a slot.
    /// - Parameters:
    ///   - places: in their order, all of one kind.
    ///   - name: the slot's name; the places are called `<name>.1` and so on.
    ///   - choice: where they go.
    package init(places: [EnvoySlot], of name: String, choice: Choice = Choice()) {
        kind = places.first?.kind ?? .http
        self.choice = choice
        ownPrefix = name + "."
        node = Node(id: "wasme", cluster: "wasme")
        items = places.map { place in
            guard !choice.routes.isEmpty, case .map(var fields) = place.filter else {
                return Item(name: place.name, value: place.filter)
            }
            fields.insert(.init(key: "disabled", value: true), at: 1)
            return Item(name: place.name, value: .map(fields))
        }
    }

    /// Whether a filter of this name was put in by us.
    func owns(_ name: String) -> Bool {
        if items.contains(where: { $0.name == name }) { return true }
        guard let ownPrefix, name.hasPrefix(ownPrefix) else { return false }
        let number = name.dropFirst(ownPrefix.count)
        return !number.isEmpty && number.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// What lets a route pass a filter that is disabled otherwise (`envoy.config.route.v3.FilterConfig`).
    static let enabling: ConfigValue = [
        "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "config": [:],
    ]
}

/// What becomes of a list or of the fields of a map: of each element that is there, and what comes before which.
struct BootstrapRewrite<New> {
    enum Step {
        case keep
        case remove
        case replace(New)
    }

    /// For each element that is there.
    var steps: [Step]
    /// New elements before the one of that number; at the end for the number of elements.
    var inserts: [Int: [New]] = [:]

    init(count: Int) { steps = Array(repeating: .keep, count: count) }

    var changesNothing: Bool {
        inserts.isEmpty
            && steps.allSatisfy { if case .keep = $0 { true } else { false } }
    }

    /// The elements afterwards.
    func applied<Element>(to old: [Element], _ make: (New) -> Element) -> [Element] {
        var result: [Element] = []
        for index in 0...old.count {
            result += (inserts[index] ?? []).map(make)
            guard index < old.count else { break }
            switch steps[index] {
            case .keep: result.append(old[index])
            case .remove: break
            case .replace(let new): result.append(make(new))
            }
        }
        return result
    }
}

extension BootstrapInsertion {
    /// What becomes of a chain of filters.
    /// - Parameters:
    ///   - old: its items.
    ///   - target: before which of them new ones come.
    ///   - isChosen: whether it was said before which one they stand, so that those elsewhere are moved.
    /// - Returns: nothing but `keep` if all is as it should be.
    func rewrite(
        _ old: [BootstrapTree], before target: Int, isChosen: Bool
    ) -> BootstrapRewrite<Item> {
        var result = BootstrapRewrite<Item>(count: old.count)
        let own = old.indices.filter { owns(old[$0][.name]?.text ?? "") }
        let isInPlace = own.last == target - 1 && own.count == (own.last ?? 0) - (own.first ?? 0) + 1
        if own.isEmpty || (isChosen && !isInPlace) {
            for index in own { result.steps[index] = .remove }
            result.inserts[target] = items
            return result
        }
        for index in own { result.steps[index] = .remove }
        // Those that are there stay where they are, perhaps moved by hand; others come behind the one before them.
        var next = own[0]
        for item in items {
            guard let index = own.first(where: { old[$0][.name]?.text == item.name }) else {
                result.inserts[next, default: []].append(item)
                continue
            }
            let isSame = item.comment == nil && old[index] == BootstrapTree(item.value)
            result.steps[index] = isSame ? .keep : .replace(item)
            next = index + 1
        }
        return result
    }

    /// What becomes of the configuration of filters of a route.
    /// - Parameters:
    ///   - old: what is configured for the route, by the filters' names.
    ///   - isChosen: whether the route is to pass the filters.
    /// - Returns: nothing but `keep` if all is as it should be.
    func rewrite(routeConfig old: [BootstrapTree.Field], isChosen: Bool) -> BootstrapRewrite<String> {
        var result = BootstrapRewrite<String>(count: old.count)
        let wanted = isChosen ? items.map(\.name) : []
        let enabling = BootstrapTree(Self.enabling)
        for (index, field) in old.enumerated() {
            guard let name = field.key.text, owns(name) else { continue }
            if wanted.contains(name) {
                if field.value != enabling { result.steps[index] = .replace(name) }
            } else if field.value == enabling {
                // What else is said of a place was said by somebody else.
                result.steps[index] = .remove
            }
        }
        let missing = wanted.filter { name in !old.contains { $0.key.text == name } }
        if !missing.isEmpty { result.inserts[old.count] = missing }
        return result
    }
}
