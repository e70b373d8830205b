// SPDX-License-Identifier: Apache-2.0

import Foundation
import HubFacts
import JSON
import TestSupport
import Testing

/// Forms made of the schemas in images.
@Suite struct ConfigurationFormTests {
    /// A schema with everything that has a field of its own, and something that has none.
    static let schema = ##"""
        {"type":"object","required":["header","limits"],"additionalProperties":false,
         "properties":{
          "header":{"type":"string","title":"Header","description":"Which <b>header</b>","minLength":2,"pattern":"^[a-z-]+$"},
          "mode":{"enum":["add","replace",3],"default":"add"},
          "on":{"type":"boolean","default":true},
          "rate":{"type":"number","minimum":0},
          "limits":{"type":"object","required":["count"],"properties":{"count":{"type":"integer","maximum":9007199254740993},"key":{"type":"string","writeOnly":true}}},
          "names":{"type":"array","items":{"type":"string","maxLength":5},"default":["a","b"]},
          "rules":{"type":"array","items":{"$ref":"#/$defs/rule"}},
          "extra":{"type":"object","additionalProperties":{"type":"string"}},
          "a/b~c":{"type":"string"}},
         "$defs":{"rule":{"type":"object","properties":{"path":{"type":"string"},"next":{"$ref":"#/$defs/rule"}}}}}
        """##

    private func form(_ schema: String) throws -> ConfigurationForm {
        struct Text: Encodable {
            let text: String
            let isCut: Bool
        }
        let data = try JSONEncoder().encode(Text(text: schema, isCut: false))
        return ConfigurationForm(schema: try JSONDecoder().decode(FilterFacts.Text.self, from: data))
    }

    private func text(_ outcome: ConfigurationForm.Outcome) -> String? { outcome.configuration.text }

    @Test func `what is filled in becomes the configuration, with its types`() throws {
        let form = try form(Self.schema)
        let outcome = form.outcome(of: [
            "c/header": "x-a", "c/mode": "2", "c/on": "false", "c/rate": "0.10",
            "c/limits/count": "9007199254740993", "c/names/0": "one", "c/names/3": "two",
            "c/rules/0/path": "/x",
            "c/extra": #"{"k":"v"}"#, "c/a~1b~0c": "odd", "c/unknown": "left out",
        ])
        #expect(outcome.problems.isEmpty, "\(outcome.problems)")
        #expect(
            text(outcome)
                == #"{"header":"x-a","mode":3,"on":false,"rate":0.10,"limits":{"count":9007199254740993},"#
                + #""names":["one","two"],"rules":[{"path":"/x"}],"extra":{"k":"v"},"a/b~c":"odd"}"#)
    }

    @Test func `defaults are filled in`() throws {
        let defaults = try form(Self.schema).defaults
        #expect(
            defaults == ["c/mode": "0", "c/on": "true", "c/names/0": "a", "c/names/1": "b"])
    }

    @Test(arguments: [
        (["c/header": "x-a"], "c", "limits"),
        (["c/header": "X", "c/limits/count": "1"], "c/header", "Expected"),
        (["c/header": "x-a", "c/limits/count": "many"], "c/limits/count", "number"),
        (["c/header": "x-a", "c/limits/count": "1.5"], "c/limits/count", "integer"),
        (["c/header": "x-a", "c/limits/count": "1", "c/rate": "-1"], "c/rate", "at least"),
        (["c/header": "x-a", "c/limits/count": "1", "c/extra": "{"], "c/extra", "JSON"),
        (
            ["c/header": "x-a", "c/limits/count": "1", "c/names/1": "longer than five"], "c/names/0",
            "at most 5"
        ),
    ])
    func `what is wrong is said at its field`(
        _ sent: [String: String], _ input: String, _ words: String
    ) throws {
        let problems = try form(Self.schema).outcome(of: sent).problems
        #expect(problems.contains { $0.input == input && $0.message.contains(words) }, "\(problems)")
    }

    @Test func `a configuration without a schema is any text`() {
        let form = ConfigurationForm()
        #expect(form.outcome(of: [:]).configuration == .none)
        #expect(form.outcome(of: ["c": " "]).configuration == .none)
        #expect(form.outcome(of: ["c": "{\"a\": 1}"]).configuration.text == "{\"a\":1}")
        #expect(form.outcome(of: ["c": "key=value"]).configuration == .text("key=value"))
        #expect(form.outcome(of: ["c": "key=value"]).problems.isEmpty)
    }

    @Test func `a schema that cannot be used leaves one text, and says why`() throws {
        for schema in [
            "no JSON", "{\"type\":\"wrong\"}", "{\"$ref\":\"https://elsewhere.example/s\"}", "[]", "7",
        ] {
            let form = try form(schema)
            #expect(form.fields == nil && !form.isChecked, "\(schema)")
            #expect(form.problem?.contains("not checked") == true)
        }
        let plain = try form("{\"type\":\"string\",\"minLength\":3}")
        #expect(plain.fields == nil && plain.isChecked)
        #expect(plain.outcome(of: ["c": "\"ab\""]).problems.count == 1)
        #expect(plain.outcome(of: ["c": "ab"]).problems.map(\.message) == ["This is not JSON."])
    }

    @Test func `hostile schemas make bounded forms in bounded time`() throws {
        func nested(_ depth: Int) -> String {
            (0..<depth).reduce("{\"type\":\"string\"}") { inner, _ in
                "{\"type\":\"object\",\"properties\":{\"a\":\(inner)}}"
            }
        }
        let many = (0..<1500).map { "\"p\($0)\":{\"type\":\"string\"}" }.joined(separator: ",")
        let schemas = [
            nested(60), "{\"type\":\"object\",\"properties\":{\(many)}}",
            ##"{"type":"object","properties":{"a":{"$ref":"#"}}}"##,
            ##"{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}"##,
            ##"{"type":"object","properties":{"a":{"$ref":"#/properties/a"}}}"##,
            ##"{"type":"object","properties":{"a":{"type":"array","items":{"$ref":"#/properties/a"}}}}"##,
            "{\"type\":\"object\",\"properties\":{\"a\":{\"enum\":[\((0..<5000).map(String.init).joined(separator: ","))]}}}",
            #"{"type":"object","properties":{"a":{"type":"string","pattern":"^(a+)+$"}}}"#,
            "{\"type\":\"object\",\"description\":\"\(String(repeating: "x", count: 100_000))\"}",
        ]
        for schema in schemas {
            let clock = ContinuousClock()
            let time = try clock.measure {
                let form = try form(schema)
                #expect(count(form.fields ?? []) <= 151)
                _ = form.outcome(of: ["c/a": String(repeating: "a", count: 5000) + "!", "c": "{}"])
                _ = form.defaults
            }
            #expect(time < .seconds(20), "\(schema.prefix(80)): \(time)")
        }
    }

    private func count(_ fields: [ConfigurationForm.Field]) -> Int {
        fields.reduce(0) { total, field in
            guard case .group(let inner) = field.kind else { return total + 1 }
            return total + 1 + count(inner)
        }
    }

    // MARK: - On the page

    private func encoded(_ fields: [(String, String)]) -> [UInt8] {
        var allowed = CharacterSet.alphanumerics
        allowed.insert(charactersIn: "-._~")
        func part(_ text: String) -> String {
            text.addingPercentEncoding(withAllowedCharacters: allowed) ?? ""
        }
        return Array(fields.map { "\(part($0))=\(part($1))" }.joined(separator: "&").utf8)
    }

    @Test func `the form works without a script, and puts the configuration into the snippets`() async throws
    {
        try await withHub { hub in
            try await hub.client.push(
                try FilterSketch(schema: Self.schema, readme: "# Hi"), to: "acme/form", tag: "v1")
            let page = try await hub.client.get("/r/acme/form:v1").text
            for text in [
                "name=\"c/header\"", "<option value=\"0\" selected>add</option>", "name=\"c/limits/count\"",
                "name=\"c/names/2\"", "type=\"password\"", "name=\"c/a~1b~0c\"",
                "Which &lt;b&gt;header&lt;/b&gt;",
            ] { #expect(page.contains(text), "\(text)") }
            #expect(!page.contains("This is not what the filter takes"))
            let form = [
                "Content-Type": "application/x-www-form-urlencoded"
            ]
            let right = try await hub.client.send(
                "POST", "/r/acme/form:v1", form,
                body: encoded([("c/header", "x-mine"), ("c/limits/count", "7"), ("c/names/0", "a'b")]))
            #expect(right.status == 200)
            #expect(right.text.contains("The filter takes this configuration."))
            #expect(right.text.contains("value=\"x-mine\""))
            #expect(right.text.contains("header: x-mine"))
            #expect(right.text.contains("a&#39;\\&#39;&#39;b"), "the shell's quotes")
            let wrong = try await hub.client.send(
                "POST", "/r/acme/form:v1", form, body: encoded([("c/header", "\"><script>alert(1)</script>")])
            )
            #expect(wrong.status == 200)
            #expect(wrong.text.contains("This is not what the filter takes"))
            #expect(!wrong.text.contains("<script>"))
            #expect(wrong.text.contains("aria-invalid=\"true\""))
        }
    }

    @Test func `the page's script gets the same as JSON`() async throws {
        try await withHub { hub in
            try await hub.client.push(
                try FilterSketch(schema: Self.schema, readme: "# Hi"), to: "acme/form", tag: "v1")
            _ = try await hub.client.get("/r/acme/form:v1")
            let reply = try await hub.client.send(
                "POST", "/r/acme/form:v1",
                ["Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"],
                body: encoded([("c/header", "x-mine"), ("c/limits/count", "no")]))
            #expect(reply["Content-Type"] == "application/json")
            struct Answer: Decodable {
                struct Problem: Decodable { let input: String }
                let isRight: Bool
                let problems: [Problem]
                let snippets: [String: String]
            }
            let answer = try JSONDecoder().decode(Answer.self, from: Data(reply.body))
            #expect(!answer.isRight)
            #expect(answer.problems.map(\.input) == ["c/limits/count"])
            #expect(answer.snippets["istio"]?.contains("header: x-mine") == true)
            // A form that is too large, or is none, is the client's error.
            let large = try await hub.client.send(
                "POST", "/r/acme/form:v1", body: Array(repeating: 0x61, count: 100_000))
            #expect((400..<500).contains(large.status))
            let broken = try await hub.client.send("POST", "/r/acme/form:v1", body: Array("c=%ff%".utf8))
            #expect((400..<500).contains(broken.status))
            #expect(try await hub.client.send("POST", "/r/acme/none", body: []).status == 404)
        }
    }

    @Test func `lists inside lists cost what is filled in, not what could be`() throws {
        let deep =
            #"{"type":"array","items":{"type":"array","items":{"type":"array","items":{"type":"string"}}}}"#
        let members = (0..<150).map { "\"m\($0)\":\(deep)" }.joined(separator: ",")
        let form = try form(#"{"type":"object","properties":{\#(members)}}"#)
        let clock = ContinuousClock()
        var outcome: ConfigurationForm.Outcome?
        let time = clock.measure { outcome = form.outcome(of: ["c/m7/0/11/3": "x", "c/m7/2/0/0": ""]) }
        // Without care these are 259,200 places, each looked for by a name of its own.
        #expect(time < .seconds(2), "\(time)")
        #expect(outcome?.configuration.text == #"{"m7":[[["x"]]]}"#)
    }

    @Test func `a form that is too large for its page is one text, which is checked all the same`() throws {
        let form = try form(#"{"type":"object","properties":{"a":{"type":"integer"}}}"#)
        #expect(form.outcome(of: ["c": #"{"a":1}"#]).problems.isEmpty)
        #expect(form.outcome(of: ["c": #"{"a":1}"#]).configuration.text == #"{"a":1}"#)
        #expect(form.outcome(of: ["c": #"{"a":"x"}"#]).problems.map(\.input) == ["c/a"])
        #expect(form.outcome(of: ["c": "{"]).problems.map(\.input) == ["c"])
    }

    @Test func `what cannot be checked is not said to be right`() throws {
        let form = try form(
            #"{"type":"object","properties":{"a":{"type":"string","pattern":"^(a|a|aa)+$"}}}"#)
        let outcome = form.outcome(of: ["c/a": String(repeating: "a", count: 20_000) + "b"])
        #expect(!outcome.problems.isEmpty)
    }
}
