// SPDX-License-Identifier: Apache-2.0

/// Results as the XML that JUnit's Ant task once wrote and every CI reads; only what the schemas of Jenkins and of
/// Maven's Surefire both know.
package struct JUnitReporter: ScenarioReporter {
    private let subject: String

    package init(subject: String) { self.subject = subject }

    package func begin(envoy: String) -> String { "" }

    package func add(_ result: ScenarioResult, envoy: String) -> String { "" }

    package func end(_ reports: [ScenarioReport]) -> String {
        var lines = ["<?xml version=\"1.0\" encoding=\"UTF-8\"?>"]
        let total = attributes(of: reports.flatMap(\.results))
        lines.append("<testsuites name=\"wasme test\"\(total)>")
        for report in reports {
            var files: [String] = []
            for result in report.results where !files.contains(result.file) { files.append(result.file) }
            for file in files {
                lines += suite(file, report.results.filter { $0.file == file }, envoy: report.envoy)
            }
        }
        return (lines + ["</testsuites>", ""]).joined(separator: "\n")
    }

    private func suite(_ file: String, _ results: [ScenarioResult], envoy: String) -> [String] {
        let name = "\(file) (Envoy \(envoy))"
        let skipped = ScenarioCount(results).skipped
        var lines = [
            "  <testsuite name=\"\(attribute(name))\"\(attributes(of: results)) skipped=\"\(skipped)\">"
        ]
        // Readers make packages and classes of what stands between dots.
        var stem = file.hasSuffix(".yaml") ? String(file.dropLast(5)) : file
        stem = stem.replacing(".", with: "_").replacing("/", with: ".")
        for result in results {
            lines += testCase(result, in: "\(subject.replacing(".", with: "_")).\(stem)")
        }
        return lines + ["  </testsuite>"]
    }

    private func attributes(of results: [ScenarioResult]) -> String {
        let count = ScenarioCount(results)
        let time = results.reduce(.zero) { $0 + $1.duration }
        return " tests=\"\(count.all)\" failures=\"\(count.failed)\" errors=\"\(count.broken)\""
            + " time=\"\(time.inSeconds)\""
    }

    private func testCase(_ result: ScenarioResult, in suite: String) -> [String] {
        let head =
            "    <testcase name=\"\(attribute(result.scenario))\" classname=\"\(attribute(suite))\" time=\"\(result.duration.inSeconds)\""
        switch result.verdict {
        case .passed: return [head + "/>"]
        case .skipped(let reason):
            return [head + ">", "      <skipped message=\"\(attribute(reason))\"/>", "    </testcase>"]
        case .failed(let failure): return [head + ">"] + element("failure", failure, result)
        case .broken(let failure): return [head + ">"] + element("error", failure, result)
        }
    }

    /// The rest of a test case: what went wrong, and what was logged meanwhile.
    private func element(_ name: String, _ failure: StepFailure, _ result: ScenarioResult) -> [String] {
        let reasons = result.reasons
        let type = failure.mismatches.isEmpty ? "problem" : "mismatch"
        var text = reasons
        if let hint = failure.hint { text.append("help: \(hint)") }
        if let curl = failure.curl { text.append("again: \(curl)") }
        var lines = [
            "      <\(name) message=\"\(attribute(reasons.first ?? "failed"))\" type=\"\(type)\">"
                + content(text.joined(separator: "\n")) + "</\(name)>"
        ]
        if !failure.log.isEmpty {
            lines.append("      <system-out>\(content(failure.log.joined(separator: "\n")))</system-out>")
        }
        return lines + ["    </testcase>"]
    }
}

/// A text between tags.
private func content(_ text: String) -> String { escaped(text, isAttribute: false) }

/// A text in double quotes.
private func attribute(_ text: String) -> String { escaped(text, isAttribute: true) }

/// XML 1.0, sections 2.2 "Characters", 2.4 and 3.3.3: what may not stand in a document is written as `\u{…}`, and what a
/// reader would make a space or a line break of is written by its number.
private func escaped(_ text: String, isAttribute: Bool) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "&": result += "&amp;"
        case "<": result += "&lt;"
        case ">": result += "&gt;"
        case "\"" where isAttribute: result += "&quot;"
        case "\n" where isAttribute, "\t" where isAttribute, "\r": result += "&#\(scalar.value);"
        case "\t", "\n", "\u{20}"..."\u{7E}", "\u{A0}"..."\u{D7FF}", "\u{E000}"..."\u{FFFD}",
            "\u{10000}"..."\u{10FFFF}":
            result.unicodeScalars.append(scalar)
        // XML 1.0 takes those from 0x7F to 0x9F and discourages them; terminals obey them.
        default: result += "\\u{\(String(scalar.value, radix: 16))}"
        }
    }
    return result
}
