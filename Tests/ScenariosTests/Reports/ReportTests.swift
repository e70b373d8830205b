// SPDX-License-Identifier: Apache-2.0

import FilterProject
import Foundation
import FoundationXML
import JSON
import Scenarios
import TestSupport
import Testing
import YAML

/// What came of scenarios, told to people and to programs.
@Suite struct ReportTests {
    /// A result of each kind, with what could break a format.
    private static let reports: [ScenarioReport] = {
        var failure = StepFailure(line: 14)
        failure.mismatches = [
            .init("response header \"x\"", expected: "\"a <b> & 'c'\"", got: "none"),
            .init("response body", expected: "something", got: "\"two\nlines\t\u{1B}[31mred\u{0}\u{FFFF}\""),
        ]
        failure.log = ["[info] # a ]]> log: {line}", "[warning] \u{202E}backwards"]
        failure.curl = "curl -i -H 'x: <y>' http://127.0.0.1:10000/"
        var problem = StepFailure(line: 20)
        problem.problem = "envoy ended with signal 11"
        problem.hint = "run 'wasme check --run'"
        let long = String(repeating: "ä", count: 5000)
        var endless = StepFailure(line: 30)
        endless.mismatches = [.init("response body", expected: "\"\"", got: "\"\(long)\"")]
        func result(
            _ name: String, _ line: Int, _ verdict: ScenarioResult.Verdict, _ time: Int
        )
            -> ScenarioResult
        {
            ScenarioResult(
                file: line < 20 ? "tests.yaml" : "tests/more.v1.yaml", scenario: name, line: line,
                verdict: verdict, duration: .milliseconds(time))
        }
        return [
            ScenarioReport(
                envoy: "1.38.3",
                results: [
                    result("adds \"the\" header & more", 3, .passed, 12),
                    result("issue #7 \\ todo", 12, .failed(failure), 1240),
                    result("later", 16, .skipped(reason: "not <yet>\n# TODO"), 0),
                    result("crashes", 20, .broken(problem), 61_007), result("long", 28, .failed(endless), 4),
                ], duration: .milliseconds(62_345), neverEntered: ["proxy_on_log", "proxy_on_tick"]),
            ScenarioReport(
                envoy: "1.40.0", results: [result("adds \"the\" header & more", 3, .passed, 9)],
                duration: .milliseconds(400), neverEntered: []),
        ]
    }()

    private func render(_ reporter: some ScenarioReporter) -> String {
        var reporter = reporter
        var text = ""
        for report in Self.reports {
            text += reporter.begin(envoy: report.envoy)
            for result in report.results { text += reporter.add(result, envoy: report.envoy) }
        }
        return text + reporter.end(Self.reports)
    }

    @Test func `people read lines`() throws {
        try expectGolden(render(TextReporter(subject: "gate", namesFiles: true)), "test/report.txt")
        try expectGolden(render(TextReporter(subject: "gate", isBrief: true)), "test/report brief.txt")
        let coloured = render(TextReporter(subject: "gate", isColoured: true))
        #expect(coloured.contains("\u{1B}[32mok\u{1B}[0m") && coloured.contains("\u{1B}[31mFAIL\u{1B}[0m"))
    }

    @Test func `nothing of a filter's texts reaches the terminal as it is`() {
        for reporter in [
            render(TextReporter(subject: "gate\u{1B}[2J")), render(TAPReporter()),
            render(JUnitReporter(subject: "gate")),
        ] {
            #expect(!reporter.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" && $0 != "\t" })
        }
        #expect(!render(TextReporter(subject: "gate")).unicodeScalars.contains("\u{202E}"))
        #expect(!render(TAPReporter()).unicodeScalars.contains("\t"))
    }

    @Test func `programs read JSON`() throws {
        let text = render(JSONReporter(subject: "gate"))
        try expectGolden(text.replacing(String(repeating: "ä", count: 5000), with: "…"), "test/report.json")
        let document = try JSONValue(parsing: text)
        #expect(document.object?["runs"]?.array?.count == 2)
    }

    @Test func `CI reads what JUnit writes`() throws {
        let text = render(JUnitReporter(subject: "gate"))
        try expectGolden(text.replacing(String(repeating: "ä", count: 990), with: "…"), "test/report.xml")
        let document = try JUnitDocument(text)
        #expect(document.faults.isEmpty, "\(document.faults)")
        #expect(
            document.suites.map(\.name) == [
                "tests.yaml (Envoy 1.38.3)", "tests/more.v1.yaml (Envoy 1.38.3)", "tests.yaml (Envoy 1.40.0)",
            ])
        #expect(document.suites.map(\.tests) == [3, 2, 1])
        #expect(document.names[1] == "issue #7 \\ todo")
        #expect(document.attributes("skipped").first?["message"] == "not <yet>\n# TODO")
        #expect(document.attributes("failure").first?["message"]?.contains("\"a <b> & 'c'\"") == true)
        #expect(document.attributes("error").count == 1)
    }

    @Test func `harnesses read TAP, and its diagnostics are YAML`() throws {
        let text = render(TAPReporter(namesFiles: true, namesEnvoys: true))
        try expectGolden(text, "test/report.tap")
        let lines = text.split(separator: "\n").map(String.init)
        #expect(lines.first == "TAP version 14" && lines.last == "1..6")
        let points = lines.filter { $0.hasPrefix("ok ") || $0.hasPrefix("not ok ") }
        #expect(points.count == 6)
        for block in text.components(separatedBy: "  ---\n").dropFirst() {
            let yaml = try #require(block.components(separatedBy: "  ...\n").first)
            #expect(try YAMLNode(parsing: yaml, file: "diagnostics").json.object?["at"] != nil)
        }
    }

    @Test func `nothing to tell is told`() throws {
        let tap = TAPReporter()
        #expect(tap.end([]) == "TAP version 14\n1..0\n")
        #expect(
            TextReporter(subject: "gate").end([ScenarioReport(envoy: "1.40.0")])
                == "\nnothing was run in 0 ms\n")
        #expect(try JUnitDocument(JUnitReporter(subject: "gate").end([])).faults.isEmpty)
    }
}
