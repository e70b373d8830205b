// SPDX-License-Identifier: Apache-2.0

import Yams

/// What a bootstrap says, and where it stands; how it is written does not count when two are compared.
struct BootstrapTree: Equatable {
    struct Field: Equatable {
        let key: BootstrapTree
        var value: BootstrapTree
    }

    enum Content: Equatable {
        case scalar(String, Kind)
        case list([BootstrapTree])
        case map([Field])
    }

    /// What a scalar is taken for.
    enum Kind: Equatable {
        case text
        /// A number, a truth value or anything else that depends on being written without quotes.
        case plain
        case tagged(String)
    }

    /// Where something begins, as libyaml counts: from 1, columns in Unicode scalars.
    struct Place: Hashable {
        let line: Int
        let column: Int
    }

    var content: Content
    /// Nil for what is only expected; what an alias stands for is where its anchor is.
    let place: Place?

    static func == (one: Self, other: Self) -> Bool { one.content == other.content }

    init(_ content: Content, at place: Place? = nil) {
        self.content = content
        self.place = place
    }

    /// Reads a node, with its aliases replaced by what they stand for; nil if these are too many.
    /// - Parameters:
    ///   - node: what was parsed.
    ///   - budget: how many nodes are left; aliases of aliases can stand for more than there is memory.
    init?(_ node: Node, budget: inout Int) {
        budget -= 1
        guard budget > 0 else { return nil }
        place = node.mark.map { Place(line: $0.line, column: $0.column) }
        switch node {
        case .scalar(let scalar): content = .scalar(scalar.string, Self.kind(of: scalar))
        case .alias(let alias): content = .scalar(alias.anchor.rawValue, .tagged("alias"))
        case .sequence(let sequence):
            var items: [BootstrapTree] = []
            items.reserveCapacity(sequence.count)
            for item in sequence {
                guard let item = BootstrapTree(item, budget: &budget) else { return nil }
                items.append(item)
            }
            content = .list(items)
        case .mapping(let mapping):
            var fields: [Field] = []
            fields.reserveCapacity(mapping.count)
            for (key, value) in mapping {
                guard var key = BootstrapTree(key, budget: &budget),
                    let value = BootstrapTree(value, budget: &budget)
                else { return nil }
                if let text = key.text { key.content = .scalar(text, .text) }
                fields.append(Field(key: key, value: value))
            }
            content = .map(fields)
        }
    }

    /// What a value of ours is expected to be read as.
    init(_ value: ConfigValue) {
        place = nil
        switch value {
        case .string(let text): content = .scalar(text, .text)
        case .integer(let number): content = .scalar("\(number)", .plain)
        case .number: content = .scalar(value.yamlLines[0], .plain)
        case .boolean(let flag): content = .scalar("\(flag)", .plain)
        case .null: content = .scalar("null", .plain)
        case .list(let items): content = .list(items.map { BootstrapTree($0) })
        case .map(let fields):
            content = .map(
                fields.map { Field(key: BootstrapTree(.string($0.key)), value: BootstrapTree($0.value)) })
        }
    }

    /// Yams would find out by regular expressions, which takes seconds for a large file.
    private static func kind(of scalar: Node.Scalar) -> Kind {
        let tag = scalar.tag.description
        if tag == "tag:yaml.org,2002:str" { return .text }
        guard tag.isEmpty else { return .tagged(tag) }
        guard scalar.style == .plain else { return .text }
        // As `ConfigValue` writes without quotes what is a text to everybody.
        guard let first = scalar.string.utf8.first else { return .plain }
        let isLetter = (0x41...0x5a).contains(first) || (0x61...0x7a).contains(first)
        guard isLetter || first == UInt8(ascii: "/") else { return .plain }
        guard scalar.string.utf8.count <= 5 else { return .text }
        return words.contains(scalar.string.lowercased()) ? .plain : .text
    }

    private static let words: Set<String> = [
        "true", "false", "yes", "no", "on", "off", "y", "n", "null",
    ]
}

// MARK: - Looking into it

/// A field of a message, by its name in the proto file or in proto3's JSON mapping.
struct FieldName: ExpressibleByStringLiteral {
    let name: String
    private let camel: String

    init(stringLiteral name: String) {
        self.name = name
        let words = name.split(separator: "_")
        camel =
            (words.first.map(String.init) ?? "")
            + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    func matches(_ text: String) -> Bool { text == name || text == camel }
}

extension BootstrapTree {
    var text: String? {
        if case .scalar(let text, _) = content { text } else { nil }
    }

    var items: [BootstrapTree]? {
        if case .list(let items) = content { items } else { nil }
    }

    var fields: [Field]? {
        if case .map(let fields) = content { fields } else { nil }
    }

    /// The line on which it begins, from 1.
    var line: Int { place?.line ?? 1 }

    /// Which of the fields it is.
    func index(of name: FieldName) -> Int? {
        fields?.firstIndex { $0.key.text.map(name.matches) ?? false }
    }

    subscript(_ name: FieldName) -> BootstrapTree? {
        guard case .map(let fields) = content else { return nil }
        return fields.first { $0.key.text.map(name.matches) ?? false }?.value
    }
}

// MARK: - Changing it

/// Changes of parts of a tree, each by the way to it: the numbers of the fields and items that lead there.
final class BootstrapTreeChanges {
    private var deeper: [Int: BootstrapTreeChanges] = [:]
    private var change: ((BootstrapTree) -> BootstrapTree)?

    /// Adds a change; it sees its part with the deeper ones done.
    func add(at path: ArraySlice<Int>, _ change: @escaping (BootstrapTree) -> BootstrapTree) {
        guard let step = path.first else {
            let before = self.change
            self.change = { change(before?($0) ?? $0) }
            return
        }
        let next = deeper[step] ?? BootstrapTreeChanges()
        deeper[step] = next
        next.add(at: path.dropFirst(), change)
    }

    func apply(to tree: BootstrapTree) -> BootstrapTree {
        var result = tree
        switch tree.content {
        case .scalar: break
        case .list(var items):
            for (index, changes) in deeper { items[index] = changes.apply(to: items[index]) }
            if !deeper.isEmpty { result.content = .list(items) }
        case .map(var fields):
            for (index, changes) in deeper { fields[index].value = changes.apply(to: fields[index].value) }
            if !deeper.isEmpty { result.content = .map(fields) }
        }
        return change?(result) ?? result
    }
}
