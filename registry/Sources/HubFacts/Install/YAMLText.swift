// SPDX-License-Identifier: Apache-2.0

import JSON

/// Values as YAML for people to copy: whatever is in them, it is read back as what it was.
enum YAMLText {
    /// A value as lines of block style; empty objects and arrays stand in braces.
    static func lines(_ value: JSONValue) -> [String] {
        switch value {
        case .object(let object) where object.count > 0:
            object.members.flatMap { member in entry(scalar(member.name) + ":", member.value) }
        case .array(let elements) where !elements.isEmpty: elements.flatMap { item($0) }
        default: [inline(value)]
        }
    }

    /// A whole document.
    static func document(_ value: JSONValue) -> String { lines(value).joined(separator: "\n") + "\n" }

    private static func entry(_ head: String, _ value: JSONValue) -> [String] {
        switch value {
        case .object(let object) where object.count > 0: [head] + lines(value).map { "  " + $0 }
        case .array(let elements) where !elements.isEmpty: [head] + lines(value)
        case .string(let text) where isBlock(text):
            [head + " |"]
                + text.dropLast().split(separator: "\n", omittingEmptySubsequences: false).map { "  " + $0 }
        default: [head + " " + inline(value)]
        }
    }

    private static func item(_ value: JSONValue) -> [String] {
        let lines = lines(value)
        return ["- " + (lines.first ?? "")] + lines.dropFirst().map { "  " + $0 }
    }

    private static func inline(_ value: JSONValue) -> String {
        switch value {
        case .string(let text): scalar(text)
        case .object: "{}"
        case .array: "[]"
        case .null: "null"
        case .bool(let isTrue): isTrue ? "true" : "false"
        case .number(let number): number.description
        }
    }

    /// Texts of more than one line that end with one and hold nothing odd: other YAML.
    ///
    /// The first line says how far a block is indented, and empty lines at the end are not kept (YAML 1.2 §8.1.1).
    private static func isBlock(_ text: String) -> Bool {
        let first = text.unicodeScalars.first
        return text.hasSuffix("\n") && !text.hasSuffix("\n\n") && first != " " && first != "\n"
            && text.dropLast().contains("\n")
            && text.unicodeScalars.allSatisfy {
                $0 == "\n" || $0.value >= 0x20 && !HiddenScalars.contains($0)
            }
    }

    private static let words: Set = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]

    /// A string: as it is if nobody could take it for anything else, in quotes otherwise.
    static func scalar(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "/"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
        let first = text.utf8.first ?? 0
        let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first | 0x20)
        return isPlain && isLetter && !words.contains(text.lowercased()) ? text : quoted(text)
    }

    /// A string in quotes (YAML 1.2 §7.3.1), with what nobody sees written out.
    static func quoted(_ text: String) -> String {
        visible(JSONValue.quoted(text, forTerminal: true)) { scalar in
            let digits = String(scalar.value, radix: 16)
            let length = scalar.value > 0xFFFF ? 8 : 4
            return (length == 8 ? "\\U" : "\\u") + String(repeating: "0", count: length - digits.count)
                + digits
        }
    }

    /// JSON text, with what nobody sees written out (RFC 8259 §7); outside of strings there is none.
    static func json(_ text: String) -> String {
        visible(text) { scalar in
            String(scalar).utf16.map { unit in
                let digits = String(unit, radix: 16)
                return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }.joined()
        }
    }

    private static func visible(_ text: String, _ escape: (Unicode.Scalar) -> String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            if HiddenScalars.contains(scalar) {
                result += escape(scalar)
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

/// Scalars that show nothing and change how what is around them is read (UAX #9), and line ends that not all know.
private enum HiddenScalars {
    static func contains(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x7F...0x9F, 0x061C, 0x180E, 0x200B, 0x200E...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF,
            0xFFF9...0xFFFB, 0xE0000...0xE007F:
            true
        default: false
        }
    }
}
