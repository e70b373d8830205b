// SPDX-License-Identifier: Apache-2.0

import FilterInspection
import HTTPTypes
import HubFacts
import Hummingbird
import JSON
import OCI

/// How a filter gets into a host: the form of its configuration, and snippets with what was filled in.
struct FilterInstall {
    /// Bytes of the longest form that is read.
    static let longestForm = 64 << 10
    private static let mostProblems = 50

    private let form: ConfigurationForm
    /// Nil where the hub does not know its own address.
    private let installation: Installation?

    init(_ view: FilterView, _ facts: FilterFacts, _ site: (host: RegistryHost, isEncrypted: Bool)?) {
        form = facts.configSchema.map { ConfigurationForm(schema: $0) } ?? ConfigurationForm()
        installation = site.map { site in
            Installation(
                host: site.host, isEncrypted: site.isEncrypted, repository: view.repository,
                digest: view.document.digest, module: facts.module.digest,
                rootID: facts.metadata.rootIDs.first ?? "", isNetwork: facts.metadata.type == "network")
        }
    }

    // MARK: - Page

    /// The values of the template; `sent` is what somebody filled in, nil before that.
    func values(_ sent: [String: String]?) -> [String: Any] {
        let filled = sent ?? form.defaults
        let outcome = form.outcome(of: filled)
        // Before anybody wrote anything, nothing is wrong.
        let problems = sent == nil ? [] : outcome.problems
        var fields = FormFields(filled, problems)
        var values: [String: Any] = [
            "hasFields": form.fields != nil, "hasSchema": form.isChecked,
            "fields": form.fields.map { fields.values($0, ConfigurationForm.prefix) } ?? [],
            "text": filled[ConfigurationForm.prefix] ?? "", "isSent": sent != nil,
            "isRight": sent != nil && problems.isEmpty && form.isChecked,
            "problems": problems.prefix(Self.mostProblems).map { problem in
                ["place": Self.place(problem.input), "message": problem.message]
            }, "hasProblems": !problems.isEmpty,
        ]
        values["formProblem"] = form.problem
        return ["form": values, "targets": targets(outcome)]
    }

    private func targets(_ outcome: ConfigurationForm.Outcome) -> [[String: Any]] {
        snippets(outcome).map { target in
            [
                "target": target.name, "note": shownText(target.note),
                "snippets": target.snippets.map { ["id": $0.id, "note": $0.note, "text": $0.text] },
            ]
        }
    }

    private func snippets(_ outcome: ConfigurationForm.Outcome) -> [Installation.Target] {
        guard var installation else { return [] }
        installation.configuration = outcome.configuration
        return installation.targets
    }

    /// Where a problem is, in words.
    private static func place(_ input: String) -> String {
        let path = input.dropFirst(ConfigurationForm.prefix.utf8.count + 1)
        return path.isEmpty
            ? "The configuration"
            : path.split(separator: "/").map { $0.replacing("~1", with: "/").replacing("~0", with: "~") }
                .joined(separator: " › ")
    }

    // MARK: - Script

    private struct Answer: Encodable {
        struct Problem: Encodable {
            let input: String
            let place: String
            let message: String
        }
        let isRight: Bool
        let problems: [Problem]
        /// Texts by the names of the snippets.
        let snippets: [String: String]
    }

    /// The same for the page's script, as JSON.
    func answer(_ sent: [String: String]) throws -> Response {
        let outcome = form.outcome(of: sent)
        let texts = snippets(outcome).flatMap(\.snippets).map { ($0.id, $0.text) }
        let answer = Answer(
            isRight: outcome.problems.isEmpty && form.isChecked,
            problems: outcome.problems.prefix(Self.mostProblems).map {
                Answer.Problem(input: $0.input, place: Self.place($0.input), message: $0.message)
            }, snippets: Dictionary(texts) { first, _ in first })
        return Response(
            status: .ok,
            headers: [
                .contentType: "application/json", .cacheControl: "no-store",
                .contentSecurityPolicy: "default-src 'none'; sandbox",
            ], body: ResponseBody(byteBuffer: ByteBuffer(bytes: try canonicalJSON(answer))))
    }
}

/// The fields of a form, as values for a template that calls itself for what is inside.
struct FormFields {
    private let sent: [String: String]
    private let problems: [String: String]
    private var count = 0

    init(_ sent: [String: String], _ problems: [(input: String, message: String)]) {
        self.sent = sent
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
            let filled = (0..<ConfigurationForm.mostElements).last { place in
                sent.contains { name, text in
                    !text.isEmpty && (name == "\(input)/\(place)" || name.hasPrefix("\(input)/\(place)/"))
                }
            }
            let shown = min((filled ?? -1) + 2, ConfigurationForm.mostElements)
            values["items"] = (0..<shown).map { place in
                var item = self.values(element, "\(input)/\(place)", isSecret: isSecret)
                item["label"] = "\(place + 1)"
                return item
            }
        }
        return values
    }
}
