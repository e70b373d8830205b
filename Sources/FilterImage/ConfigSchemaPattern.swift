// SPDX-License-Identifier: Apache-2.0

private import Foundation

/// A regular expression of a schema: ECMA-262 syntax with Unicode, run by Foundation's engine.
///
/// The two dialects differ where people do not look: in Foundation's `\d` means every script's digits and `$` also
/// matches before a last line feed. So the pattern is translated first, and what ECMA-262 does not know is refused.
struct ConfigPattern: Sendable {
    /// The pattern as the schema has it.
    let source: String
    private let expression: NSRegularExpression

    /// How often the engine may report progress before a match is given up; it reports every some ten thousand steps.
    private static let maximumProgressReports = 2000

    init(_ source: String) throws(PatternError) {
        var translator = PatternTranslator(source)
        let translated = try translator.translate()
        do {
            expression = try NSRegularExpression(pattern: translated)
        } catch {
            throw PatternError(reason: "the regular expression is malformed")
        }
        self.source = source
    }

    /// Whether the pattern is found anywhere in the text; nil if finding out would take too long.
    func matches(_ text: String) -> Bool? {
        var found = false
        var reports = 0
        let whole = NSRange(location: 0, length: text.utf16.count)
        expression.enumerateMatches(in: text, options: .reportProgress, range: whole) { match, flags, stop in
            if match != nil {
                found = true
                stop.pointee = true
            } else if flags.contains(.progress) {
                reports += 1
                if reports > Self.maximumProgressReports { stop.pointee = true }
            }
        }
        return !found && reports > Self.maximumProgressReports ? nil : found
    }
}

/// Why a text is not a pattern.
struct PatternError: Error {
    let reason: String
}

/// Rewrites an ECMA-262 pattern (clause 22.2.1, with the flag "u") as one of ICU.
private struct PatternTranslator {
    private let source: [Unicode.Scalar]
    private var place = 0
    private var result = ""

    init(_ source: String) { self.source = Array(source.unicodeScalars) }

    private var next: Unicode.Scalar? { place < source.count ? source[place] : nil }

    private func follows(_ text: String) -> Bool { source[place...].starts(with: text.unicodeScalars) }

    mutating func translate() throws(PatternError) -> String {
        while let scalar = next {
            switch scalar {
            case "\\": try escape(inClass: false)
            case "[": try characterClass()
            case "(": try group()
            case ".":
                result += "[^\\n\\r\\u2028\\u2029]"
                place += 1
            case "$":
                result += "\\z"
                place += 1
            case "*", "+", "?": quantifier()
            case "{": try interval()
            case "}", "]": throw PatternError(reason: "\"\(scalar)\" without its opening bracket")
            default:
                result.unicodeScalars.append(scalar)
                place += 1
            }
            try refusePossessive(after: scalar)
        }
        return result
    }

    private mutating func quantifier() {
        if let scalar = next { result.unicodeScalars.append(scalar) }
        place += 1
        takeLazyMark()
    }

    private mutating func takeLazyMark() {
        guard next == "?" else { return }
        result += "?"
        place += 1
    }

    private mutating func interval() throws(PatternError) {
        guard let end = source[place...].firstIndex(of: "}") else {
            throw PatternError(reason: "\"{\" without \"}\"")
        }
        let bounds = source[(place + 1)..<end].split(separator: ",", omittingEmptySubsequences: false)
        let areNumbers = bounds.allSatisfy { $0.allSatisfy { ("0"..."9").contains($0) } && $0.count < 6 }
        guard areNumbers, bounds.count <= 2, bounds.first?.isEmpty == false else {
            throw PatternError(reason: "what is between \"{\" and \"}\" is no count")
        }
        for scalar in source[place...end] { result.unicodeScalars.append(scalar) }
        place = end + 1
        takeLazyMark()
    }

    /// ICU reads `a++` as "never give back"; ECMA-262 knows no such thing.
    private func refusePossessive(after scalar: Unicode.Scalar) throws(PatternError) {
        guard ["*", "+", "?", "{"].contains(scalar), let following = next else { return }
        if ["*", "+", "?"].contains(following) { throw PatternError(reason: "nothing to repeat") }
    }

    private mutating func group() throws(PatternError) {
        let openings = ["(?:", "(?=", "(?!", "(?<=", "(?<!"]
        if follows("(?") {
            if let opening = openings.first(where: { follows($0) }) {
                result += opening
                place += opening.unicodeScalars.count
                return
            }
            guard follows("(?<") else {
                throw PatternError(reason: "a kind of group that ECMA-262 does not know")
            }
        }
        result += "("
        place += 1
    }

    private mutating func characterClass() throws(PatternError) {
        result += "["
        place += 1
        if next == "^" {
            result += "^"
            place += 1
        }
        if next == "]" { throw PatternError(reason: "an empty character class") }
        while let scalar = next {
            switch scalar {
            case "]":
                result += "]"
                place += 1
                return
            case "\\": try escape(inClass: true)
            // These mean sets of sets in ICU and themselves in ECMA-262.
            case "[", "&", "{", "}", "$", ":":
                result += "\\"
                result.unicodeScalars.append(scalar)
                place += 1
            case "-" where follows("--"): throw PatternError(reason: "\"--\" in a character class")
            default:
                result.unicodeScalars.append(scalar)
                place += 1
            }
        }
        throw PatternError(reason: "\"[\" without \"]\"")
    }

    private mutating func escape(inClass: Bool) throws(PatternError) {
        place += 1
        guard let scalar = next else { throw PatternError(reason: "a backslash at the end") }
        place += 1
        switch scalar {
        case "d": result += inClass ? "0-9" : "[0-9]"
        case "D": result += "[^0-9]"
        case "w": result += inClass ? "A-Za-z0-9_" : "[A-Za-z0-9_]"
        case "W": result += "[^A-Za-z0-9_]"
        case "s": result += inClass ? Self.space : "[\(Self.space)]"
        case "S": result += "[^\(Self.space)]"
        case "b" where inClass: result += "\\u0008"
        case "b": result += Self.wordBoundary
        case "B" where !inClass: result += Self.noWordBoundary
        case "f", "n", "r", "t": result += "\\\(scalar)"
        case "v": result += "\\u000B"
        case "0":
            if let digit = next, ("0"..."9").contains(digit) { throw PatternError(reason: "an octal escape") }
            result += "\\u0000"
        case "1"..."9" where !inClass: result += "\\\(scalar)"
        case "k" where !inClass && next == "<": result += "\\k"
        case "p", "P": try property(scalar)
        case "c": try control()
        case "x": append(try hexadecimal(2))
        case "u": append(try unicode())
        case "^", "$", "\\", ".", "*", "+", "?", "(", ")", "[", "]", "{", "}", "|", "/":
            result += "\\\(scalar)"
        case "-" where inClass: result += "\\-"
        default:
            // "\-" is no escape under the flag "u", and yet common and clear in schemas; so are others of its kind.
            guard scalar.isASCII, !scalar.properties.isAlphabetic, !("0"..."9").contains(scalar) else {
                throw PatternError(reason: "\"\\\(scalar)\" is no escape of ECMA-262")
            }
            result += "\\\(scalar)"
        }
    }

    private static let space =
        "\\t\\n\\u000B\\u000C\\r \\u00A0\\u1680\\u2000-\\u200A\\u2028\\u2029\\u202F\\u205F\\u3000\\uFEFF"
    private static let wordBoundary =
        "(?:(?<=[A-Za-z0-9_])(?![A-Za-z0-9_])|(?<![A-Za-z0-9_])(?=[A-Za-z0-9_]))"
    private static let noWordBoundary =
        "(?:(?<=[A-Za-z0-9_])(?=[A-Za-z0-9_])|(?<![A-Za-z0-9_])(?![A-Za-z0-9_]))"

    private mutating func append(_ scalar: UInt32) { result += "\\x{\(String(scalar, radix: 16))}" }

    private mutating func property(_ letter: Unicode.Scalar) throws(PatternError) {
        guard next == "{", let end = source[place...].firstIndex(of: "}") else {
            throw PatternError(reason: "\"\\\(letter)\" needs a property in braces")
        }
        result += "\\\(letter)"
        for scalar in source[place...end] { result.unicodeScalars.append(scalar) }
        place = end + 1
    }

    private mutating func control() throws(PatternError) {
        guard let letter = next, letter.isASCII, letter.properties.isAlphabetic else {
            throw PatternError(reason: "\"\\c\" needs a letter")
        }
        place += 1
        append(letter.value % 32)
    }

    private mutating func hexadecimal(_ count: Int) throws(PatternError) -> UInt32 {
        let digits = source[place...].prefix(count)
        let text = String(String.UnicodeScalarView(digits))
        guard digits.count == count, text.allSatisfy(\.isHexDigit), let value = UInt32(text, radix: 16) else {
            throw PatternError(reason: "an escape needs \(count) hexadecimal digits")
        }
        place += count
        return value
    }

    /// `\uXXXX`, two of them for one character, or `\u{X…}`.
    private mutating func unicode() throws(PatternError) -> UInt32 {
        if next == "{" {
            guard let end = source[place...].firstIndex(of: "}"),
                let value = UInt32(String(String.UnicodeScalarView(source[(place + 1)..<end])), radix: 16),
                Unicode.Scalar(value) != nil
            else { throw PatternError(reason: "\"\\u{\" needs a character's number and \"}\"") }
            place = end + 1
            return value
        }
        let first = try hexadecimal(4)
        guard (0xd800..<0xdc00).contains(first), follows("\\u") else { return first }
        place += 2
        let second = try hexadecimal(4)
        guard (0xdc00...0xdfff).contains(second) else {
            throw PatternError(reason: "half of a surrogate pair")
        }
        return 0x10000 + (first - 0xd800) << 10 + (second - 0xdc00)
    }
}
