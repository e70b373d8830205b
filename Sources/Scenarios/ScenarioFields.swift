// SPDX-License-Identifier: Apache-2.0

import FilterImage
import FilterProject
import YAML

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

    func error(_ reason: String, at node: YAMLNode? = nil, hint: String? = nil) -> ScenarioError {
        ScenarioError(node ?? self.node, in: file, reason, hint: hint)
    }

    /// Throws if there is a member that nobody has asked for.
    func finish() throws {
        let errors = members.map { key, _ in
            let name = key.text ?? ""
            return error(
                "unknown key \"\(name)\"", at: key,
                hint: closestName(to: name, in: known).map { "did you mean \"\($0)\"?" }
                    ?? "the keys here are \(known.joined(separator: ", "))")
        }
        if let error = ScenarioError(all: errors) { throw error }
    }

    /// Throws if one of these is there.
    func refuse(_ names: [String], _ reason: (String) -> String, hint: String? = nil) throws {
        guard let member = members.first(where: { names.contains($0.key.text ?? "") }) else { return }
        throw error(reason(member.key.text ?? ""), at: member.key, hint: hint)
    }

    // MARK: Taking

    /// The value of a key, which from now on is known.
    mutating func take(_ name: String) -> YAMLNode? {
        known.append(name)
        guard let index = members.firstIndex(where: { $0.key.text == name }) else { return nil }
        return members.remove(at: index).value
    }

    /// The value of a key that is not yet taken.
    func peek(_ name: String) -> YAMLNode? { members.first { $0.key.text == name }?.value }

    mutating func fields(_ name: String) throws -> ScenarioFields? {
        try take(name).map { try ScenarioFields($0, in: file) }
    }

    mutating func list(_ name: String) throws -> [YAMLNode]? {
        guard let node = take(name) else { return nil }
        return try list(node)
    }

    func list(_ node: YAMLNode) throws -> [YAMLNode] {
        guard case .list(let elements) = node.content else {
            throw error("expected a list, found \(node.phrase)", at: node)
        }
        return elements
    }

    mutating func text(_ name: String) throws -> String? { try take(name).map(text) }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
        try take(name).map { try integer($0, in: range) }
    }

    mutating func flag(_ name: String) throws -> Bool? {
        guard let node = take(name) else { return nil }
        return try flag(node)
    }

    mutating func pattern(_ name: String) throws -> TextPattern? { try take(name).map(pattern) }

    mutating func duration(_ name: String) throws -> Duration? { try take(name).map(duration) }

    /// The members of a mapping as they are written.
    mutating func entries(_ name: String) throws -> [(key: YAMLNode, value: YAMLNode)] {
        try fields(name)?.members ?? []
    }

    /// One of several words.
    mutating func choice<Value>(_ name: String, _ choices: [(String, Value)]) throws -> Value? {
        guard let node = take(name) else { return nil }
        let text = try text(node)
        if let choice = choices.first(where: { $0.0 == text }) { return choice.1 }
        let words = choices.map(\.0)
        throw error(
            "expected \(words.map { "\"\($0)\"" }.joined(separator: " or ")), found \(node.phrase)", at: node,
            hint: closestName(to: text, in: words).map { "did you mean \"\($0)\"?" })
    }
}
