// SPDX-License-Identifier: Apache-2.0

import Scenarios
import Testing

/// What is wrong with a `tests.yaml` is told with its place.
@Suite struct ScenarioReaderTests {
    private func problem(_ yaml: String) -> String? {
        do {
            _ = try ScenarioFile(parsing: yaml, file: "t.yaml")
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func `reads what the scaffold writes`() throws {
        let yaml = """
            tests:
            - name: adds the header
              config: {header: x, value: "yes"}
              request: {method: GET, path: /, headers: {accept: [a, b]}}
              expect: {status: 200, response: {headers: {x: "yes", y: null, z: {matches: "^a"}}}}
            """
        let scenario = try #require(try ScenarioFile(parsing: yaml, file: "t.yaml").scenarios.first)
        #expect(scenario.setup.configuration == #"{"header":"x","value":"yes"}"#)
        guard case .steps(let steps) = scenario.outcome, case .request(let request) = steps.first?.stimulus
        else {
            Issue.record("\(scenario)")
            return
        }
        #expect(request.headers.map(\.value) == ["a", "b"])
        #expect(steps.first?.expectation.response.headers.map(\.name) == ["x", "y", "z"])
    }

    @Test(arguments: [
        ("tests: []", "t.yaml:1:1: expected a list \"tests\""),
        ("test: []", "t.yaml:1:1: expected a list \"tests\""),
        ("tests:\n- request: {}", "t.yaml:2:3: a test needs a \"name\""),
        ("tests:\n- name: a", "t.yaml:2:3: expected a \"request\""),
        (
            "tests:\n- name: a\n  request: {pth: /}",
            "t.yaml:3:13: unknown key \"pth\"; known here: \"method\", \"path\""
        ),
        (
            "tests:\n- name: a\n  request: {}\n  expect: {status: ok}",
            "t.yaml:4:20: expected an integer, found \"ok\""
        ),
        (
            "tests:\n- {name: a, request: {}}\n- {name: a, request: {}}",
            "t.yaml:3:3: there are two tests named \"a\""
        ),
        ("tests:\n- {name: a, after: 3, request: {}}", "expected a duration such as 300ms"),
        ("tests:\n- {name: a, request: {}, expect: {log: [{matches: \"(\"}]}}", "is no regular expression"),
        ("services: {s: {fault: explode}}\ntests: []", "expected a fault \"hang\" or \"close\""),
    ])
    func `says what is wrong and where`(yaml: String, expected: String) {
        #expect(problem(yaml)?.contains(expected) == true, "\(problem(yaml) ?? "nothing")")
    }
}
