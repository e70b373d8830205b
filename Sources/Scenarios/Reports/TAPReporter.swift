// SPDX-License-Identifier: Apache-2.0

import JSON

/// Results in the Test Anything Protocol, version 14, while they come.
package struct TAPReporter: ScenarioReporter {
    private var count = 0
    /// Whether scenarios of one name may stand in several files, or run in several Envoys.
    private let namesFiles: Bool
    private let namesEnvoys: Bool

    package init(namesFiles: Bool = false, namesEnvoys: Bool = false) {
        self.namesFiles = namesFiles
        self.namesEnvoys = namesEnvoys
    }

    package mutating func begin(envoy: String) -> String {
        count == 0 ? "TAP version 14\n# Envoy \(envoy)\n" : "# Envoy \(envoy)\n"
    }

    package mutating func add(_ result: ScenarioResult, envoy: String) -> String {
        count += 1
        let name =
            (namesEnvoys ? "Envoy \(envoy): " : "") + (namesFiles ? "\(result.file): " : "") + result.scenario
        let point = "\(count) - \(Self.description(name))"
        switch result.verdict {
        case .passed: return "ok \(point)\n"
        case .skipped(let reason): return "ok \(point) # SKIP \(visible(reason))\n"
        case .failed(let failure), .broken(let failure):
            return "not ok \(point)\n" + diagnostics(result, failure).map { "  \($0)\n" }.joined()
        }
    }

    package func end(_ reports: [ScenarioReport]) -> String {
        // Without a scenario there was no first line.
        (count == 0 && reports.isEmpty ? "TAP version 14\n" : "") + "1..\(count)\n"
    }

    /// A backslash and a "#" mean something in a line.
    private static func description(_ text: String) -> String {
        visible(text).replacing("\\", with: "\\\\").replacing("#", with: "\\#")
    }

    /// A block of YAML; texts are written as JSON has them, which YAML reads.
    private func diagnostics(_ result: ScenarioResult, _ failure: StepFailure) -> [String] {
        func text(_ text: String) -> String { JSONValue.string(visible(text)).description }
        let isBroken = if case .broken = result.verdict { true } else { false }
        var lines = [
            "---", "message: \(text(result.reasons.first ?? "failed"))",
            "severity: \(isBroken ? "error" : "fail")",
            "at: {file: \(text(result.file)), line: \(failure.line)}",
        ]
        if !failure.mismatches.isEmpty {
            lines.append("mismatches:")
            for mismatch in failure.mismatches {
                lines += [
                    "  - subject: \(text(mismatch.subject))", "    expected: \(text(mismatch.expected))",
                    "    got: \(text(mismatch.got))",
                ]
            }
        }
        if let problem = failure.problem { lines.append("problem: \(text(problem))") }
        if let hint = failure.hint { lines.append("hint: \(text(hint))") }
        if !failure.log.isEmpty {
            lines.append("log:")
            lines += failure.log.map { "  - \(text($0))" }
        }
        if let curl = failure.curl { lines.append("curl: \(text(curl))") }
        return lines + ["..."]
    }
}
