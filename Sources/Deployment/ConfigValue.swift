// SPDX-License-Identifier: Apache-2.0

package import JSON

/// A piece of a host's configuration, with its fields in the order in which they are written.
package indirect enum ConfigValue: Hashable, Sendable {
    /// One field of a map.
    package struct Field: Hashable, Sendable {
        package let key: String
        package let value: ConfigValue

        package init(key: String, value: ConfigValue) {
            self.key = key
            self.value = value
        }
    }

    case string(String)
    case integer(Int)
    /// A number as it was written, however many digits it has.
    case number(JSONNumber)
    case boolean(Bool)
    case null
    case list([ConfigValue])
    case map([Field])
}

extension ConfigValue {
    /// A value that came as JSON: numbers stay exact and members keep their order.
    package init(_ json: JSONValue) {
        self =
            switch json {
            case .null: .null
            case .bool(let flag): .boolean(flag)
            case .number(let number): .number(number)
            case .string(let text): .string(text)
            case .array(let elements): .list(elements.map { ConfigValue($0) })
            case .object(let object):
                .map(object.members.map { Field(key: $0.name, value: ConfigValue($0.value)) })
            }
    }

    /// The value as JSON; of two fields of the same name the later one stays.
    package var json: JSONValue {
        switch self {
        case .string(let text): return .string(text)
        case .integer(let number): return .integer(number)
        case .number(let number): return .number(number)
        case .boolean(let flag): return .bool(flag)
        case .null: return .null
        case .list(let items): return .array(items.map(\.json))
        case .map(let fields):
            var object = JSONObject()
            for field in fields { object[field.key] = field.value.json }
            return .object(object)
        }
    }

    /// The field of a map.
    package subscript(key: String) -> ConfigValue? {
        guard case .map(let fields) = self else { return nil }
        return fields.last { $0.key == key }?.value
    }
}

extension ConfigValue: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    package init(stringLiteral value: String) { self = .string(value) }
}

extension ConfigValue: ExpressibleByIntegerLiteral {
    package init(integerLiteral value: Int) { self = .integer(value) }
}

extension ConfigValue: ExpressibleByBooleanLiteral {
    package init(booleanLiteral value: Bool) { self = .boolean(value) }
}

extension ConfigValue: ExpressibleByArrayLiteral {
    package init(arrayLiteral elements: ConfigValue...) { self = .list(elements) }
}

extension ConfigValue: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, ConfigValue)...) {
        self = .map(elements.map { Field(key: $0.0, value: $0.1) })
    }
}

// MARK: - YAML

extension ConfigValue {
    /// The value as lines of block-style YAML, to be indented by the caller.
    ///
    /// Strings are written so that both yaml-cpp, which Envoy has, and libyaml read back the same bytes.
    package var yamlLines: [String] {
        switch self {
        case .string(let text): Self.yaml(text)
        case .integer(let number): ["\(number)"]
        case .number(let number): [Self.yaml(number)]
        case .boolean(let flag): ["\(flag)"]
        case .null: ["null"]
        case .list([]): ["[]"]
        case .map([]): ["{}"]
        case .list(let items):
            items.flatMap { item in
                item.yamlLines.enumerated().map { index, line in
                    index == 0 ? "- \(line)" : line.isEmpty ? "" : "  \(line)"
                }
            }
        case .map(let fields): fields.flatMap(\.yamlLines)
        }
    }

    fileprivate var startsOnOwnLine: Bool {
        switch self {
        case .list(let items): !items.isEmpty
        case .map(let fields): !fields.isEmpty
        default: false
        }
    }

    /// A number as every YAML reads it: without a point and the exponent's sign, 1e5 is a word to YAML 1.1.
    private static func yaml(_ number: JSONNumber) -> String {
        let text = number.description
        guard let mark = text.firstIndex(where: { $0 == "e" || $0 == "E" }) else { return text }
        let mantissa = text[..<mark]
        let exponent = text[text.index(after: mark)...]
        return (mantissa.contains(".") ? String(mantissa) : mantissa + ".0") + "e"
            + (exponent.first == "-" || exponent.first == "+" ? String(exponent) : "+" + exponent)
    }

    private static func yaml(_ text: String) -> [String] {
        if isPlain(text) { return [text] }
        if let lines = literalLines(text) { return lines }
        let scalars = text.unicodeScalars
        if scalars.contains(where: { $0 == "\"" || $0 == "\\" }), !scalars.contains(where: mustEscape) {
            return ["'\(text.replacing("'", with: "''"))'"]
        }
        return [quoted(text)]
    }

    /// Whether a text needs no quotes: neither a number, a date nor a word that some YAML takes for another type.
    private static func isPlain(_ text: String) -> Bool {
        let words: Set<String> = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"]
        guard let first = text.utf8.first, isLetter(first) || first == UInt8(ascii: "/") else { return false }
        return !words.contains(text.lowercased())
            && text.utf8.allSatisfy { byte in
                isLetter(byte) || (0x30...0x39).contains(byte)
                    || [UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "/")].contains(
                        byte)
            }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
    }

    /// A text of several lines as a literal block, where that keeps every byte.
    private static func literalLines(_ text: String) -> [String]? {
        let scalars = text.unicodeScalars
        guard scalars.contains("\n"), !scalars.contains(where: { $0 != "\n" && $0 != "\t" && mustEscape($0) })
        else { return nil }
        var lines = scalars.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
        let endsLine = lines.last == ""
        if endsLine { lines.removeLast() }
        // Indentation is found from the first line, and how many line ends there are at the end is lost.
        guard let first = lines.first, let last = lines.last, !first.isEmpty, !last.isEmpty,
            !first.hasPrefix(" "), !lines.contains(where: { $0.hasPrefix("\t") }),
            !lines.contains(where: { !$0.isEmpty && $0.allSatisfy { $0 == " " } })
        else { return nil }
        return [endsLine ? "|" : "|-"] + lines
    }

    /// A scalar that may not stand in a file as it is: a control, a line end of some version of YAML, a byte order mark.
    private static func mustEscape(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
            || [0x2028, 0x2029, 0xfeff].contains(scalar.value)
    }

    /// A string in double quotes that is the same in JSON and in YAML.
    fileprivate static func quoted(_ text: String) -> String { JSONValue.quoted(text, forTerminal: true) }
}

extension ConfigValue.Field {
    fileprivate var yamlLines: [String] {
        let name = ConfigValue.string(key).yamlLines[0]
        let lines = value.yamlLines
        if value.startsOnOwnLine {
            // A list may stand below its key without indentation, and mostly does in Envoy's configurations.
            if case .list = value { return ["\(name):"] + lines }
            return ["\(name):"] + lines.map { $0.isEmpty ? "" : "  \($0)" }
        }
        return ["\(name): \(lines[0])"] + lines.dropFirst().map { $0.isEmpty ? "" : "  \($0)" }
    }
}

// MARK: - JSON

extension ConfigValue {
    /// The value as JSON, which is also flow-style YAML.
    /// - Parameter unit: the indentation of one level; nil for a single line.
    /// - Returns: its lines, to be indented by the caller.
    package func jsonLines(unit: String?) -> [String] {
        switch self {
        case .string(let text): return [Self.quoted(text)]
        case .integer(let number): return ["\(number)"]
        case .number(let number): return [number.description]
        case .boolean(let flag): return ["\(flag)"]
        case .null: return ["null"]
        case .list(let items):
            return Self.enclosed("[", items.map { $0.jsonLines(unit: unit) }, "]", unit: unit)
        case .map(let fields):
            let entries = fields.map { field in
                var lines = field.value.jsonLines(unit: unit)
                lines[0] = "\(Self.quoted(field.key)): \(lines[0])"
                return lines
            }
            return Self.enclosed("{", entries, "}", unit: unit)
        }
    }

    private static func enclosed(
        _ open: String, _ entries: [[String]], _ close: String, unit: String?
    ) -> [String] {
        guard let unit, !entries.isEmpty else {
            return [open + entries.map { $0[0] }.joined(separator: ", ") + close]
        }
        let inner = entries.enumerated().flatMap { index, lines in
            lines.enumerated().map { number, line in
                let ends = number == lines.count - 1 && index < entries.count - 1
                return "\(unit)\(line)\(ends ? "," : "")"
            }
        }
        return [open] + inner + [close]
    }
}
