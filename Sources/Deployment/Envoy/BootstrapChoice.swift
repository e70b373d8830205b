// SPDX-License-Identifier: Apache-2.0

/// Which parts of a bootstrap an insertion is for; says what there is where nothing fits.
struct BootstrapChoice {
    let name: String
    let tree: BootstrapTree
    let parts: BootstrapParts
    let insertion: BootstrapInsertion

    private var choice: BootstrapInsertion.Choice { insertion.choice }
    private var all: [BootstrapParts.Chain] {
        insertion.kind == .http ? parts.managers : parts.connectionChains
    }
    private var owner: String {
        insertion.kind == .http ? "HTTP connection manager" : "filter chain"
    }

    /// The chains that get the filters, by their numbers.
    func chains() throws -> [Int] {
        if let old = parts.outdated {
            throw DeploymentError(
                .outdated, "\"\(name)\" is written for the v2 API at line \(old.line), which Envoy dropped",
                hint: "Envoy 1.18 and later need the v3 API: use typed_config with types that end in v3")
        }
        guard !all.isEmpty else { throw nothingThere() }
        for listener in choice.listeners where !all.contains(where: { $0.listener == listener }) {
            throw unknown("listener", "--listener", listener, all.map { ($0.listener, $0.line) })
        }
        for prefix in choice.statPrefixes where !all.contains(where: { $0.statPrefix == prefix }) {
            throw unknown("stat_prefix", "--stat-prefix", prefix, all.map { ($0.statPrefix, $0.line) })
        }
        let chosen = all.indices.filter { index in
            (choice.listeners.isEmpty || choice.listeners.contains(all[index].listener ?? ""))
                && (choice.statPrefixes.isEmpty || choice.statPrefixes.contains(all[index].statPrefix ?? ""))
        }
        guard !chosen.isEmpty else {
            throw DeploymentError(
                .noPlace, "no \(owner) of \"\(name)\" has both that listener and that stat_prefix",
                hint: "leave out --listener or --stat-prefix")
        }
        for other in all.indices where !chosen.contains(other) {
            guard let place = all[other].filters?.list.place,
                let one = chosen.first(where: { all[$0].filters?.list.place == place })
            else { continue }
            throw DeploymentError(
                .layout,
                "the filters at line \(place.line) of \"\(name)\" are shared by the \(owner)s at lines"
                    + " \(all[one].line) and \(all[other].line), of which only one is chosen",
                hint: "choose both, or write the list out in place of the alias")
        }
        return chosen
    }

    private func nothingThere() -> DeploymentError {
        if let source = tree[.dynamicResources]?[.listenerSource] {
            let file = source[.fileSource]?[.path]?.text ?? source[.path]?.text
            return DeploymentError(
                .noPlace,
                "\"\(name)\" takes its listeners from elsewhere (lds_config at line \(source.line)), so there is no"
                    + " place for a filter in it",
                hint: file.map { "the listeners are in \"\($0)\": name that file instead" }
                    ?? "put the filter into the listeners where their server gets them from")
        }
        guard insertion.kind == .http else {
            return DeploymentError(
                .noPlace,
                "\"\(name)\" has no listener with filters, so there is no place for a network filter",
                hint: "give a listener filter_chains, each with filters")
        }
        return DeploymentError(
            .noPlace, "\"\(name)\" has no HTTP connection manager, so there is no place for an HTTP filter",
            hint: insertion.ownPrefix == nil
                ? "leave the file out to get a complete bootstrap"
                : !parts.connectionChains.isEmpty
                    ? "for network filters in its filter chains, add --network"
                    : "give a listener one, with http_filters that end with envoy.filters.http.router")
    }

    private func unknown(
        _ what: String, _ option: String, _ wanted: String, _ known: [(name: String?, line: Int)]
    ) -> DeploymentError {
        let named = known.compactMap { entry in
            entry.name.map { (text: "\"\($0)\" (line \(entry.line))", name: $0) }
        }
        var seen: Set<String> = []
        let list = named.filter { seen.insert($0.name).inserted }.map(\.text)
        let nothing = "none of its \(owner)s has a \(what); leave \(option) out"
        return DeploymentError(
            .noPlace, "no \(owner) of \"\(name)\" has the \(what) \"\(wanted)\"",
            hint: list.isEmpty ? nothing : Self.shortened(list))
    }

    /// Before which item of a chain the filters come.
    func target(in chain: BootstrapParts.Chain) throws -> Int {
        guard let list = chain.filters?.list, let items = list.items, !items.isEmpty else {
            throw DeploymentError(
                .noPlace, "the \(owner) at line \(chain.line) of \"\(name)\" has no http_filters",
                hint: "give it http_filters that end with envoy.filters.http.router")
        }
        if let before = choice.before {
            if let index = items.firstIndex(where: { $0[.name]?.text == before }) { return index }
            let others = items.filter { !insertion.owns($0[.name]?.text ?? "") }
            let names = others.map { "\"\($0[.name]?.text ?? "")\" (line \($0.line))" }
            throw DeploymentError(
                .noPlace, "the filters at line \(list.line) of \"\(name)\" have no \"\(before)\"",
                hint: "\(Self.shortened(names)); --listener and --stat-prefix choose other filters")
        }
        guard insertion.kind == .http else { return items.count - 1 }
        guard let router = items.firstIndex(where: \.isRouter) else {
            throw DeploymentError(
                .noPlace, "the http_filters at line \(list.line) of \"\(name)\" have no router",
                hint: "the last of them must be envoy.filters.http.router")
        }
        return router
    }

    /// The routes of the chosen managers, each with whether it is to pass the filters.
    func routes(of managers: [Int]) throws -> [(route: BootstrapParts.Route, isChosen: Bool)] {
        guard insertion.kind == .http else {
            guard choice.routes.isEmpty else {
                throw DeploymentError(
                    .invalid, "a network filter knows no routes", hint: "leave --route out")
            }
            return []
        }
        let within = parts.routes.filter { $0.manager.map(managers.contains) ?? true }
        for wanted in choice.routes where !within.contains(where: { $0.tree.routeNames.contains(wanted) }) {
            let known = within.map { "\"\($0.tree.routeNames.first ?? "")\" (line \($0.tree.line))" }
            let elsewhere = managers.compactMap { parts.managers[$0].routesElsewhere }.first.map {
                "the routes of some are got from elsewhere (rds at line \($0.line)), and are to be enabled there"
            }
            throw DeploymentError(
                .noPlace, "\"\(name)\" has no route \"\(wanted)\", neither by name nor by what it matches",
                hint: known.isEmpty
                    ? elsewhere ?? "it has no routes at all"
                    : Self.shortened(known) + (elsewhere.map { "; \($0)" } ?? ""))
        }
        return within.map { route in
            (route, route.tree.routeNames.contains(where: choice.routes.contains))
        }
    }

    private static func shortened(_ list: [String]) -> String {
        (list.count == 1 ? "there is " : "there are ") + list.prefix(12).joined(separator: ", ")
            + (list.count > 12 ? " and \(list.count - 12) more" : "")
    }
}
