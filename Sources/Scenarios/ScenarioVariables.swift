// SPDX-License-Identifier: Apache-2.0

import FilterImage
import FilterProject
import JSON
import YAML

/// What `${name}` stands for, in one file or in one case of a test.
///
/// A text that is nothing but one reference becomes the variable's value, whatever it is; inside of a text the value has
/// to be a scalar. `$${` is a `${` that refers to nothing. `${env.NAME}` is a variable of the surroundings that the
/// file lists under `environment`.
struct ScenarioVariables {
    let file: String
    private var values: [String: YAMLNode] = [:]
    /// What may be read of the surroundings, and what stands there.
    private var surroundings: [String: String?] = [:]

    init(file: String) { self.file = file }

    /// How much all references of a file may become together: cases and variables of variables multiply.
    struct Budget {
        var values = 200_000
        var bytes = 16 << 20
    }

    // MARK: Declaring

    /// Takes over a mapping of names and values; those that are there already are replaced.
    mutating func add(_ members: [(key: YAMLNode, value: YAMLNode)]) throws {
        for (key, value) in members {
            let name = key.text ?? ""
            guard Self.isName(name) else {
                throw ScenarioError(
                    key, in: file, "\"\(name)\" is no name for a variable",
                    hint: "letters, digits, \"_\" and \"-\" are allowed, a letter first")
            }
            values[name] = value
        }
    }

    /// Allows a variable of the surroundings.
    mutating func allow(_ node: YAMLNode, from environment: [String: String]) throws {
        guard case .string(let name) = node.content, Self.isName(name) else {
            throw ScenarioError(
                node, in: file, "expected the name of an environment variable, found \(node.phrase)")
        }
        surroundings[name] = .some(environment[name])
    }

    /// Says of each variable whether it comes to an end, also of those that nobody uses.
    func checkForCycles() throws {
        var finished: Set<String> = []
        for (name, value) in values.sorted(by: { ($0.value.line, $0.key) < ($1.value.line, $1.key) }) {
            var path = [name]
            try follow(value, &path, &finished)
            finished.insert(name)
        }
    }

    private func follow(_ node: YAMLNode, _ path: inout [String], _ finished: inout Set<String>) throws {
        for text in Self.texts(of: node) {
            for case .reference(let name) in try pieces(of: text.text, at: text.node) {
                guard let value = values[name], !finished.contains(name) else { continue }
                try refuseCycle(name, path, at: text.node)
                path.append(name)
                try follow(value, &path, &finished)
                path.removeLast()
                finished.insert(name)
            }
        }
    }

    private func refuseCycle(_ name: String, _ path: [String], at node: YAMLNode) throws {
        guard let start = path.firstIndex(of: name) else { return }
        let circle = (path[start...] + [name]).map { "${\($0)}" }.joined(separator: ", ")
        throw ScenarioError(node, in: file, "variables refer to each other in a circle: \(circle)")
    }

    private static func isName(_ text: String) -> Bool {
        guard let first = text.first, first.isASCII, first.isLetter || first == "_" else { return false }
        return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
    }

    // MARK: Using

    /// The node with values in place of references; those of names in mappings stay.
    func expanded(_ node: YAMLNode, _ budget: inout Budget) throws -> YAMLNode {
        try expanded(node, path: [], &budget)
    }

    /// Whether there is anything to replace.
    static func isNeeded(by node: YAMLNode) -> Bool {
        texts(of: node).contains { $0.text.contains("${") }
    }

    private func expanded(_ node: YAMLNode, path: [String], _ budget: inout Budget) throws -> YAMLNode {
        budget.values -= 1
        guard budget.values >= 0 else {
            throw ScenarioError(
                node, in: file, "cases and variables make this file too large",
                hint: "write fewer cases, or several files")
        }
        switch node.content {
        case .null, .bool, .number: return node
        case .string(let text): return try expanded(text, of: node, path: path, &budget)
        case .list(let elements):
            return node.replacing(.list(try elements.map { try expanded($0, path: path, &budget) }))
        case .map(let members):
            return node.replacing(
                .map(
                    try members.map { member in
                        (member.key, try expanded(member.value, path: path, &budget))
                    }))
        }
    }

    private func expanded(
        _ text: String, of node: YAMLNode, path: [String], _ budget: inout Budget
    ) throws -> YAMLNode {
        guard text.contains("${") else { return node }
        let pieces = try pieces(of: text, at: node)
        if pieces.count == 1, case .reference(let name) = pieces[0] {
            let value = try value(of: name, at: node, path: path, &budget)
            // Where it is used is where mistakes are told.
            return node.replacing(value.content, text: value.text)
        }
        var result = ""
        for piece in pieces {
            switch piece {
            case .text(let text): result += text
            case .reference(let name):
                let value = try value(of: name, at: node, path: path, &budget)
                guard let text = value.text, value.isScalar else {
                    throw ScenarioError(
                        node, in: file, "\"${\(name)}\" is \(value.phrase), which cannot be part of a text")
                }
                result += text
            }
            guard result.utf8.count <= budget.bytes else {
                throw ScenarioError(node, in: file, "variables make this text too long")
            }
        }
        budget.bytes -= result.utf8.count
        return node.replacing(.string(result), text: result)
    }

    private func value(
        of name: String, at node: YAMLNode, path: [String], _ budget: inout Budget
    ) throws -> YAMLNode {
        if name.hasPrefix("env.") {
            let variable = String(name.dropFirst(4))
            guard let entry = surroundings[variable] else {
                throw ScenarioError(
                    node, in: file, "\"${\(name)}\" is not among the variables that this file may read",
                    hint: "list it at the top of the file: environment: [\(variable)]")
            }
            guard let text = entry else {
                throw ScenarioError(
                    node, in: file, "the environment variable \"\(variable)\" is not set",
                    hint: "set it before 'wasme test'")
            }
            return node.replacing(.string(text), text: text)
        }
        guard let value = values[name] else {
            let meant = closestName(to: name, in: values.keys.sorted())
            let known = values.keys.sorted().prefix(20).joined(separator: ", ")
            throw ScenarioError(
                node, in: file, "there is no variable \"\(name)\"",
                hint: meant.map { "did you mean \"\($0)\"?" }
                    ?? (known.isEmpty
                        ? "declare it at the top of the file, as in variables: {\(name): value}, or write $${ for a plain ${"
                        : "there are \(known)"))
        }
        try refuseCycle(name, path, at: node)
        return try expanded(value, path: path + [name], &budget)
    }

    // MARK: Reading references

    private enum Piece {
        case text(String)
        case reference(String)
    }

    private func pieces(of text: String, at node: YAMLNode) throws -> [Piece] {
        var pieces: [Piece] = []
        var plain = ""
        var rest = text[...]
        while let start = rest.firstRange(of: "${") {
            plain += rest[..<start.lowerBound]
            rest = rest[start.upperBound...]
            if plain.last == "$" {
                plain += "{"
                continue
            }
            guard let end = rest.firstIndex(of: "}") else {
                throw ScenarioError(
                    node, in: file, "a \"${\" without its \"}\"", hint: "write $${ for a plain ${")
            }
            let name = String(rest[..<end])
            guard Self.isName(name.hasPrefix("env.") ? String(name.dropFirst(4)) : name) else {
                throw ScenarioError(
                    node, in: file, "\"${\(name)}\" names no variable", hint: "write $${ for a plain ${")
            }
            if !plain.isEmpty { pieces.append(.text(plain)) }
            plain = ""
            pieces.append(.reference(name))
            rest = rest[rest.index(after: end)...]
        }
        plain += rest
        if !plain.isEmpty { pieces.append(.text(plain)) }
        return pieces
    }

    /// All texts at and below a node.
    private static func texts(of node: YAMLNode) -> [(text: String, node: YAMLNode)] {
        switch node.content {
        case .null, .bool, .number: []
        case .string(let text): [(text, node)]
        case .list(let elements): elements.flatMap(texts)
        case .map(let members): members.flatMap { texts(of: $0.value) }
        }
    }
}

extension YAMLNode {
    /// Whether it is one value and not several.
    var isScalar: Bool {
        switch content {
        case .bool, .number, .string: true
        case .null, .list, .map: false
        }
    }
}
