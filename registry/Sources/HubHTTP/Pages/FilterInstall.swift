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
    ///
    /// Long defaults come into the snippets only when somebody asks for that, by sending them.
    func values(_ sent: [String: String]?, _ bounds: FilterBounds) -> [String: Any] {
        let filled = sent ?? form.defaults
        var outcome = form.outcome(of: filled)
        let fields = form.fields.flatMap { FormFields.weight($0) <= bounds.form ? $0 : nil }
        var text = filled[ConfigurationForm.prefix] ?? ""
        if fields == nil, form.fields != nil, text.isEmpty, case .json(let value) = outcome.configuration {
            text = value.prettyPrinted
        }
        let isLong = sent == nil && (outcome.configuration.text?.utf8.count ?? 0) > bounds.configuration
        if isLong { outcome.configuration = .none }
        if sent == nil, text.utf8.count > bounds.form { text = "" }
        // Before anybody wrote anything, nothing is wrong.
        let problems = sent == nil ? [] : outcome.problems
        var filler = FormFields(filled, problems)
        var values: [String: Any] = [
            "hasFields": fields != nil, "hasSchema": form.isChecked, "isLong": isLong,
            "fields": fields.map { filler.values($0, ConfigurationForm.prefix) } ?? [],
            "text": text, "isSent": sent != nil,
            "isRight": sent != nil && problems.isEmpty && form.isChecked,
            "problems": problems.prefix(Self.mostProblems).map { problem in
                ["place": Self.place(problem.input), "message": problem.message]
            }, "hasProblems": !problems.isEmpty,
        ]
        values["formProblem"] =
            fields == nil && form.fields != nil
            ? "The schema has more fields than have room here; the configuration is written as JSON."
            : form.problem.map { clipped($0, bounds.text) }
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
