// SPDX-License-Identifier: Apache-2.0

extension FieldName {
    static let type: Self = "@type"
    static let typeURL: Self = "type_url"
    static let value: Self = "value"
    static let name: Self = "name"
    static let config: Self = "config"
    static let typedConfig: Self = "typed_config"
    static let statPrefix: Self = "stat_prefix"
    static let httpFilters: Self = "http_filters"
    static let filters: Self = "filters"
    static let filterChains: Self = "filter_chains"
    static let defaultFilterChain: Self = "default_filter_chain"
    static let apiListener: Self = "api_listener"
    static let virtualHosts: Self = "virtual_hosts"
    static let routes: Self = "routes"
    static let rds: Self = "rds"
    static let match: Self = "match"
    static let perFilterConfig: Self = "typed_per_filter_config"
    static let resources: Self = "resources"
    static let node: Self = "node"
    static let admin: Self = "admin"
    static let address: Self = "address"
    static let socketAddress: Self = "socket_address"
    static let port: Self = "port_value"
    static let dynamicResources: Self = "dynamic_resources"
    static let listenerSource: Self = "lds_config"
    static let fileSource: Self = "path_config_source"
    static let path: Self = "path"
}

// MARK: - Envoy's meaning

extension BootstrapTree {
    private static let managerType = ".HttpConnectionManager"

    /// What a field of `Any` or of `TypedStruct` holds, and of which type.
    private var typed: (type: String, value: BootstrapTree)? {
        guard let type = self[.type]?.text else { return nil }
        guard type.hasSuffix(".TypedStruct"), let inner = self[.typeURL]?.text, let value = self[.value]
        else { return (type, self) }
        return (inner, value)
    }

    /// Whether this is the configuration of an HTTP connection manager, v3 or older.
    var isConnectionManager: Bool { typed?.type.hasSuffix(Self.managerType) ?? false }

    /// Whether this is written for the v2 API, which Envoy dropped with 1.18.
    var isOutdated: Bool {
        if let type = self[.type]?.text {
            return type.hasSuffix(Self.managerType) && !type.hasSuffix(".v3\(Self.managerType)")
        }
        guard self[.config] != nil, self[.typedConfig] == nil else { return false }
        let names = ["envoy.http_connection_manager", "envoy.filters.network.http_connection_manager"]
        return names.contains(self[.name]?.text ?? "")
    }

    /// Whether an item of `http_filters` is the router, which is always the last.
    var isRouter: Bool {
        if self[.typedConfig]?.typed?.type.hasSuffix(".router.v3.Router") ?? false { return true }
        return ["envoy.filters.http.router", "envoy.router"].contains(self[.name]?.text ?? "")
    }

    /// What a listener's filter of the last place is called in statistics.
    fileprivate var filterStatPrefix: String? { self[.typedConfig]?.typed?.value[.statPrefix]?.text }

    /// What people call a route by: its name, and what it matches.
    var routeNames: [String] {
        let match = (self[.match]?.fields ?? []).compactMap { field -> String? in
            // `safe_regex` and `path_match_policy` are messages.
            field.value.text ?? field.value["regex"]?.text
        }
        return [self[.name]?.text].compactMap { $0 } + match
    }
}

/// The parts of a bootstrap that matter for filters, with the ways to them.
struct BootstrapParts {
    /// A chain of filters: that of an HTTP connection manager, or of connections.
    struct Chain {
        /// The name of its listener.
        let listener: String?
        /// What it is called in statistics.
        let statPrefix: String?
        /// Where its owner begins.
        let line: Int
        /// The way to the list, and the list.
        let filters: (path: [Int], list: BootstrapTree)?
        /// Where its routes are got from, if they are not here.
        let routesElsewhere: BootstrapTree?
    }

    struct Route {
        let path: [Int]
        let tree: BootstrapTree
        /// Which of the managers it belongs to; nil for a resource by itself.
        let manager: Int?
    }

    private(set) var managers: [Chain] = []
    private(set) var connectionChains: [Chain] = []
    private(set) var routes: [Route] = []
    /// The first thing that is written for the v2 API.
    private(set) var outdated: BootstrapTree?

    private var path: [Int] = []

    init(_ root: BootstrapTree) { visit(root, listener: nil, manager: nil) }

    private mutating func visit(_ tree: BootstrapTree, listener: String?, manager: Int?) {
        switch tree.content {
        case .scalar: return
        case .list(let items):
            for index in items.indices {
                path.append(index)
                visit(items[index], listener: listener, manager: manager)
                path.removeLast()
            }
        case .map(let fields):
            var listener = listener
            var manager = manager
            if outdated == nil, tree.isOutdated { outdated = tree }
            if tree.isConnectionManager {
                manager = managers.count
                add(manager: tree, of: listener)
            } else if tree.index(of: .filterChains) != nil || tree.index(of: .defaultFilterChain) != nil
                || tree.index(of: .apiListener) != nil
            {
                listener = tree[.name]?.text
                addChains(of: tree, named: listener)
            }
            if let index = tree.index(of: .virtualHosts) {
                addRoutes(fields[index].value, at: path + [index], manager: manager)
            }
            for index in fields.indices {
                path.append(index)
                visit(fields[index].value, listener: listener, manager: manager)
                path.removeLast()
            }
        }
    }

    private mutating func add(manager tree: BootstrapTree, of listener: String?) {
        var path = path
        var inner = tree
        if tree.index(of: .typeURL) != nil, let index = tree.index(of: .value), let value = tree[.value] {
            path.append(index)
            inner = value
        }
        let filters = inner.index(of: .httpFilters).flatMap { index in
            inner.fields.map { (path: path + [index], list: $0[index].value) }
        }
        managers.append(
            Chain(
                listener: listener, statPrefix: inner[.statPrefix]?.text, line: tree.line, filters: filters,
                routesElsewhere: inner[.rds]))
    }

    private mutating func addChains(of listener: BootstrapTree, named name: String?) {
        var chains: [(path: [Int], tree: BootstrapTree)] = []
        if let index = listener.index(of: .filterChains) {
            for (number, chain) in (listener[.filterChains]?.items ?? []).enumerated() {
                chains.append((path + [index, number], chain))
            }
        }
        if let index = listener.index(of: .defaultFilterChain), let chain = listener[.defaultFilterChain] {
            chains.append((path + [index], chain))
        }
        for (path, chain) in chains {
            guard let index = chain.index(of: .filters), let list = chain[.filters],
                let last = list.items?.last
            else { continue }
            connectionChains.append(
                Chain(
                    listener: name, statPrefix: last.filterStatPrefix, line: chain.line,
                    filters: (path + [index], list), routesElsewhere: nil))
        }
    }

    private mutating func addRoutes(_ hosts: BootstrapTree, at path: [Int], manager: Int?) {
        for (number, host) in (hosts.items ?? []).enumerated() {
            guard let index = host.index(of: .routes), let list = host[.routes]?.items else { continue }
            for (place, route) in list.enumerated() where route.fields != nil {
                routes.append(Route(path: path + [number, index, place], tree: route, manager: manager))
            }
        }
    }
}
