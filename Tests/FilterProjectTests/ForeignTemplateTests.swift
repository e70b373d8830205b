// SPDX-License-Identifier: Apache-2.0

import Files
import FilterImage
import FilterProject
import Foundation
import HostProfiles
import SystemPackage
import TestSupport
import Testing
import WasmeTemplates

/// Templates that somebody else wrote, well or ill.
@Suite struct ForeignTemplateTests {
    private let catalog: TemplateCatalog
    private let scratch: ScratchDirectory

    init() throws {
        catalog = try TemplateCatalog.locate(environment: [:])
        scratch = try ScratchDirectory("template")
        try scratch.write(
            "t/template.json",
            """
            {"language": "moonbit", "kind": "http-headers", "summary": "A filter of the house",
             "parameters": {"header": {"pattern": "x-[a-z]+", "default": "x-a"}, "team": {},
                            "log": {"choices": ["true", "false"], "default": "false"}}}
            """)
        try scratch.write(
            "t/wasme.yaml.mustache",
            """
            name: {{{name}}}  # the house's
            language: moonbit
            module: {rootIds: [{{{rootId}}}]}
            build: {command: [make], output: out.wasm}
            targets:
            - envoy

            """)
        try scratch.write("t/src/{{rootId}}.mbt.mustache", "{{{header}}} {{{team}}}{{#log}} loud{{/log}}")
        try scratch.write("t/ci.yml", "run: ${{ untouched }}")
        try scratch.write("t/.git/hooks/post-checkout", "never")
        try scratch.write("t/dot.gitignore", "out.wasm")
    }

    private func content() throws -> TemplateContent { try TemplateContent(folder: scratch.appending("t")) }

    private func scaffold(
        _ parameters: [String: String] = ["team": "blue"], change: (inout Scaffold.Choices) -> Void = { _ in }
    ) throws -> Scaffold {
        let template = try ProjectTemplate.find(among: try ProjectTemplate.all(in: try content()))
        var choices = Scaffold.Choices()
        choices.parameters = parameters
        change(&choices)
        return try Scaffold(template, in: catalog, name: try FilterName("my-filter"), choices: choices)
    }

    private func text(_ path: String, of scaffold: Scaffold) -> String {
        scaffold.files.first { $0.path == path }.map { String(decoding: $0.bytes, as: UTF8.self) } ?? ""
    }

    // MARK: Good ones

    @Test func `a template's parameters are filled in, and the rest is copied as it is`() throws {
        let scaffold = try scaffold(["team": "blue", "log": "true"])
        #expect(
            scaffold.files.map(\.path) == [".gitignore", "ci.yml", "src/my_filter.mbt", "wasme.yaml"])
        #expect(text("src/my_filter.mbt", of: scaffold) == "x-a blue loud")
        #expect(text("ci.yml", of: scaffold) == "run: ${{ untouched }}")
        #expect(text("src/my_filter.mbt", of: try self.scaffold()) == "x-a blue")
    }

    @Test func `what was asked for stands in the manifest, and the rest of it as its author wrote it`() throws
    {
        let scaffold = try scaffold { choices in
            choices.licence = "MIT OR Apache-2.0"
            choices.targets = (try? [.init("envoy>=1.35"), .init("istio>=1.22,<1.28")]) ?? []
        }
        #expect(
            text("wasme.yaml", of: scaffold) == """
                name: my-filter  # the house's
                language: moonbit
                module: {rootIds: [my_filter]}
                build: {command: [make], output: out.wasm}
                targets: [envoy>=1.35, "istio>=1.22,<1.28"]
                licence: MIT OR Apache-2.0

                """)
    }

    @Test func `several templates lie in folders of one`() throws {
        try scratch.write("many/README.md", "hello")
        for (language, kind) in [("c", "a"), ("c", "http-headers"), ("zig", "b")] {
            try scratch.write(
                "many/\(language)/\(kind)/template.json",
                #"{"language": "\#(language)", "kind": "\#(kind)", "summary": "s"}"#)
            try scratch.write(
                "many/\(language)/\(kind)/wasme.yaml.mustache",
                "name: {{{name}}}\nlanguage: \(language)\nmodule: {rootIds: [r]}\n")
        }
        let templates = try ProjectTemplate.all(in: try TemplateContent(folder: scratch.appending("many")))
        #expect(templates.count == 3)
        let error = #expect(throws: ProjectError.self) { try ProjectTemplate.find(among: templates) }
        #expect(error?.hint?.contains("c, zig") == true)
        let usual = try ProjectTemplate.find(language: "c", among: templates)
        #expect(usual.kind == "http-headers")
        let written = try Scaffold(usual, in: catalog, name: try FilterName("a"))
        #expect(written.files.map(\.path) == ["wasme.yaml"])
    }

    // MARK: Values

    @Test(
        arguments: [
            ([:], "needs a value for \"team\""), (["team": "a\nb"], "is not one line"),
            (["team": "a", "header": "X"], "does not match"), (["team": "a", "log": "maybe"], "is none of"),
            (["team": "a", "temas": "b"], "no parameter"),
        ] as [([String: String], String)])
    func `values that the template does not take are refused`(values: [String: String], reason: String) throws
    {
        let error = #expect(throws: ProjectError.self) { try scaffold(values) }
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
        #expect(error?.code == .malformed)
    }

    @Test func `a licence that is none is refused`() throws {
        for licence in ["", "MIT\nevil: true", "&&", "a{b}"] {
            #expect(throws: ProjectError.self) { try scaffold { $0.licence = licence } }
        }
    }

    // MARK: Bad ones

    @Test(
        arguments: [
            ("src/a.mustache", "{{{nobody}}}", "names no value"), ("a.mustache", "{{#log}}x", "does not end"),
            ("a.mustache", "{{/log}}", "ends where it did not begin"),
            ("a.mustache", "{{{name", "is not closed"),
            ("a.mustache", "{{> /etc/passwd}}", "names no value"),
            ("a.mustache", "{{=<% %>=}}", "names no value"),
            ("a.mustache", String(repeating: "{{#log}}", count: 20_000), "sections are in each other"),
            ("{{nobody}}.c", "", "names no value"), ("MY_FILTER.c", "", nil),
            ("src/MY_FILTER.mbt", "", "cannot be in one folder"), ("src/{{rootId}}.mbt", "", "become"),
            ("{{name}}/dot.git/config", "", "belongs to git"), ("dot.Git/config", "", "belongs to git"),
            ("SRC/x", "", "cannot be in one folder"), ("ci.yml.mustache", "{{{name}}}", "become"),
            (".g\u{200C}it/x", "", "belongs to git"), ("a\u{202E}c.x", "", "control character"),
            ("a.mustache", String(repeating: " ", count: 300 << 10), "larger than 256 KiB"),
            ("a:b", "", "colon"), ("trailing./x", "", "ends with a dot"),
        ] as [(String, String, String?)])
    func `a file that is not what it should be is refused`(
        path: String, text: String, reason: String?
    ) throws {
        try scratch.write("t/\(path)", text)
        do {
            _ = try scaffold()
            #expect(reason == nil)
        } catch {
            #expect("\(error)".contains(reason ?? "no reason"), "\(error)")
        }
    }

    @Test func `values do not make more of a template than it may be`() throws {
        // What is copied as it is, and half as much that becomes more.
        try Files.replace(scratch.path.pushing("t/plain"), with: Array(repeating: 0, count: 15 << 20))
        let text = String(repeating: "{{{team}}}", count: 5000)
        for number in 0..<4 { try scratch.write("t/many/\(number).mustache", text) }
        let error = #expect(throws: ProjectError.self) {
            try scaffold(["team": String(repeating: "x", count: 900)])
        }
        #expect(error?.message.contains("become more than 32 MiB") == true, "\(error?.message ?? "")")
    }

    @Test func `a value cannot lead a path out of the project`() throws {
        try scratch.write("t/{{team}}/x", "")
        for team in ["..", "../..", "/etc", "a/../../b", ".git", "a//b", "", "a\\b"] {
            #expect(throws: (any Error).self, "\(team)") { try scaffold(["team": team]) }
        }
        #expect(try scaffold(["team": "a/b"]).files.contains { $0.path == "a/b/x" })
    }

    @Test(arguments: [
        (
            "name: other\nlanguage: moonbit\nmodule: {rootIds: [r]}\nbuild: {command: [make], output: o}\n",
            "name: other"
        ),
        ("name: {{{name}}}\nlanguage: rust\nmodule: {rootIds: [r]}\n", "language: rust"),
        ("name: {{{name}}}\nlanguage: moonbit\nmodule: {rootIds: [r]}\n", "cannot be read"),
    ])
    func `a template whose manifest lies is refused`(yaml: String, reason: String) throws {
        try scratch.write("t/wasme.yaml.mustache", yaml)
        let error = #expect(throws: ProjectError.self) { try scaffold() }
        #expect(error?.code == .damagedTemplate)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }

    @Test func `links, pipes and too much are refused`() throws {
        func reason() -> String { #expect(throws: FilterImageError.self) { try content() }?.message ?? "" }
        let link = scratch.appending("t/link")
        try #require(symlink("/etc/passwd", link.string) == 0)
        #expect(reason().contains("symbolic link"))
        try Files.remove(link)
        try #require(mkfifo(link.string, 0o600) == 0)
        #expect(reason().contains("pipe"))
        try Files.remove(link)
        for number in 0..<TemplateContent.maximumFiles {
            try scratch.write("t/many/\(number)", "")
        }
        #expect(reason().contains("more than"))
    }

    @Test func `what a template takes from wasme has to be there`() throws {
        try scratch.write(
            "t/template.json",
            #"{"language": "moonbit", "kind": "k", "summary": "s", "packages": {"p": "swift/Nowhere"}}"#)
        let error = #expect(throws: ProjectError.self) { try scaffold([:]) }
        #expect(error?.message.contains("swift/Nowhere") == true)
    }

    @Test func `a folder of the project that is a link out of it is not followed`() throws {
        let folder = scratch.appending("project")
        try scratch.write("outside/keep", "")
        try Files.createDirectory(folder)
        try #require(symlink("../outside", folder.appending("src").string) == 0)
        let error = #expect(throws: ProjectError.self) { try scaffold().write(to: folder, force: true) }
        #expect(error?.message.contains("a link out of the folder") == true)
        #expect(try Files.contents(scratch.appending("outside")) == ["keep"])
        #expect(try Files.contents(folder) == ["src"])
    }
}
