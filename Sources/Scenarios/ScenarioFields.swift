// SPDX-License-Identifier: Apache-2.0

import FilterImage
import FilterProject
import JSON

/// What is wrong with a `tests.yaml`, and where.
package struct ScenarioError: Error, CustomStringConvertible {
    let place: String
    let reason: String

    init(_ node: YAMLNode, in file: String, _ reason: String) {
        place = "\(file):\(node.line):\(node.column)"
        self.reason = reason
    }

    package var description: String { "\(place): \(reason)" }
}

/// The members of a mapping, which are taken out one by one; what is left is a mistake.
struct ScenarioFields {
    let node: YAMLNode
    let file: String
    private var members: [(key: YAMLNode, value: YAMLNode)]
    private var known: [String] = []

    init(_ node: YAMLNode, in file: String) throws {
        guard case .map(let members) = node.content else {
            throw ScenarioError(node, in: file, "expected a mapping, found \(node.phrase)")
        }
        self.node = node
        self.file = file
        self.members = members
    }

    func error(_ reason: String, at node: YAMLNode? = nil) -> ScenarioError {
        ScenarioError(node ?? self.node, in: file, reason)
    }

    /// Throws if there is a member that nobody has asked for.
    func finish() throws {
        guard let first = members.first else { return }
        let names = known.map { "\"\($0)\"" }.joined(separator: ", ")
        throw error("unknown key \"\(first.key.text ?? "")\"; known here: \(names)", at: first.key)
    }

    mutating func take(_ name: String) -> YAMLNode? {
        known.append(name)
        guard let index = members.firstIndex(where: { $0.key.text == name }) else { return nil }
        return members.remove(at: index).value
    }

    mutating func fields(_ name: String) throws -> ScenarioFields? {
        try take(name).map { try ScenarioFields($0, in: file) }
    }

    mutating func list(_ name: String) throws -> [YAMLNode]? {
        guard let node = take(name) else { return nil }
        guard case .list(let elements) = node.content else {
            throw error("expected a list, found \(node.phrase)", at: node)
        }
        return elements
    }

    mutating func text(_ name: String) throws -> String? {
        try take(name).map(text)
    }

    mutating func integer(_ name: String) throws -> Int? {
        try take(name).map(integer)
    }

    mutating func flag(_ name: String) throws -> Bool? {
        guard let node = take(name) else { return nil }
        guard case .bool(let value) = node.content else {
            throw error("expected true or false, found \(node.phrase)", at: node)
        }
        return value
    }

    mutating func pattern(_ name: String) throws -> TextPattern? {
        try take(name).map(pattern)
    }

    /// A duration such as "300ms" or "1.5s".
    mutating func duration(_ name: String) throws -> Duration? {
        guard let node = take(name) else { return nil }
        let text = node.text ?? ""
        if text.hasSuffix("ms"), let number = Double(text.dropLast(2)), number >= 0 {
            return .milliseconds(number)
        }
        if text.hasSuffix("s"), let number = Double(text.dropLast()), number >= 0 { return .seconds(number) }
        throw error("expected a duration such as 300ms or 1.5s, found \(node.phrase)", at: node)
    }

    /// The members of a mapping of texts, several values of one name as a list.
    mutating func pairs(_ name: String) throws -> [(name: String, value: String)] {
        guard let fields = try fields(name) else { return [] }
        var pairs: [(name: String, value: String)] = []
        for (key, value) in fields.members {
            let values: [YAMLNode] = if case .list(let elements) = value.content { elements } else { [value] }
            for value in values { pairs.append((key.text ?? "", try text(value))) }
        }
        return pairs
    }

    /// The members of a mapping, each made into something.
    mutating func map<Value>(
        _ name: String, _ convert: (YAMLNode) throws -> Value
    ) throws -> [(name: String, value: Value)] {
        guard let fields = try fields(name) else { return [] }
        return try fields.members.map { ($0.key.text ?? "", try convert($0.value)) }
    }

    /// One text, or several as a list.
    mutating func texts(_ name: String, or listName: String) throws -> [String]? {
        if let node = take(name) { return [try text(node)] }
        return try list(listName)?.map(text)
    }

    func text(_ node: YAMLNode) throws -> String {
        switch node.content {
        case .string, .number, .bool: return node.text ?? ""
        default: throw error("expected a text, found \(node.phrase)", at: node)
        }
    }

    func integer(_ node: YAMLNode) throws -> Int {
        guard case .number(let number) = node.content, let integer = number.int else {
            throw error("expected an integer, found \(node.phrase)", at: node)
        }
        return integer
    }

    /// A text to be equal to, null for none, or `{contains: …}` or `{matches: …}`.
    func pattern(_ node: YAMLNode) throws -> TextPattern {
        if case .null = node.content { return .absent }
        guard case .map = node.content else { return .equal(try text(node)) }
        var fields = try ScenarioFields(node, in: file)
        let part = try fields.text("contains")
        let pattern = try fields.text("matches")
        try fields.finish()
        switch (part, pattern) {
        case (.some(let part), nil): return .contains(part)
        case (nil, .some(let pattern)):
            do { _ = try Regex(pattern) } catch {
                throw fields.error("\"\(pattern)\" is no regular expression: \(error)")
            }
            return .matches(pattern)
        default: throw fields.error("expected either \"contains\" or \"matches\"")
        }
    }
}
