// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics

/// Asks on a terminal, line by line, as every terminal can: no keys but those of text, and Enter.
struct Questions {
    private let terminal: Terminal
    private let paint: Paint

    init(_ context: CommandContext) {
        terminal = context.terminal
        paint = Paint(isActive: context.terminal.showsNoteColour)
    }

    /// Whether somebody is there to answer.
    var canAsk: Bool { terminal.isInteractive }

    /// One of several answers.
    struct Option {
        let value: String
        /// What is said of it; empty for nothing.
        let note: String
    }

    /// Says a line.
    func say(_ line: String) { terminal.note(line) }

    /// Asks until the answer is one that is taken.
    /// - Parameters:
    ///   - question: as in "Name".
    ///   - suggestion: what Enter alone stands for; nil if something has to be typed.
    ///   - leaving: what is said if the answer is `q`; nil if that is an answer as others are.
    ///   - accept: turns the answer into a value, or throws why it cannot.
    /// - Returns: the value.
    /// - Throws: `CancellationError` at the end of the input, `ExitCode` if the answer is `q`.
    func ask<Value>(
        _ question: String, suggestion: String? = nil, leaving: String? = "nothing was written",
        accept: (String) throws -> Value
    ) throws -> Value {
        while true {
            terminal.writeError("\(paint(question, .bold))\(suggestion.map { " [\($0)]" } ?? ""): ")
            guard let line = try terminal.readAnswer() else { throw CancellationError() }
            var answer = String(line.trimmingPrefix { $0.isWhitespace })
            while answer.last?.isWhitespace == true { answer.removeLast() }
            if answer == "q", let leaving {
                terminal.note(leaving)
                throw ExitCode(DiagnosticCategory.interrupted.rawValue)
            }
            if answer.isEmpty {
                guard let suggestion else { continue }
                answer = suggestion
            }
            do {
                return try accept(answer)
            } catch let error as any Diagnostic {
                terminal.note("  \(paint(error.message, .yellow))\(error.hint.map { "; \($0)" } ?? "")")
            }
        }
    }

    /// Whether somebody agrees; nil if nobody is there to ask.
    func agree(_ question: String, suggestion: String) throws -> Bool? {
        guard canAsk else { return nil }
        return try ask("\(question) (yes, no)", suggestion: suggestion, leaving: nil) { answer in
            let word = answer.lowercased()
            guard ["y", "yes", "n", "no"].contains(word) else {
                throw CommandError(.usage, "\"\(answer)\" is none of yes, no")
            }
            return word.hasPrefix("y")
        }
    }

    /// Lets one of several be chosen, by its number or its name.
    func choose(_ question: String, _ options: [Option], suggestion: String? = nil) throws -> String {
        let columns = max(terminal.size()?.columns ?? 80, 20)
        let width = options.map(\.value.count).max() ?? 0
        for (number, option) in zip(1..., options) {
            let head = "  \(pad("\(number)", options.count > 9 ? 2 : 1))  \(pad(option.value, width))"
            let room = columns - head.count - 3
            let note =
                option.note.count > room ? String(option.note.prefix(max(room - 1, 0))) + "…" : option.note
            let tail = option.note.isEmpty || room < 8 ? "" : "  \(paint(note, .dim))"
            terminal.note(head + tail)
        }
        return try ask(question, suggestion: suggestion) { answer in
            if let number = Int(answer), options.indices.contains(number - 1) {
                return options[number - 1].value
            }
            let word = answer.lowercased()
            if let exact = options.first(where: { $0.value == word }) { return exact.value }
            let begun = options.filter { $0.value.hasPrefix(word) }
            guard begun.count == 1 else {
                throw CommandError(
                    .usage, "\"\(answer)\" is none of \(options.map(\.value).joined(separator: ", "))",
                    hint: "type a number or a name")
            }
            return begun[0].value
        }
    }
}
