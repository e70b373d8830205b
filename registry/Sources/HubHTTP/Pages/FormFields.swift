// SPDX-License-Identifier: Apache-2.0

import HubFacts
import JSON
private import Markdown

/// The fields of a form, as values for a template that calls itself for what is inside.
struct FormFields {
    private let sent: FilledIn
    private let problems: [String: String]
    private var count = 0

    init(_ sent: [String: String], _ problems: [(input: String, message: String)]) {
        self.sent = FilledIn(sent)
        self.problems = Dictionary(problems.map { ($0.input, $0.message) }) { first, _ in first }
    }

    mutating func values(_ fields: [ConfigurationForm.Field], _ parent: String) -> [[String: Any]] {
        fields.map { field in
            let input = ConfigurationForm.input(parent, field.name)
            var values = values(field.kind, input, isSecret: field.isSecret)
            values["label"] = field.title ?? field.name
            values["member"] = shownText(field.title == nil ? nil : field.name)
            values["hint"] = shownText(
                ([field.description].compactMap(\.self) + field.rules.prefix(8)).joined(
                    separator: " · "))
            values["isRequired"] = field.isRequired
            return values
        }
    }

    /// Every key is there each time: what a template does not find, it looks for in what is around it.
    private mutating func values(
        _ kind: ConfigurationForm.Kind, _ input: String, isSecret: Bool
    ) -> [String: Any] {
        count += 1
        let value = sent[input] ?? ""
        var values: [String: Any] = [
            "id": "field-\(count)", "input": input, "value": value, "problem": shownText(problems[input]),
            "isText": false, "isSecret": false, "isNumber": false, "isChoice": false, "isJSON": false,
            "isGroup": false, "isList": false, "fields": [[String: Any]](), "items": [[String: Any]](),
            "options": [[String: Any]](), "label": "", "member": false, "hint": false, "isRequired": false,
        ]
        switch kind {
        case .text: values[isSecret ? "isSecret" : "isText"] = true
        case .number: values["isNumber"] = true
        case .flag:
            values["isChoice"] = true
            values["options"] = [("", "not set"), ("true", "yes"), ("false", "no")].map {
                ["value": $0, "text": $1, "isSelected": $0 == value]
            }
        case .choice(let choices):
            values["isChoice"] = true
            values["options"] =
                [["value": "", "text": "not set", "isSelected": value.isEmpty]]
                + choices.enumerated().map { place, choice in
                    [
                        "value": "\(place)", "text": choice.string ?? choice.description,
                        "isSelected": value == "\(place)",
                    ]
                }
        case .json: values["isJSON"] = true
        case .group(let fields):
            values["isGroup"] = true
            values["fields"] = self.values(fields, input)
        case .list(let element):
            values["isList"] = true
            // One more than is filled in, to add to them.
            let filled = (0..<ConfigurationForm.mostElements).last { sent.holds("\(input)/\($0)") }
            let shown = min((filled ?? -1) + 2, ConfigurationForm.mostElements)
            values["items"] = (0..<shown).map { place in
                var item = self.values(element, "\(input)/\(place)", isSecret: isSecret)
                item["label"] = "\(place + 1)"
                return item
            }
        }
        return values
    }

    // MARK: - Length

    /// Bytes that fields take on a page before anybody filled them in, about.
    static func weight(_ fields: [ConfigurationForm.Field]) -> Int {
        fields.reduce(0) { sum, field in
            let words = [field.name, field.title ?? "", field.description ?? ""] + field.rules.prefix(8)
            return sum + 450 + words.reduce(0) { $0 + length($1) }
                + weight(field.kind, field.defaultValue)
        }
    }

    private static func weight(_ kind: ConfigurationForm.Kind, _ value: JSONValue?) -> Int {
        switch kind {
        case .group(let fields): return weight(fields)
        case .list(let element):
            let items = min(value?.array?.count ?? 0, ConfigurationForm.mostElements - 1) + 1
            return items * (450 + weight(element, nil)) + length(value?.description ?? "")
        case .choice(let choices):
            return choices.reduce(0) { $0 + 60 + length($1.string ?? $1.description) }
        default: return length(value?.description ?? "")
        }
    }

    private static func length(_ text: String) -> Int {
        text.unicodeScalars.reduce(0) { $0 + HTMLText.escapedLength($1) }
    }
}
