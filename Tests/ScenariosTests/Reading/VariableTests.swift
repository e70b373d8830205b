// SPDX-License-Identifier: Apache-2.0

import Scenarios
import Testing

@Suite struct VariableTests {
    private func configuration(_ yaml: String, _ environment: [String: String] = [:]) throws -> [String?] {
        try read(yaml, environment).scenarios.map(\.setup.configuration)
    }

    @Test(arguments: [
        ("${n}", "7"), ("\"a${n}b\"", "\"a7b\""), ("${t}", "\"x\""), ("${t}${t}", "\"xx\""),
        ("${list}", #"[1,"x"]"#), ("${map}", #"{"a":"x7"}"#), ("$${t}", "\"${t}\""), ("$t", "\"$t\""),
        ("\"${n}$${n}\"", "\"7${n}\""), ("\"${f}\"", "true"), ("\"${z}\"", "null"),
        ("[\"${n}\", a]", #"[7,"a"]"#),
        ("$$", "\"$$\""), ("\"{$}\"", "\"{$}\""), ("${deep}", "\"x7x7\""), ("\"${e}\"", "\"\""),
    ])
    func `a text stands for what its variables are`(text: String, expected: String) throws {
        let yaml = """
            variables: {n: 7, t: x, f: true, z: null, list: [1, "${t}"], map: {a: "${t}${n}"}, deep: "${map2}${map2}", map2: "${t}${n}", e: ""}
            tests:
            - name: a
              config: {v: \(text)}
              wait: 0s
            """
        // Flow style has no plain text with braces in it.
        let quoted = text.hasPrefix("\"") || text.hasPrefix("[") ? yaml : yaml.replacingValue(text)
        #expect(try configuration(quoted) == [#"{"v":\#(expected)}"#])
    }

    @Test func `a case has its own, and those of the file may refer to them`() throws {
        let yaml = """
            variables: {path: "/v${version}", version: 0}
            upstream: {body: "${version}"}
            tests:
            - name: a
              config: ["${path}"]
              cases: [{version: 1}, {version: 2}]
              request: {}
            - name: named ${version}
              cases: [{version: 3}]
              request: {path: "${path}"}
            - name: c
              request: {path: "${path}"}
            """
        let file = try read(yaml)
        #expect(file.scenarios.map(\.name) == ["a (version=1)", "a (version=2)", "named 3", "c"])
        #expect(try configuration(yaml) == [#"["/v1"]"#, #"["/v2"]"#, nil, nil])
        let bodies = file.scenarios.map { scenario -> [BodyPart] in
            guard case .steps(let steps) = scenario.outcome,
                case .http(let answer)? = steps.first?.upstream.answers.first?.kind
            else { return [] }
            return answer.body
        }
        #expect(bodies == [[.text("1")], [.text("2")], [.text("3")], [.text("0")]])
    }

    @Test func `the surroundings are seen as far as the file lists them`() throws {
        let yaml = "environment: [A]\n" + test("request: {path: \"/${env.A}\"}")
        #expect(try read(yaml, ["A": "b", "B": "c"]).scenarios.count == 1)
        #expect(complaint(yaml).contains("t.yaml:3:29: the environment variable \"A\" is not set"))
        #expect(
            complaint(test("request: {path: \"/${env.A}\"}"), ["A": "b"])
                .contains("not among the variables that this file may read\n  help: list it"))
        #expect(complaint("environment: [7]\n" + test("request: {}")).contains("the name of an environment"))
    }

    @Test(arguments: [
        (
            "variables: {user: a}\n" + test("request: {path: \"/${usr}\"}"),
            "t.yaml:3:29: there is no variable \"usr\"\n  help: did you mean \"user\"?"
        ),
        (test("request: {path: \"/${a}\"}"), "help: declare it at the top of the file"),
        ("variables: {a: \"${b}\", b: \"x${a}\"}\n" + test("request: {}"), "in a circle: ${a}, ${b}, ${a}"),
        ("variables: {a: [\"${a}\"]}\n" + test("request: {}"), "in a circle: ${a}, ${a}"),
        (
            "variables: {a: [b]}\n" + test("request: {path: \"/${a}\"}"),
            "is a list, which cannot be part of a text"
        ),
        ("variables: {1a: b}\n" + test("request: {}"), "\"1a\" is no name for a variable"),
        (test("request: {path: \"/${a\"}"), "a \"${\" without its \"}\""),
        (test("request: {path: \"/${}\"}"), "\"${}\" names no variable"),
        (test("cases: [{a: \"${a}\"}], request: {}"), "in a circle"),
    ])
    func `what a variable cannot be is told`(yaml: String, words: String) {
        #expect(complaint(yaml).contains(words), "\(complaint(yaml))")
    }

    @Test func `a file that grows by its variables or cases is refused`() {
        var variables = ["a0: \(String(repeating: "x", count: 100))"]
        for level in 1...30 { variables.append("a\(level): \"${a\(level - 1)}${a\(level - 1)}\"") }
        #expect(
            complaint(
                "variables: {\(variables.joined(separator: ", "))}\n" + test("request: {body: \"${a30}\"}")
            )
            .contains("too l"))
        let cases = (0..<2000).map { "{n: \($0)}" }.joined(separator: ", ")
        let steps = Array(repeating: "{request: {headers: {a: b, c: d}}}", count: 200).joined(separator: ", ")
        #expect(complaint(test("cases: [\(cases)], steps: [\(steps)]")).contains("too large"))
    }
}

extension String {
    /// The text in quotes, where it stands for a value.
    fileprivate func replacingValue(_ text: String) -> String {
        split(separator: "{v: \(text)}", omittingEmptySubsequences: false).joined(
            separator: "{v: \"\(text)\"}")
    }
}
