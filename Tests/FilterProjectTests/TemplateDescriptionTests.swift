// SPDX-License-Identifier: Apache-2.0

import Files
import FilterImage
import FilterProject
import JSON
import SystemPackage
import TestSupport
import Testing
import WasmeTemplates

@Suite struct TemplateDescriptionTests {
    private static let head = #""language": "c", "kind": "k", "summary": "s""#

    private func published() throws -> ConfigSchema {
        try ConfigSchema(
            bytes: try Files.read(repositoryRoot.appending("Docs/reference/template.schema.json")))
    }

    @Test func `the published schema takes every template that comes with wasme`() throws {
        let catalog = try TemplateCatalog.locate(environment: [:])
        let templates = try ProjectTemplate.all(in: catalog)
        #expect(!templates.isEmpty)
        for template in templates {
            let bytes = try Files.read(.init("\(template.place)/template.json"))
            let violations = try published().validate(try JSONValue(parsing: bytes))
            #expect(violations.isEmpty, "\(template.place): \(violations)")
        }
    }

    @Test func `everything that a description may say is read, and the schema takes it`() throws {
        let json = """
            {"$schema": "x", \(Self.head), "shared": ["kinds/k"], "packages": {"Packages/X": "swift/X"}, "parameters": {
              "header": {"description": "The header", "pattern": "x-[a-z]+", "default": "x-a"},
              "mode": {"choices": ["fast", "safe"]}, "any": {}}}
            """
        #expect(try published().validate(json: json).isEmpty)
        let description = try TemplateDescription(parsing: Array(json.utf8), file: "f")
        #expect(description.parameters.map(\.name) == ["header", "mode", "any"])
        let header = description.parameters[0]
        #expect(header.fault(in: "x-b") == nil)
        // The whole of a value has to match.
        #expect(header.fault(in: "ax-b")?.contains("does not match") == true)
        #expect(header.fault(in: "x-b1") != nil)
        #expect(header.fault(in: "x-b\n") != nil)
        #expect(description.parameters[1].fault(in: "slow")?.contains("fast, safe") == true)
        #expect(description.parameters[2].fault(in: "any text, \"quotes\" too") == nil)
        #expect(description.parameters[2].fault(in: "two\nlines") != nil)
    }

    @Test(arguments: [
        ("[]", "no JSON object"), ("{", "line 1"),
        (#"{"language": "c", "kind": "k"}"#, "\"summary\""),
        (#"{"language": "C", "kind": "k", "summary": "s"}"#, "lower-case"),
        (#"{"language": "c", "kind": "../k", "summary": "s"}"#, "lower-case"),
        (#"{"language": "c", "kind": "k", "summary": "two\nlines"}"#, "no line of text"),
        ("{\(head), \"paramters\": {}}", "unknown key"),
        ("{\(head), \"parameters\": []}", "no object"),
        ("{\(head), \"shared\": {}}", "no list"),
        ("{\(head), \"shared\": [\"../x\"]}", "leads elsewhere"),
        ("{\(head), \"packages\": {\"/etc\": \"swift/X\"}}", "leads elsewhere"),
        ("{\(head), \"packages\": {\"a/.git/hooks\": \"swift/X\"}}", "leads elsewhere"),
        ("{\(head), \"packages\": {\"a\": \"swift/../../X\"}}", "leads elsewhere"),
        ("{\(head), \"parameters\": {\"name\": {}}}", "every template has that value"),
        ("{\(head), \"parameters\": {\"a-b\": {}}}", "ASCII letters"),
        ("{\(head), \"parameters\": {\"é\": {}}}", "ASCII letters"),
        ("{\(head), \"parameters\": {\"a\": {\"patern\": \"x\"}}}", "unknown key"),
        ("{\(head), \"parameters\": {\"a\": {\"choices\": [\"one\"]}}}", "2 to 50"),
        ("{\(head), \"parameters\": {\"a\": {\"choices\": [\"b\", \"b\"]}}}", "different texts"),
        ("{\(head), \"parameters\": {\"a\": {\"default\": 1}}}", "no line of text"),
    ])
    func `what is no description is refused by reader and schema`(json: String, reason: String) throws {
        let error = #expect(throws: ProjectError.self) {
            try TemplateDescription(parsing: Array(json.utf8), file: "t/template.json")
        }
        #expect(error?.code == .damagedTemplate)
        #expect(error?.message.contains("t/template.json") == true)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
        guard let value = try? JSONValue(parsing: json) else { return }
        #expect(try !published().validate(value).isEmpty, "the schema takes \(json)")
    }

    @Test(arguments: [
        // What no schema can say: values that break their own rules.
        #"{"a": {"pattern": "x", "default": "y"}}"#, #"{"a": {"choices": ["b", "c"], "default": "d"}}"#,
        #"{"a": {"pattern": "(", "default": "y"}}"#,
    ])
    func `a parameter that breaks its own rule is refused`(parameters: String) throws {
        #expect(throws: ProjectError.self) {
            try TemplateDescription(
                parsing: Array("{\(Self.head), \"parameters\": \(parameters)}".utf8), file: "f")
        }
    }
}
