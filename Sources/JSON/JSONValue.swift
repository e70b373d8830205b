// SPDX-License-Identifier: Apache-2.0

/// A JSON value as it was written: numbers stay exact and members keep their order.
///
/// Plugin configurations pass through here on their way to a host, so nothing may be rounded or reordered.
package enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

/// The members of a JSON object, in the order they were written; a name is there once.
package struct JSONObject: Sendable {
    package private(set) var names: [String] = []
    private var values: [String: JSONValue] = [:]

    package init() {}

    package var count: Int { names.count }

    /// Reads or sets a member; a new one is put last, and nil removes.
    package subscript(name: String) -> JSONValue? {
        get { values[name] }
        set {
            if newValue == nil {
                names.removeAll { $0 == name }
            } else if values[name] == nil {
                names.append(name)
            }
            values[name] = newValue
        }
    }

    /// Puts a new member last.
    /// - Returns: false if there is one of this name; its value is this one then.
    mutating func insert(_ name: String, _ value: JSONValue) -> Bool {
        guard values.updateValue(value, forKey: name) == nil else { return false }
        names.append(name)
        return true
    }

    /// The members in order.
    package var members: [(name: String, value: JSONValue)] {
        names.compactMap { name in values[name].map { (name, $0) } }
    }
}

extension JSONValue {
    /// Builds an object of these members, in this order; of two of the same name the later one stays.
    package static func object(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
        var object = JSONObject()
        for (name, value) in members { object[name] = value }
        return .object(object)
    }

    /// Builds a number.
    package static func integer(_ value: Int) -> JSONValue { .number(JSONNumber(value)) }

    /// The text, if this is a string.
    package var string: String? { if case .string(let text) = self { text } else { nil } }

    /// The members, if this is an object.
    package var object: JSONObject? { if case .object(let object) = self { object } else { nil } }

    /// The elements, if this is an array.
    package var array: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }
}

// MARK: - Equality

extension JSONObject: Hashable {
    /// The order of members does not matter (RFC 8259, section 4).
    package static func == (left: JSONObject, right: JSONObject) -> Bool { left.values == right.values }

    package func hash(into hasher: inout Hasher) { hasher.combine(values) }
}

extension JSONValue: Hashable {
    /// Equality as JSON Schema defines it: numbers by value, strings by code point (JSON Schema core, 4.2.2).
    package static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let one), .bool(let other)): one == other
        case (.number(let one), .number(let other)): one == other
        // Swift's own equality takes canonically equivalent strings for one.
        case (.string(let one), .string(let other)): one.utf8.elementsEqual(other.utf8)
        case (.array(let one), .array(let other)): one == other
        case (.object(let one), .object(let other)): one == other
        default: false
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let value): hasher.combine(value)
        case .number(let number): hasher.combine(number)
        case .string(let text): hasher.combine(text)
        case .array(let elements): hasher.combine(elements)
        case .object(let object): hasher.combine(object)
        }
    }
}

// MARK: - Text

extension JSONValue: CustomStringConvertible {
    /// JSON text without white space.
    package var description: String {
        var text = ""
        write(to: &text, indent: nil, level: 0)
        return text
    }

    /// JSON text with two spaces for each level, for people.
    package var prettyPrinted: String {
        var text = ""
        write(to: &text, indent: "  ", level: 0)
        return text
    }

    private func write(to text: inout String, indent: String?, level: Int) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .number(let number): text += number.description
        case .string(let value): text += Self.quoted(value)
        case .array(let elements):
            Self.writeList("[", "]", elements, to: &text, indent: indent, level: level) { element, text in
                element.write(to: &text, indent: indent, level: level + 1)
            }
        case .object(let object):
            Self.writeList("{", "}", object.members, to: &text, indent: indent, level: level) {
                member, text in
                text += Self.quoted(member.name) + (indent == nil ? ":" : ": ")
                member.value.write(to: &text, indent: indent, level: level + 1)
            }
        }
    }

    private static func writeList<Element>(
        _ open: String, _ close: String, _ elements: [Element], to text: inout String, indent: String?,
        level: Int, _ write: (Element, inout String) -> Void
    ) {
        text += open
        for (place, element) in elements.enumerated() {
            if place > 0 { text += "," }
            if let indent { text += "\n" + String(repeating: indent, count: level + 1) }
            write(element, &text)
        }
        if let indent, !elements.isEmpty { text += "\n" + String(repeating: indent, count: level) }
        text += close
    }

    /// A string in quotes, with what must be escaped escaped (RFC 8259, section 7).
    ///
    /// For terminals, and for readers of other formats that take JSON's strings, so are the controls and line ends that
    /// JSON lets through, and byte order marks.
    package static func quoted(_ value: String, forTerminal: Bool = false) -> String {
        var text = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where scalar.value < 0x20 || forTerminal && isOdd(scalar):
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }

    private static func isOdd(_ scalar: Unicode.Scalar) -> Bool {
        (0x7f...0x9f).contains(scalar.value) || [0x2028, 0x2029, 0xfeff].contains(scalar.value)
    }
}
