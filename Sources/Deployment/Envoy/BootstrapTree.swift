// SPDX-License-Identifier: Apache-2.0

import Yams

/// What a bootstrap says, without how it is written: what is compared before and after a change.
indirect enum BootstrapTree: Equatable {
    struct Field: Equatable {
        let key: BootstrapTree
        var value: BootstrapTree
    }

    case scalar(String, tag: String)
    case list([BootstrapTree])
    case map([Field])

    /// Reads a node, with its aliases replaced by what they stand for; nil if these are too many.
    /// - Parameters:
    ///   - node: what was parsed.
    ///   - budget: how many nodes are left; aliases of aliases can stand for more than there is memory.
    init?(_ node: Node, budget: inout Int) {
        budget -= 1
        guard budget > 0 else { return nil }
        switch node {
        case .scalar(let scalar): self = .scalar(scalar.string, tag: node.tag.description)
        case .alias(let alias): self = .scalar(alias.anchor.rawValue, tag: "alias")
        case .sequence(let sequence):
            var items: [BootstrapTree] = []
            for item in sequence {
                guard let item = BootstrapTree(item, budget: &budget) else { return nil }
                items.append(item)
            }
            self = .list(items)
        case .mapping(let mapping):
            var fields: [Field] = []
            for (key, value) in mapping {
                guard let key = BootstrapTree(key, budget: &budget),
                    let value = BootstrapTree(value, budget: &budget)
                else { return nil }
                fields.append(Field(key: key, value: value))
            }
            self = .map(fields)
        }
    }

    /// What a value of ours is expected to be read as.
    init(_ value: ConfigValue) {
        switch value {
        case .string(let text): self = .scalar(text, tag: "tag:yaml.org,2002:str")
        case .integer(let number): self = .scalar("\(number)", tag: "tag:yaml.org,2002:int")
        case .number(let number):
            // As it is written out, so that it is read as the same.
            let text = ConfigValue.number(number).yamlLines[0]
            let isInteger = text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") }
            self = .scalar(text, tag: "tag:yaml.org,2002:\(isInteger ? "int" : "float")")
        case .boolean(let flag): self = .scalar("\(flag)", tag: "tag:yaml.org,2002:bool")
        case .null: self = .scalar("null", tag: "tag:yaml.org,2002:null")
        case .list(let items): self = .list(items.map { BootstrapTree($0) })
        case .map(let fields):
            self = .map(
                fields.map { Field(key: BootstrapTree(.string($0.key)), value: BootstrapTree($0.value)) })
        }
    }

    /// The value of a field, by its name as in the proto file or as in proto3's JSON.
    subscript(_ name: String) -> BootstrapTree? {
        guard case .map(let fields) = self else { return nil }
        return fields.first { $0.key.isKey(name) }?.value
    }

    var text: String? {
        if case .scalar(let text, _) = self { text } else { nil }
    }

    /// Whether this is the name of a field: `http_filters`, or `httpFilters` as proto3's JSON mapping also allows.
    func isKey(_ name: String) -> Bool {
        guard let text else { return false }
        if text == name { return true }
        let words = name.split(separator: "_")
        return words.count > 1
            && text == words[0]
                + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }
}

// MARK: - Envoy's meaning

extension BootstrapTree {
    private static let managerType = ".HttpConnectionManager"

    /// What a field of `Any` or of `TypedStruct` holds, and of which type.
    private var typed: (type: String, value: BootstrapTree)? {
        guard let type = self["@type"]?.text else { return nil }
        guard type.hasSuffix(".TypedStruct"), let inner = self["type_url"]?.text, let value = self["value"]
        else { return (type, self) }
        return (inner, value)
    }

    /// Whether this is the configuration of an HTTP connection manager, v3 or older.
    var isConnectionManager: Bool { typed?.type.hasSuffix(Self.managerType) ?? false }

    /// Whether this is written for the v2 API, which Envoy dropped with 1.18.
    var isOutdated: Bool {
        if let type = self["@type"]?.text {
            return type.hasSuffix(Self.managerType) && !type.hasSuffix(".v3\(Self.managerType)")
        }
        let names = ["envoy.http_connection_manager", "envoy.filters.network.http_connection_manager"]
        return names.contains(self["name"]?.text ?? "") && self["config"] != nil
            && self["typed_config"] == nil
    }

    /// Whether an item of `http_filters` is the router, which is always the last.
    var isRouter: Bool {
        if self["typed_config"]?.typed?.type.hasSuffix(".router.v3.Router") ?? false { return true }
        return ["envoy.filters.http.router", "envoy.router"].contains(self["name"]?.text ?? "")
    }

    /// The whole with a filter in every HTTP connection manager: in its old place, or before the router.
    func inserting(_ filter: BootstrapTree, named name: String) -> BootstrapTree {
        switch self {
        case .scalar: return self
        case .list(let items): return .list(items.map { $0.inserting(filter, named: name) })
        case .map(var fields):
            let isManager = isConnectionManager
            for index in fields.indices {
                let changed = fields[index].value.inserting(filter, named: name)
                fields[index].value = changed
                if isManager, fields[index].key.isKey("http_filters") {
                    fields[index].value = changed.insertingItem(filter, named: name)
                } else if isManager, self["type_url"] != nil, fields[index].key.isKey("value") {
                    fields[index].value = changed.insertingFilters(filter, named: name)
                }
            }
            return .map(fields)
        }
    }

    private func insertingFilters(_ filter: BootstrapTree, named name: String) -> BootstrapTree {
        guard case .map(var fields) = self else { return self }
        for index in fields.indices where fields[index].key.isKey("http_filters") {
            fields[index].value = fields[index].value.insertingItem(filter, named: name)
        }
        return .map(fields)
    }

    private func insertingItem(_ filter: BootstrapTree, named name: String) -> BootstrapTree {
        guard case .list(var items) = self else { return self }
        let old = items.indices.filter { items[$0]["name"]?.text == name }
        if old.isEmpty {
            if let router = items.firstIndex(where: \.isRouter) { items.insert(filter, at: router) }
        } else {
            for index in old { items[index] = filter }
        }
        return .list(items)
    }
}
