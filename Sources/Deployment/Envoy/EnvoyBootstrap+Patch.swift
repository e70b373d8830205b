// SPDX-License-Identifier: Apache-2.0

import Yams

extension EnvoyBootstrap {
    /// A bootstrap with our filter in it.
    package struct PatchResult: Hashable, Sendable {
        /// The whole text.
        package let text: String
        /// The lines of that text, from 1, on which the filter begins.
        package let places: [Int]
    }

    /// Puts a filter before the router of every HTTP connection manager of a bootstrap, and leaves every other byte.
    ///
    /// A filter of the same id that is there already is replaced in its place. The result is read again and compared
    /// with what it should say, so that a way of writing YAML that is not understood is an error and not damage.
    /// - Parameters:
    ///   - text: YAML or JSON, of the v3 API.
    ///   - filter: what to put in.
    ///   - name: how to call the text in errors.
    /// - Returns: the new text.
    /// - Throws: `DeploymentError` with the line that is to blame.
    package static func patch(
        _ text: String, with filter: EnvoyFilter, named name: String = "bootstrap"
    ) throws -> PatchResult {
        let before = try Bootstrap(text, name: name)
        let lists = try before.filterLists()
        let source = BootstrapSource(text)
        var edits: [Int: Edit] = [:]
        for list in lists {
            for edit in try before.edits(list, in: source, filter: filter) {
                edits[edit.range.lowerBound] = edit
            }
        }
        var bytes = source.bytes
        for edit in edits.values.sorted(by: { $0.range.lowerBound > $1.range.lowerBound }) {
            bytes.replaceSubrange(edit.range, with: edit.text.utf8)
        }
        let patched = String(decoding: bytes, as: UTF8.self)
        let expected = before.tree.inserting(BootstrapTree(filter.httpFilter), named: filter.name)
        guard let after = try? Bootstrap(patched, name: name), after.tree == expected else {
            let line = lists[0].mark?.line ?? 1
            throw DeploymentError(
                .layout,
                "cannot change \"\(name)\" safely: the way in which its http_filters are written is not"
                    + " understood (the first are at line \(line))",
                hint: "write http_filters as a plain list, one filter after the other")
        }
        return PatchResult(text: patched, places: after.places(of: filter.name))
    }
}

/// A change of the text.
private struct Edit {
    let range: Range<Int>
    let text: String
}

/// A parsed bootstrap.
private struct Bootstrap {
    let name: String
    let root: Node
    let tree: BootstrapTree

    init(_ text: String, name: String) throws {
        self.name = name
        let parsed: Node?
        do {
            // Named explicitly, or an environment variable would choose.
            parsed = try Parser(yaml: text, encoding: .utf8).singleRoot()
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
        self.root = root
        var budget = 1 << 20
        guard let tree = BootstrapTree(root, budget: &budget) else {
            throw DeploymentError(
                .unreadable, "\"\(name)\" is too large: its aliases stand for more than a million nodes")
        }
        self.tree = tree
    }

    /// The `http_filters` of every HTTP connection manager, each list once although aliases may repeat it.
    func filterLists() throws -> [Node] {
        var lists: [Node] = []
        var seen: Set<Place> = []
        var managers = 0
        try visit(root) { node, tree in
            if tree.isOutdated {
                throw DeploymentError(
                    .outdated,
                    "\"\(name)\" is written for the v2 API at line \(node.line), which Envoy dropped",
                    hint: "Envoy 1.18 and later need the v3 API: use typed_config with types that end in v3")
            }
            guard tree.isConnectionManager else { return }
            managers += 1
            let manager = node.field("type_url") == nil ? node : node.field("value") ?? node
            guard let list = manager.field("http_filters"), let items = list.sequence, !items.isEmpty else {
                throw DeploymentError(
                    .noPlace,
                    "the HTTP connection manager at line \(node.line) of \"\(name)\" has no http_filters",
                    hint: "give it http_filters that end with envoy.filters.http.router")
            }
            guard items.contains(where: { BootstrapTree.isRouter($0) }) else {
                throw DeploymentError(
                    .noPlace, "the http_filters at line \(list.line) of \"\(name)\" have no router",
                    hint: "the last of them must be envoy.filters.http.router")
            }
            if seen.insert(Place(list)).inserted { lists.append(list) }
        }
        guard managers > 0 else {
            throw DeploymentError(
                .noPlace,
                "\"\(name)\" has no HTTP connection manager, so there is no place for an HTTP filter",
                hint: "leave the file out to get a complete bootstrap")
        }
        return lists
    }

    /// The changes of one list.
    func edits(_ list: Node, in source: BootstrapSource, filter: EnvoyFilter) throws -> [Edit] {
        let items = Array(list.sequence ?? [])
        let ours = items.indices.filter { items[$0].field("name")?.string == filter.name }
        guard let router = items.firstIndex(where: { BootstrapTree.isRouter($0) }),
            let written = list.mark.flatMap({ source.list(at: $0) })
        else { throw layoutError(list) }
        switch written {
        case .block(let ranges, let column):
            guard ranges.count == items.count else { throw layoutError(list) }
            let indentation = String(repeating: " ", count: column)
            let separator = source.lineEnd(at: ranges[router].lowerBound)
            let text = filter.yamlItem.enumerated().map { index, line in
                index == 0 || line.isEmpty ? line : indentation + line
            }.joined(separator: separator)
            if ours.isEmpty {
                let place = source.aboveComments(ranges[router].lowerBound, column: column)
                return [Edit(range: place..<place, text: text + separator + indentation)]
            }
            return ours.map { Edit(range: ranges[$0], text: text) }
        case .flow(let ranges):
            guard ranges.count == items.count else { throw layoutError(list) }
            if ours.isEmpty {
                let range = ranges[router]
                let (text, separator) = flowItem(filter, like: range, in: source)
                return [Edit(range: range.lowerBound..<range.lowerBound, text: text + separator)]
            }
            return ours.map {
                Edit(range: ranges[$0], text: flowItem(filter, like: ranges[$0], in: source).text)
            }
        }
    }

    /// The filter in flow style, on as many lines as the item in whose place it comes.
    private func flowItem(
        _ filter: EnvoyFilter, like range: Range<Int>, in source: BootstrapSource
    ) -> (text: String, separator: String) {
        let prefix = source.prefix(range.lowerBound)
        guard prefix.allSatisfy({ $0 == " " || $0 == "\t" }) else {
            return (filter.httpFilter.jsonLines(unit: nil)[0], ", ")
        }
        let end = source.lineEnd(at: range.lowerBound)
        let lines = source.text(range).split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        var unit: String?
        if lines.count > 1 {
            let inner = String(lines[1].prefix { $0 == " " || $0 == "\t" })
            unit = inner.hasPrefix(prefix) ? String(inner.dropFirst(prefix.count)) : ""
            if unit == "" { unit = prefix.contains("\t") ? "\t" : "  " }
        }
        return (
            filter.httpFilter.jsonLines(unit: unit).joined(separator: end + prefix), "," + end + prefix
        )
    }

    private func layoutError(_ list: Node) -> DeploymentError {
        DeploymentError(
            .layout,
            "the way in which the http_filters at line \(list.line) of \"\(name)\" are written is not understood",
            hint: "write http_filters as a plain list, one filter after the other")
    }

    /// The lines on which a filter begins.
    func places(of filterName: String) -> [Int] {
        var lines: Set<Int> = []
        for list in (try? filterLists()) ?? [] {
            for item in list.sequence ?? [] where item.field("name")?.string == filterName {
                lines.insert(item.line)
            }
        }
        return lines.sorted()
    }

    /// Where a list or map stands; aliases stand where their anchor is.
    private struct Place: Hashable {
        let line: Int
        let column: Int
        let isList: Bool

        init(_ node: Node) {
            line = node.mark?.line ?? 0
            column = node.mark?.column ?? 0
            isList = node.sequence != nil
        }
    }

    /// Shows every map of the document once, from the outside in.
    private func visit(_ root: Node, _ body: (Node, BootstrapTree) throws -> Void) throws {
        var seen: Set<Place> = []
        var open = [root]
        while let node = open.popLast() {
            switch node {
            case .scalar, .alias: continue
            case .sequence(let items):
                guard seen.insert(Place(node)).inserted else { continue }
                open.append(contentsOf: items.reversed())
            case .mapping(let fields):
                guard seen.insert(Place(node)).inserted else { continue }
                var budget = 1 << 20
                if let tree = BootstrapTree(node, budget: &budget) { try body(node, tree) }
                open.append(contentsOf: fields.map(\.value).reversed())
            }
        }
    }
}

extension BootstrapTree {
    fileprivate static func isRouter(_ node: Node) -> Bool {
        var budget = 1 << 20
        return BootstrapTree(node, budget: &budget)?.isRouter ?? false
    }
}

extension Node {
    /// The line on which it begins, from 1.
    fileprivate var line: Int { mark?.line ?? 1 }

    /// The value of a field, by its name as in the proto file or as in proto3's JSON.
    fileprivate func field(_ name: String) -> Node? {
        mapping?.first { BootstrapTree.scalar($0.key.string ?? "", tag: "").isKey(name) }?.value
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
