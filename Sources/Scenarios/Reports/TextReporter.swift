// SPDX-License-Identifier: Apache-2.0

/// Results for people: one line for each scenario while they run, and what went wrong below it.
package struct TextReporter: ScenarioReporter {
    /// What the scenarios are about.
    private let subject: String
    private let isColoured: Bool
    /// Whether what passed is left out.
    private let isBrief: Bool
    /// Whether scenarios of one name may stand in several files.
    private let namesFiles: Bool

    package init(subject: String, isColoured: Bool = false, isBrief: Bool = false, namesFiles: Bool = false) {
        self.subject = subject
        self.isColoured = isColoured
        self.isBrief = isBrief
        self.namesFiles = namesFiles
    }

    package func begin(envoy: String) -> String {
        isBrief ? "" : paint("\(visible(subject)) in Envoy \(envoy)", .bold) + "\n"
    }

    package func add(_ result: ScenarioResult, envoy: String) -> String {
        let name = (namesFiles ? "\(result.file): " : "") + visible(result.scenario)
        let time = paint("  \(result.duration.inWords)", .dim)
        switch result.verdict {
        case .passed: return isBrief ? "" : "  \(paint("ok", .green))    \(name)\(time)\n"
        case .skipped(let reason):
            return isBrief ? "" : "  \(paint("skip", .yellow))  \(name): \(visible(reason))\n"
        case .failed(let failure), .broken(let failure):
            let lines = details(of: failure, in: result.file)
            return "  \(paint("FAIL", .red))  \(name)\(time)\n" + lines.map { "        \($0)\n" }.joined()
        }
    }

    private func details(of failure: StepFailure, in file: String) -> [String] {
        let place = "\(file):\(failure.line)"
        var lines: [String] = []
        for mismatch in failure.mismatches {
            lines += [
                "\(place): \(visible(mismatch.subject))",
                "  expected  " + paint(visible(mismatch.expected), .green),
                "  got       " + paint(visible(mismatch.got), .red),
            ]
        }
        if let problem = failure.problem { lines.append("\(place): \(visible(problem))") }
        if let hint = failure.hint { lines.append("  help: \(visible(hint))") }
        if !failure.log.isEmpty {
            lines.append("log")
            lines += failure.log.map { paint("  \(visible($0))", .dim) }
        }
        if let curl = failure.curl { lines += ["again", "  \(visible(curl, limit: .max))"] }
        return lines
    }

    package func end(_ reports: [ScenarioReport]) -> String {
        var lines = isBrief ? [] : [""]
        for report in reports {
            let count = ScenarioCount(report.results)
            let parts = [
                (count.passed, "passed", Colour.green), (count.failed + count.broken, "failed", .red),
                (count.skipped, "skipped", .yellow),
            ]
            let words = parts.filter { $0.0 > 0 }.map { paint("\($0.0) \($0.1)", $0.2) }
            let said = words.isEmpty ? "nothing was run" : words.joined(separator: ", ")
            lines.append(
                (reports.count > 1 ? "Envoy \(report.envoy): " : "") + said + " in \(report.duration.inWords)"
            )
            if let callbacks = report.neverEntered {
                lines.append(
                    callbacks.isEmpty
                        ? "every callback of the module was entered"
                        : "never entered: \(callbacks.joined(separator: ", "))")
            }
        }
        return lines.map { "\($0)\n" }.joined()
    }

    private enum Colour: String {
        case bold = "1"
        case dim = "2"
        case red = "31"
        case green = "32"
        case yellow = "33"
    }

    private func paint(_ text: String, _ colour: Colour) -> String {
        isColoured && !text.isEmpty ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }
}
