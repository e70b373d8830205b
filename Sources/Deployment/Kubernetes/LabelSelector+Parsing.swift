// SPDX-License-Identifier: Apache-2.0

extension LabelSelector {
    /// Reads a selector as `kubectl --selector` takes it: `app=shop,tier in (front,back),!canary,env!=test`.
    package init(parsing text: String) throws {
        var parser = LabelSelectorParser(text)
        self.init(try parser.requirements())
    }
}

private struct LabelSelectorParser {
    private enum Token: Equatable {
        case word(String)
        case mark(String)
    }

    private let text: String
    private var tokens: [Token] = []
    private var next = 0

    init(_ text: String) {
        self.text = text
        var word = ""
        func isMark(_ character: Character) -> Bool { "=!,()".contains(character) }
        var rest = text[...]
        while let character = rest.first {
            rest = rest.dropFirst()
            if !character.isWhitespace, !isMark(character) {
                word.append(character)
                continue
            }
            if !word.isEmpty { tokens.append(.word(word)) }
            word = ""
            guard isMark(character) else { continue }
            if rest.first == "=", character == "!" || character == "=" {
                rest = rest.dropFirst()
                tokens.append(.mark("\(character)="))
            } else {
                tokens.append(.mark(String(character)))
            }
        }
        if !word.isEmpty { tokens.append(.word(word)) }
    }

    private func error(_ reason: String) -> DeploymentError {
        DeploymentError(
            .invalid, "\"\(text)\" is no selector: \(reason)",
            hint: "write labels as in app=shop,tier in (front,back),!canary")
    }

    private mutating func take() -> Token? {
        guard next < tokens.count else { return nil }
        next += 1
        return tokens[next - 1]
    }

    private mutating func take(_ mark: String) -> Bool {
        guard next < tokens.count, tokens[next] == .mark(mark) else { return false }
        next += 1
        return true
    }

    private mutating func word(_ what: String) throws -> String {
        guard case .word(let word)? = take() else { throw error("\(what) is missing") }
        return word
    }

    mutating func requirements() throws -> [LabelSelector.Requirement] {
        guard !tokens.isEmpty else { return [] }
        var list: [LabelSelector.Requirement] = []
        repeat { list.append(try requirement()) } while take(",")
        guard next == tokens.count else { throw error("a comma is missing between two labels") }
        return list
    }

    private mutating func requirement() throws -> LabelSelector.Requirement {
        if take("!") { return try .init(word("a label after \"!\""), .absent) }
        let key = try word("a label")
        if take("=") || take("==") { return try .init(key, .within, [value()]) }
        if take("!=") { return try .init(key, .notWithin, [value()]) }
        guard next < tokens.count, case .word(let comparison) = tokens[next] else {
            return try .init(key, .exists)
        }
        next += 1
        switch comparison {
        case "in": return try .init(key, .within, values())
        case "notin": return try .init(key, .notWithin, values())
        default: throw error("\"\(comparison)\" stands where =, !=, in or notin is expected")
        }
    }

    /// A value may be empty: `env=` means the label with nothing in it.
    private mutating func value() -> String {
        guard next < tokens.count, case .word(let word) = tokens[next] else { return "" }
        next += 1
        return word
    }

    private mutating func values() throws -> [String] {
        guard take("(") else { throw error("\"(\" is missing before the values") }
        var list: [String] = []
        repeat { list.append(value()) } while take(",")
        guard take(")") else { throw error("\")\" is missing after the values") }
        return list
    }
}
