// SPDX-License-Identifier: Apache-2.0

package import EnvoyControl
private import Yams

extension EnvoyBootstrap {
    /// A bootstrap with our filters in it.
    package struct PatchResult: Hashable, Sendable {
        /// The whole text.
        package let text: String
        /// The lines of that text, from 1, on which the filters begin.
        package let places: [Int]
        /// The routes that pass them, if not all do.
        package let routes: Int
        /// What people have to know of it.
        package let notes: [String]
        /// What changes, line by line.
        package let differences: [BootstrapDifference]
        /// Where the admin interface is, as seen from this machine; nil if that is not said, or no address of TCP.
        package let admin: HostPort?
        /// Whether it is a bootstrap, and not a file with listeners that an Envoy watches.
        package let isBootstrap: Bool
    }

    /// Puts a filter before the router of HTTP connection managers of a bootstrap, and leaves every other byte.
    ///
    /// A filter of the same id that is there already is replaced in its place.
    /// - Parameters:
    ///   - text: YAML or JSON, of the v3 API.
    ///   - filter: what to put in.
    ///   - choice: where to put it.
    ///   - name: how to call the text in errors.
    /// - Returns: the new text.
    /// - Throws: `DeploymentError` with the line that is to blame.
    package static func patch(
        _ text: String, with filter: EnvoyFilter, choice: BootstrapInsertion.Choice = .init(),
        named name: String = "bootstrap"
    ) throws -> PatchResult {
        var insertion = BootstrapInsertion(filter)
        insertion.choice = choice
        return try patch(text, with: insertion, named: name)
    }

    /// Puts filters into the chains of a bootstrap or of a file with listeners, and leaves every other byte.
    ///
    /// Those that are there already are replaced in their places. The result is read again and compared with what it
    /// should say, so that a way of writing YAML that is not understood is an error and not damage.
    /// - Parameters:
    ///   - text: YAML or JSON, of the v3 API.
    ///   - insertion: what to put in, and where.
    ///   - name: how to call the text in errors.
    /// - Returns: the new text.
    /// - Throws: `DeploymentError` with the line that is to blame.
    package static func patch(
        _ text: String, with insertion: BootstrapInsertion, named name: String = "bootstrap"
    ) throws -> PatchResult {
        let tree = try read(text, named: name)
        var patch = BootstrapPatch(tree, BootstrapSource(text), insertion, name: name)
        try patch.prepare()
        let patched = patch.edits.text()
        guard patched != text else { return patch.result(text, tree) }
        let expected = patch.changes.apply(to: tree)
        guard let after = try? read(patched, named: name), after == expected else {
            throw DeploymentError(
                .layout,
                "cannot change \"\(name)\" safely: the way in which a part of it is written is not"
                    + " understood (the first are at line \(patch.firstLine))",
                hint: "write out what aliases stand for, and http_filters as a plain list")
        }
        return patch.result(patched, after)
    }

    /// Reads a bootstrap.
    static func read(_ text: String, named name: String) throws -> BootstrapTree {
        let parsed: Node?
        do {
            // Named explicitly, or an environment variable would choose; without rules for types, which take seconds.
            parsed = try Parser(yaml: text, resolver: .basic, encoding: .utf8).singleRoot()
        } catch let error as YamlError {
            throw DeploymentError(
                .unreadable, "\"\(name)\" is not valid YAML: \(error.reason)",
                hint: "correct that place; 'envoy --mode validate' must accept the file")
        }
        guard let root = parsed, root.mapping != nil else {
            throw DeploymentError(
                .unreadable, "\"\(name)\" is not a bootstrap of Envoy: it holds no fields",
                hint: "leave the file out to get a complete bootstrap")
        }
        var budget = 1 << 21
        guard let tree = BootstrapTree(root, budget: &budget) else {
            throw DeploymentError(
                .unreadable, "\"\(name)\" is too large: its aliases stand for more than two million nodes")
        }
        return tree
    }
}

/// One change of one bootstrap.
private struct BootstrapPatch {
    let tree: BootstrapTree
    let insertion: BootstrapInsertion
    let name: String
    let changes = BootstrapTreeChanges()
    private(set) var edits: BootstrapEdits
    private(set) var firstLine = 1
    private var chains: [BootstrapParts.Chain] = []
    private var enabledRoutes: Set<BootstrapTree.Place> = []
    private var notes: [String] = []

    init(_ tree: BootstrapTree, _ source: BootstrapSource, _ insertion: BootstrapInsertion, name: String) {
        self.tree = tree
        self.insertion = insertion
        self.name = name
        edits = BootstrapEdits(source)
    }

    mutating func prepare() throws {
        let parts = BootstrapParts(tree)
        let choice = BootstrapChoice(name: name, tree: tree, parts: parts, insertion: insertion)
        let chosen = try choice.chains()
        let all = insertion.kind == .http ? parts.managers : parts.connectionChains
        chains = chosen.map { all[$0] }
        firstLine = chains[0].filters?.list.line ?? 1
        for chain in chains { try insert(into: chain, before: choice.target(in: chain)) }
        if insertion.ownPrefix != nil || !insertion.choice.routes.isEmpty {
            for (route, isChosen) in try choice.routes(of: chosen) { try enable(route, isChosen) }
        }
        try addNode()
    }

    private mutating func insert(into chain: BootstrapParts.Chain, before target: Int) throws {
        guard let (path, list) = chain.filters, let items = list.items else { return }
        let change = insertion.rewrite(items, before: target, isChosen: insertion.choice.before != nil)
        if insertion.choice.routes.isEmpty,
            items.contains(where: { insertion.owns($0[.name]?.text ?? "") && $0["disabled"]?.text == "true" }
            ),
            !change.changesNothing
        {
            notes.append(
                "only some routes passed the places at line \(list.line) before; without --route all do")
        }
        guard !change.changesNothing else { return }
        changes.add(at: path[...]) { old in
            BootstrapTree(
                .list(change.applied(to: old.items ?? []) { BootstrapTree($0.value) }), at: old.place)
        }
        guard edits.rewrite(list: list, change) else {
            throw notUnderstood("http_filters", list, "as a plain list, one filter after the other")
        }
    }

    private mutating func enable(_ route: BootstrapParts.Route, _ isChosen: Bool) throws {
        if isChosen, let place = route.tree.place { enabledRoutes.insert(place) }
        let entry = BootstrapTree(BootstrapInsertion.enabling)
        guard let index = route.tree.index(of: .perFilterConfig), let old = route.tree[.perFilterConfig],
            let fields = old.fields, !fields.isEmpty
        else {
            guard isChosen else { return }
            let places = insertion.items.map {
                ConfigValue.Field(key: $0.name, value: BootstrapInsertion.enabling)
            }
            try set(FieldName.perFilterConfig, .map(places), in: route.tree, at: route.path)
            return
        }
        let change = insertion.rewrite(routeConfig: fields, isChosen: isChosen)
        guard !change.changesNothing else { return }
        let rest = change.applied(to: fields) {
            BootstrapTree.Field(key: BootstrapTree(.string($0)), value: entry)
        }
        guard !rest.isEmpty else {
            try remove(index, of: route.tree, at: route.path)
            return
        }
        try rewrite(old, at: route.path + [index], change) {
            ConfigValue.Field(key: $0, value: BootstrapInsertion.enabling)
        }
    }

    private mutating func addNode() throws {
        // A file with listeners is no bootstrap.
        guard let node = insertion.node, tree[.resources] == nil else { return }
        let wanted: [ConfigValue.Field] = [
            .init(key: "id", value: .string(node.id)), .init(key: "cluster", value: .string(node.cluster)),
        ]
        guard let old = tree[.node], let index = tree.index(of: .node), old.text != "" else {
            try set(.node, .map(wanted), in: tree, at: [])
            return
        }
        let missing = wanted.filter { old[FieldName(stringLiteral: $0.key)] == nil }
        guard let fields = old.fields, !missing.isEmpty else { return }
        guard !fields.isEmpty else { return try set(.node, .map(wanted), in: tree, at: []) }
        var change = BootstrapRewrite<ConfigValue.Field>(count: fields.count)
        change.inserts[1] = missing
        try rewrite(old, at: [index], change) { $0 }
    }

    // MARK: - Maps

    /// Sets a field that is missing or empty.
    private mutating func set(
        _ field: FieldName, _ value: ConfigValue, in map: BootstrapTree, at path: [Int]
    ) throws {
        var change = BootstrapRewrite<ConfigValue.Field>(count: map.fields?.count ?? 0)
        let new = ConfigValue.Field(key: field.name, value: value)
        if let index = map.index(of: field) {
            change.steps[index] = .replace(new)
        } else {
            change.inserts[min(1, change.steps.count)] = [new]
        }
        try rewrite(map, at: path, change) { $0 }
    }

    private mutating func remove(_ index: Int, of map: BootstrapTree, at path: [Int]) throws {
        var change = BootstrapRewrite<ConfigValue.Field>(count: map.fields?.count ?? 0)
        change.steps[index] = .remove
        try rewrite(map, at: path, change) { $0 }
    }

    private mutating func rewrite<New>(
        _ map: BootstrapTree, at path: [Int], _ change: BootstrapRewrite<New>,
        _ make: (New) -> ConfigValue.Field
    ) throws {
        var made = BootstrapRewrite<ConfigValue.Field>(count: change.steps.count)
        made.steps = change.steps.map { step in
            switch step {
            case .keep: .keep
            case .remove: .remove
            case .replace(let new): .replace(make(new))
            }
        }
        made.inserts = change.inserts.mapValues { $0.map(make) }
        changes.add(at: path[...]) { [made] old in
            BootstrapTree(
                .map(
                    made.applied(to: old.fields ?? []) {
                        BootstrapTree.Field(
                            key: BootstrapTree(.string($0.key)), value: BootstrapTree($0.value))
                    }), at: old.place)
        }
        guard edits.rewrite(map: map, made) else {
            throw notUnderstood("fields", map, "one below the other")
        }
    }

    private func notUnderstood(_ what: String, _ tree: BootstrapTree, _ advice: String) -> DeploymentError {
        DeploymentError(
            .layout,
            "the way in which the \(what) at line \(tree.line) of \"\(name)\" are written is not understood",
            hint: "write them \(advice)")
    }

    // MARK: - What came of it

    func result(_ text: String, _ after: BootstrapTree) -> EnvoyBootstrap.PatchResult {
        let parts = BootstrapParts(after)
        var lines: Set<Int> = []
        for chain in insertion.kind == .http ? parts.managers : parts.connectionChains {
            for item in chain.filters?.list.items ?? []
            where insertion.items.contains(where: { $0.name == item[.name]?.text }) {
                lines.insert(item.line)
            }
        }
        return EnvoyBootstrap.PatchResult(
            text: text, places: lines.sorted(), routes: enabledRoutes.count, notes: notes,
            differences: edits.differences(), admin: Self.admin(of: after),
            isBootstrap: after[.resources] == nil)
    }

    private static func admin(of tree: BootstrapTree) -> HostPort? {
        guard let address = tree[.admin]?[.address]?[.socketAddress], let host = address[.address]?.text,
            let port = address[.port]?.text.flatMap({ UInt16($0) }), port != 0
        else { return nil }
        // Who listens on all addresses is reached at this one.
        return HostPort(host: ["0.0.0.0", "::"].contains(host) ? "127.0.0.1" : host, port: port)
    }
}

extension YamlError {
    /// What is wrong and where, in one line.
    fileprivate var reason: String {
        switch self {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            "\(problem) at line \(mark.line), column \(mark.column)"
        case .duplicatedKeysInMapping(let keys, let context):
            "the field \"\(keys.first ?? "")\" occurs twice in one map, at line \(context.mark.line), column \(context.mark.column)"
        case .reader(let problem, let offset, _, _): "\(problem) at byte \(offset ?? 0)"
        default: "\(self)"
        }
    }
}
