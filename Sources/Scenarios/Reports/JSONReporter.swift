// SPDX-License-Identifier: Apache-2.0

import JSON

/// Results for programs, as one JSON document; keys stay, more may come.
package struct JSONReporter: ScenarioReporter {
    private let subject: String

    package init(subject: String) { self.subject = subject }

    package func begin(envoy: String) -> String { "" }

    package func add(_ result: ScenarioResult, envoy: String) -> String { "" }

    package func end(_ reports: [ScenarioReport]) -> String {
        let isGood = reports.allSatisfy { ScenarioCount($0.results).isGood }
        let document: JSONValue = .object([
            "filter": .string(subject), "passed": .bool(isGood), "runs": .array(reports.map(run)),
        ])
        return document.prettyPrinted + "\n"
    }

    private func run(_ report: ScenarioReport) -> JSONValue {
        let count = ScenarioCount(report.results)
        var object = JSONObject()
        object["envoy"] = .string(report.envoy)
        object["seconds"] = seconds(report.duration)
        object["counts"] = .object([
            "passed": .integer(count.passed), "failed": .integer(count.failed),
            "broken": .integer(count.broken),
            "skipped": .integer(count.skipped),
        ])
        object["tests"] = .array(report.results.map(test))
        if let callbacks = report.neverEntered {
            object["neverEntered"] = .array(callbacks.map { .string($0) })
        }
        return .object(object)
    }

    private func test(_ result: ScenarioResult) -> JSONValue {
        var object = JSONObject()
        object["file"] = .string(result.file)
        object["line"] = .integer(result.line)
        object["name"] = .string(result.scenario)
        object["seconds"] = seconds(result.duration)
        switch result.verdict {
        case .passed: object["outcome"] = .string("passed")
        case .failed(let failure):
            object["outcome"] = .string("failed")
            object["failure"] = value(failure)
        case .broken(let failure):
            object["outcome"] = .string("broken")
            object["failure"] = value(failure)
        case .skipped(let reason):
            object["outcome"] = .string("skipped")
            object["reason"] = .string(reason)
        }
        return .object(object)
    }

    private func value(_ failure: StepFailure) -> JSONValue {
        var object = JSONObject()
        object["line"] = .integer(failure.line)
        object["mismatches"] = .array(
            failure.mismatches.map {
                .object([
                    "subject": .string($0.subject), "expected": .string($0.expected), "got": .string($0.got),
                ])
            })
        if let problem = failure.problem { object["problem"] = .string(problem) }
        if let hint = failure.hint { object["hint"] = .string(hint) }
        object["log"] = .array(failure.log.map { .string($0) })
        if let curl = failure.curl { object["curl"] = .string(curl) }
        return .object(object)
    }

    private func seconds(_ duration: Duration) -> JSONValue {
        JSONNumber(duration.inSeconds).map { .number($0) } ?? .null
    }
}
