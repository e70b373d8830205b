// SPDX-License-Identifier: Apache-2.0

/// An error that a compiler or linker printed, and where in the sources it is.
package struct ToolchainError: Sendable, Hashable, CustomStringConvertible {
    /// Relative to the project if it is in it; nil if no file was named.
    package let file: String?
    package let line: Int?
    package let column: Int?
    package let message: String

    package var description: String { place.map { "\($0): \(message)" } ?? message }

    /// As in "src/lib.rs:3:5".
    package var place: String? {
        guard let file else { return nil }
        return ([file] + [line, column].compactMap { $0 }.map(String.init)).joined(separator: ":")
    }
}

/// Reads errors out of the lines that toolchains print.
///
/// The forms: `file:line:column: error: …` of clang, Swift and Zig; `error[E0425]: …` with the place in a later line, of
/// rustc; `file.go:line:column: …` of Go and TinyGo; `ERROR TS2304: …` with the place in a later line, of asc; and
/// `tool: error: …` of linkers.
struct ToolchainErrorReader {
    /// A message whose place comes in one of the next lines.
    private var pending: String?

    /// Takes the next line, without colours.
    /// - Returns: the errors that are known to be whole now.
    mutating func take(_ line: Substring) -> [ToolchainError] {
        if let place = pendingPlace(line), let message = pending {
            pending = nil
            return [
                ToolchainError(file: place.file, line: place.line, column: place.column, message: message)
            ]
        }
        // "error: …" at the start of a line begins a message; one that was waiting had no place.
        if let message = Self.opening(line) {
            defer { pending = message }
            return flush()
        }
        // The place that follows is that of the warning.
        if line.hasPrefix("warning: ") || line.hasPrefix("warning[") { return flush() }
        guard let error = Self.placed(line) ?? Self.goError(line) else {
            return []
        }
        return flush() + [error]
    }

    /// What is left at the end.
    mutating func flush() -> [ToolchainError] {
        guard let message = pending else { return [] }
        pending = nil
        return [ToolchainError(file: nil, line: nil, column: nil, message: message)]
    }

    private typealias Place = (file: String, line: Int?, column: Int?)

    /// ` --> src/lib.rs:3:5` of rustc, ` └─ in assembly/index.ts(3,5)` and ` in assembly/index.ts(3,5)` of asc.
    private func pendingPlace(_ line: Substring) -> Place? {
        guard pending != nil else { return nil }
        if let arrow = line.firstRange(of: "--> ") {
            guard line[..<arrow.lowerBound].allSatisfy({ $0 == " " }) else { return nil }
            return Self.place(line[arrow.upperBound...])
        }
        guard line.last == ")", let marker = line.firstRange(of: "in "), let open = line.lastIndex(of: "(")
        else { return nil }
        guard line[..<marker.lowerBound].allSatisfy({ " └─│".contains($0) }) else { return nil }
        let numbers = line[line.index(after: open)...].dropLast().split(separator: ",").compactMap { Int($0) }
        guard let first = numbers.first, marker.upperBound < open else { return nil }
        return (String(line[marker.upperBound..<open]), first, numbers.dropFirst().first)
    }

    /// The message of a line that begins an error: `error: …`, `error[E0425]: …`, `ERROR TS2304: …`.
    private static func opening(_ line: Substring) -> String? {
        if line.hasPrefix("ERROR TS") || line.hasPrefix("ERROR AS") {
            return line.firstRange(of: ": ").map { String(line[$0.upperBound...]) }
        }
        guard line.hasPrefix("error: ") || line.hasPrefix("error["), let colon = line.firstRange(of: ": ")
        else { return nil }
        let message = line[colon.upperBound...]
        return summaries.contains { message.hasPrefix($0) } ? nil : String(message)
    }

    /// What is said at the end of a build and says nothing new.
    private static let summaries = [
        "could not compile", "aborting due to", "fatalError", "link command failed", "linker command failed",
        "emit-module command failed", "build failed", "the following command failed",
        "the following build command failed",
    ]

    /// `file:line:column: error: …`, `file:line: error: …`, `tool: error: …`.
    private static func placed(_ line: Substring) -> ToolchainError? {
        for word in [": error: ", ": fatal error: "] {
            guard let range = line.firstRange(of: word) else { continue }
            let message = line[range.upperBound...]
            guard !summaries.contains(where: { message.hasPrefix($0) }) else { return nil }
            let head = line[..<range.lowerBound]
            let place = place(head)
            guard place.line != nil else {
                return ToolchainError(file: nil, line: nil, column: nil, message: "\(head): \(message)")
            }
            // The compiler's word for no place at all.
            let isKnown = place.file != "<unknown>"
            return ToolchainError(
                file: isKnown ? place.file : nil, line: isKnown ? place.line : nil,
                column: isKnown ? place.column : nil, message: String(message))
        }
        return nil
    }

    /// `./main.go:5:2: undefined: x`: Go does not say "error".
    private static func goError(_ line: Substring) -> ToolchainError? {
        guard let end = line.firstRange(of: ".go:"), !line.hasPrefix(" "), !line.hasPrefix("\t") else {
            return nil
        }
        let rest = line[end.upperBound...]
        guard let stop = rest.firstRange(of: ": ") else { return nil }
        let place = place(line[..<stop.lowerBound])
        guard place.line != nil, place.file.hasSuffix(".go") else { return nil }
        return ToolchainError(
            file: place.file, line: place.line, column: place.column,
            message: String(rest[stop.upperBound...]))
    }

    /// Takes up to two numbers from the end of `file:line:column`.
    private static func place(_ text: Substring) -> Place {
        var parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var numbers: [Int] = []
        while numbers.count < 2, parts.count > 1, let number = parts.last.flatMap({ Int($0) }) {
            numbers.insert(number, at: 0)
            parts.removeLast()
        }
        return (parts.joined(separator: ":"), numbers.first, numbers.dropFirst().first)
    }
}
