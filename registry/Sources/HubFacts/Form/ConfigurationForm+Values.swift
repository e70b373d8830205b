// SPDX-License-Identifier: Apache-2.0

import FilterImage
import JSON

extension ConfigurationForm {
    /// What the names of inputs begin with; a JSON pointer (RFC 6901) into the configuration follows.
    package static let prefix = "c"

    /// What somebody filled in, and what that comes to.
    package struct Outcome: Sendable {
        /// The configuration; `none` where nothing was filled in.
        package var configuration = Installation.Configuration.none
        /// What is wrong, by the name of the input; an empty name stands for the whole.
        package var problems: [(input: String, message: String)] = []
    }

    /// The name of a member's input below another one.
    package static func input(_ parent: String, _ name: String) -> String {
        parent + "/" + name.replacing("~", with: "~0").replacing("/", with: "~1")
    }

    /// The configuration out of what was sent: the texts of the inputs by their names.
    package func outcome(of sent: [String: String]) -> Outcome {
        var outcome = Outcome()
        // A form with too many fields for its page is one text too.
        guard let fields, sent[Self.prefix] == nil else {
            let text = sent[Self.prefix] ?? ""
            guard !text.allSatisfy(\.isWhitespace) else { return outcome }
            if let value = try? JSONValue(parsing: text) {
                outcome.configuration = .json(value)
                outcome.problems = problems(of: value)
            } else {
                outcome.configuration = .text(text)
                if isChecked { outcome.problems = [(Self.prefix, "This is not JSON.")] }
            }
            return outcome
        }
        var problems: [(input: String, message: String)] = []
        let object = Self.object(fields, Self.prefix, FilledIn(sent), &problems) ?? JSONObject()
        outcome.configuration = .json(.object(object))
        // What the reader of a field said already is not said twice.
        let known = Set(problems.map(\.input))
        outcome.problems = problems + self.problems(of: .object(object)).filter { !known.contains($0.input) }
        return outcome
    }

    /// What is in the inputs before anybody wrote into them.
    package var defaults: [String: String] {
        var sent: [String: String] = [:]
        for field in fields ?? [] {
            Self.fill(field.kind, Self.input(Self.prefix, field.name), field.defaultValue, &sent)
        }
        return sent
    }

    private func problems(of value: JSONValue) -> [(input: String, message: String)] {
        do throws(ConfigSchemaError) {
            return try (schema?.validate(value) ?? []).map { violation in
                (Self.prefix + violation.pointer, "Expected \(violation.expected), found \(violation.found).")
            }
        } catch {
            return [(Self.prefix, "It cannot be checked: \(error.message).")]
        }
    }

    // MARK: - Reading

    private static func object(
        _ fields: [Field], _ input: String, _ sent: FilledIn,
        _ problems: inout [(input: String, message: String)]
    ) -> JSONObject? {
        // Lists inside lists have many places, nearly all of them empty.
        guard sent.holds(input) else { return nil }
        var object = JSONObject()
        for field in fields {
            if let value = value(field.kind, Self.input(input, field.name), sent, &problems) {
                object[field.name] = value
            }
        }
        return object.count > 0 ? object : nil
    }

    private static func value(
        _ kind: Kind, _ input: String, _ sent: FilledIn,
        _ problems: inout [(input: String, message: String)]
    ) -> JSONValue? {
        guard sent.holds(input) else { return nil }
        switch kind {
        case .group(let fields): return object(fields, input, sent, &problems).map { .object($0) }
        case .list(let element):
            let values = (0..<mostElements).compactMap { value(element, "\(input)/\($0)", sent, &problems) }
            return values.isEmpty ? nil : .array(values)
        default: break
        }
        guard let text = sent[input], !text.isEmpty else { return nil }
        switch kind {
        case .number:
            if let number = JSONNumber(text.trimmed) { return .number(number) }
            problems.append((input, "This is no number."))
            return .string(text)
        case .flag: return text == "true" ? .bool(true) : text == "false" ? .bool(false) : nil
        case .choice(let values):
            return Int(text).flatMap { values.indices.contains($0) ? values[$0] : nil }
        case .json:
            if let value = try? JSONValue(parsing: text) { return value }
            problems.append((input, "This is not JSON."))
            return .string(text)
        default: return .string(text.replacing("\r\n", with: "\n"))
        }
    }

    // MARK: - Filling in

    private static func fill(
        _ kind: Kind, _ input: String, _ value: JSONValue?, _ sent: inout [String: String]
    ) {
        switch kind {
        case .group(let fields):
            for field in fields {
                let member = value?.object?[field.name] ?? field.defaultValue
                fill(field.kind, Self.input(input, field.name), member, &sent)
            }
        case .list(let element):
            for (number, item) in (value?.array ?? []).prefix(mostElements).enumerated() {
                fill(element, "\(input)/\(number)", item, &sent)
            }
        case .choice(let values):
            // What must be one thing is that.
            let place = value.flatMap { values.firstIndex(of: $0) }
            sent[input] = place.map { "\($0)" }
        case .text: sent[input] = value?.string
        default: sent[input] = value?.description
        }
    }
}

extension String {
    fileprivate var trimmed: String { split(whereSeparator: \.isWhitespace).joined(separator: " ") }
}

/// The texts of inputs by their names, and which groups and lists hold any.
package struct FilledIn: Sendable {
    private let texts: [String: String]
    private let places: Set<String>

    package init(_ texts: [String: String]) {
        self.texts = texts
        var places: Set<String> = []
        for (name, text) in texts where !text.isEmpty {
            var place = name[...]
            // What is above a known place is known.
            while places.insert(String(place)).inserted, let slash = place.lastIndex(of: "/") {
                place = place[..<slash]
            }
        }
        self.places = places
    }

    package subscript(_ input: String) -> String? { texts[input] }

    /// Whether something is filled in there, or below.
    package func holds(_ input: String) -> Bool { places.contains(input) }
}
