// SPDX-License-Identifier: Apache-2.0

import Deployment
import Diagnostics
import FilterImage
import FilterProject
import JSON
import Scenarios

/// Which tests are meant by a name.
struct TestNamePattern: Sendable {
    /// As it was written.
    let text: String
    private let expression: String?

    init(_ text: String) throws {
        self.text = text
        guard text.count > 2, text.hasPrefix("/"), text.hasSuffix("/") else {
            expression = nil
            return
        }
        let expression = String(text.dropFirst().dropLast())
        do {
            _ = try Regex(expression)
        } catch {
            throw CommandError(
                .usage, "\"\(text)\" is no regular expression: \(error)",
                hint: "without the slashes it is a part of a name")
        }
        self.expression = expression
    }

    func accepts(_ name: String) -> Bool {
        guard let expression else { return name.lowercased().contains(text.lowercased()) }
        // That it is one has been seen.
        return (try? Regex(expression).firstMatch(in: name)) != nil
    }
}

/// The tests that are to be played.
struct TestSelection {
    /// Those of each file, without files that have none of them.
    private(set) var files: [ScenarioFile]
    /// What the user may not expect.
    private(set) var note: String?

    /// - Throws: an error of usage if nothing is left, or one that says where an `only` is that is not wanted.
    init(_ all: [ScenarioFile], _ wanted: TestNamePattern?, refusesOnly: Bool) throws {
        files = all
        let marked = all.flatMap { file in file.scenarios.filter(\.isOnly).map { (file.name, $0) } }
        if refusesOnly, let (file, scenario) = marked.first {
            throw CommandError(
                .failed, "\(file):\(scenario.line): \"\(scenario.name)\" is marked with \"only\"",
                hint: "take it out, so that all tests are played")
        }
        if let wanted {
            files = Self.files(all) { wanted.accepts($0.name) }
            guard !files.isEmpty else {
                let names = all.flatMap(\.scenarios).map(\.name)
                let more = names.count > 10 ? ", and \(names.count - 10) more" : ""
                throw CommandError(
                    .usage, "no test has \"\(wanted.text)\" in its name",
                    hint: closestName(to: wanted.text, in: names).map { "did you mean \"\($0)\"?" }
                        ?? "there are " + names.prefix(10).map { "\"\($0)\"" }.joined(separator: ", ") + more)
            }
        }
        let before = Self.count(files)
        guard let (file, scenario) = marked.first else { return }
        let only = Self.files(files) { $0.isOnly }
        // A name on the command line is what is wanted now.
        guard !only.isEmpty else { return }
        files = only
        let left = before - Self.count(files)
        if left > 0 {
            note =
                "note: \"only\" in \(file):\(scenario.line) leaves out \(left) other test\(left == 1 ? "" : "s")"
        }
    }

    private static func files(
        _ files: [ScenarioFile], where isWanted: (Scenario) -> Bool
    ) -> [ScenarioFile] {
        files.compactMap { file in
            let scenarios = file.scenarios.filter(isWanted)
            return scenarios.isEmpty ? nil : ScenarioFile(name: file.name, scenarios: scenarios)
        }
    }

    private static func count(_ files: [ScenarioFile]) -> Int { files.reduce(0) { $0 + $1.scenarios.count } }

    // MARK: Before they are played

    /// Holds the tests against what is known of the filter.
    /// - Throws: the first of what does not fit, with the others.
    func check(against filter: RunnableFilter) throws {
        let schema: ConfigSchema?
        do {
            schema = try filter.schema.map { try ConfigSchema(bytes: $0) }
        } catch {
            throw CommandError(
                .failed, "the schema of \"\(filter.name)\" cannot be used", cause: error,
                hint: "mend the file that config.schema in wasme.yaml names")
        }
        for file in files {
            for scenario in file.scenarios {
                if let reason = try reason(scenario, filter, schema) {
                    throw ScenarioError(
                        file: file.name, line: scenario.line, "\"\(scenario.name)\": \(reason.text)",
                        hint: reason.hint)
                }
            }
        }
    }

    /// Why a filter cannot be tested so.
    private func reason(
        _ scenario: Scenario, _ filter: RunnableFilter, _ schema: ConfigSchema?
    ) throws -> (text: String, hint: String)? {
        let setup = scenario.setup
        if let project = filter.project, let rootID = setup.rootID {
            let known = project.manifest.module.rootIDs
            if !known.contains(rootID) {
                return (
                    "the module has no plugin \"\(rootID)\"",
                    "module.rootIds in wasme.yaml has \(known.joined(separator: ", "))"
                )
            }
        }
        guard case .steps(let steps) = scenario.outcome else { return nil }
        for step in steps {
            switch step.stimulus {
            case .request where filter.kind == .network:
                return (
                    "a request, and \"\(filter.name)\" is a filter of TCP connections",
                    "write a \"connection\" in its place"
                )
            case .connection where filter.kind == .http:
                return (
                    "a connection, and \"\(filter.name)\" is a filter of HTTP requests",
                    "write a \"request\" in its place"
                )
            default: break
            }
        }
        guard let schema, let violation = try violation(of: schema, setup) else { return nil }
        return (
            "the configuration does not fit the filter's schema: \(violation)",
            "mend it, or expect that Envoy does not take it: \"refused\""
        )
    }

    private func violation(of schema: ConfigSchema, _ setup: ScenarioSetup) throws -> String? {
        if let text = setup.configuration, setup.configurationValue == nil {
            do throws(JSONError) {
                _ = try JSONValue(parsing: text)
            } catch {
                return "it is not JSON: \(error)"
            }
            return try schema.validate(json: text).first?.description
        }
        return try schema.validate(setup.configurationValue ?? .object([:])).first?.description
    }
}
