// SPDX-License-Identifier: Apache-2.0

/// One challenge of a `WWW-Authenticate` header (RFC 9110 §11.6.1).
struct Challenge: Hashable, Sendable {
    /// Lower-case, as in "bearer".
    let scheme: String
    /// By lower-case name; the first of equal names counts.
    var parameters: [String: String] = [:]

    /// Whether it is one that can be answered.
    var isKnown: Bool { ["basic", "bearer"].contains(scheme) }

    /// Reads all challenges of all headers; what is no challenge is passed over.
    ///
    /// Servers are lenient in what they send: upper and lower case, several challenges in one header, missing or
    /// stray commas, unquoted values with characters that ask for quotes, one challenge over several headers.
    static func parse(_ headers: [String]) -> [Challenge] {
        // Several lines are one list (RFC 9110 §5.3): a challenge may begin in one and go on in the next.
        var parser = ChallengeParser(headers.joined(separator: ", "))
        return parser.challenges()
    }
}

private struct ChallengeParser {
    private var rest: Substring.UTF8View

    init(_ text: String) { rest = text[...].utf8 }

    mutating func challenges() -> [Challenge] {
        var found: [Challenge] = []
        while true {
            skip { $0 == UInt8(ascii: ",") || Self.isSpace($0) }
            guard !rest.isEmpty else { return found }
            let word = take { Self.isToken($0) }
            guard !word.isEmpty else {
                rest = rest.dropFirst()
                continue
            }
            skip(while: Self.isSpace)
            if rest.first == UInt8(ascii: "="), !found.isEmpty {
                let value = parameterValue()
                let name = word.lowercased()
                if found[found.count - 1].parameters[name] == nil {
                    found[found.count - 1].parameters[name] = value
                }
            } else {
                found.append(Challenge(scheme: word.lowercased()))
            }
        }
    }

    /// The value after an equals sign: a quoted string, or everything up to the next comma or space.
    private mutating func parameterValue() -> String {
        rest = rest.dropFirst()
        skip(while: Self.isSpace)
        guard rest.first == UInt8(ascii: "\"") else {
            return take { $0 != UInt8(ascii: ",") && !Self.isSpace($0) }
        }
        rest = rest.dropFirst()
        var value: [UInt8] = []
        while let byte = rest.first {
            rest = rest.dropFirst()
            if byte == UInt8(ascii: "\"") { break }
            if byte == UInt8(ascii: "\\"), let escaped = rest.first {
                rest = rest.dropFirst()
                value.append(escaped)
            } else {
                value.append(byte)
            }
        }
        return String(decoding: value, as: UTF8.self)
    }

    private mutating func take(while condition: (UInt8) -> Bool) -> String {
        let word = rest.prefix(while: condition)
        rest = rest[word.endIndex...]
        return String(decoding: Array(word), as: UTF8.self)
    }

    private mutating func skip(while condition: (UInt8) -> Bool) { rest = rest.drop(while: condition) }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// A token character (RFC 9110 §5.6.2).
    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
