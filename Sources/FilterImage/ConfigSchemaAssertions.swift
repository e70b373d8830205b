// SPDX-License-Identifier: Apache-2.0

import JSON

extension SchemaEvaluation {
    /// Keywords that look at the value alone (JSON Schema validation, 6).
    func assertion(_ keyword: SchemaKeyword, _ subject: Subject) -> [ConfigSchema.Violation] {
        let value = subject.value
        switch keyword {
        case .type(let types):
            guard !types.contains(where: { $0.accepts(value) }) else { return [] }
            return [subject.violation("type", expected: types.map(\.phrase).joined(separator: " or "))]
        case .enumeration(let values):
            guard !values.contains(value) else { return [] }
            let list = values.prefix(8).map(\.description).joined(separator: ", ")
            return [subject.violation("enum", expected: "one of \(list)\(values.count > 8 ? ", …" : "")")]
        case .constant(let constant):
            guard constant != value else { return [] }
            return [subject.violation("const", expected: "\(constant)")]
        case .bound(let bound, let limit):
            guard case .number(let number) = value, !bound.holds(number, limit) else { return [] }
            return [subject.violation(bound.rawValue, expected: "\(bound.phrase) \(limit)")]
        case .multipleOf(let divisor):
            guard case .number(let number) = value, !number.isMultiple(of: divisor) else { return [] }
            return [subject.violation("multipleOf", expected: "a multiple of \(divisor)")]
        case .size(let limit, let bound):
            guard let size = limit.size(of: value), limit.isMinimum ? size < bound : size > bound else {
                return []
            }
            return [subject.violation(limit.rawValue, expected: limit.phrase(bound), found: "\(size)")]
        case .uniqueItems:
            guard let elements = value.array else { return [] }
            return repeated(elements, subject)
        case .required(let names):
            guard let object = value.object else { return [] }
            return missing(names, in: object, "required", subject)
        case .dependentRequired(let rules):
            guard let object = value.object else { return [] }
            return rules.flatMap { rule in
                object[rule.name] == nil
                    ? [] : missing(rule.needs, in: object, "dependentRequired", subject, because: rule.name)
            }
        default:
            return []
        }
    }

    private func repeated(_ elements: [JSONValue], _ subject: Subject) -> [ConfigSchema.Violation] {
        var places: [JSONValue: Int] = [:]
        for (place, element) in elements.enumerated() {
            if let first = places.updateValue(place, forKey: element) {
                return [
                    subject.violation(
                        "uniqueItems", expected: "elements that all differ",
                        found: "the same at \(first) and \(place)")
                ]
            }
        }
        return []
    }

    private func missing(
        _ names: [String], in object: JSONObject, _ keyword: String, _ subject: Subject,
        because reason: String? = nil
    ) -> [ConfigSchema.Violation] {
        names.filter { object[$0] == nil }.map { name in
            let cause = reason.map { ", needed by \(JSONValue.quoted($0))" } ?? ""
            return subject.violation(
                keyword, expected: "a member \(JSONValue.quoted(name))\(cause)", found: "none")
        }
    }
}

extension JSONValue {
    /// What this is, for sentences; long or secret values are not spelled out.
    func phrase(isSecret: Bool = false) -> String {
        switch self {
        case .null: "null"
        case .bool(let value): isSecret ? "true or false" : "\(value)"
        case .number(let number):
            isSecret || number.description.count > 40 ? "a number" : "the number \(number)"
        case .string(let text):
            isSecret || text.unicodeScalars.count > 40
                ? "a string of \(text.unicodeScalars.count) characters" : "the string \(Self.quoted(text))"
        case .array(let elements): elements.isEmpty ? "an empty array" : "an array"
        case .object(let object): object.count == 0 ? "an empty object" : "an object"
        }
    }
}
