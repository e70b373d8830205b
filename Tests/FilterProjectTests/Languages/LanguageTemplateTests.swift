// SPDX-License-Identifier: Apache-2.0

import FilterImage
import FilterProject
import Foundation
import HostProfiles
import TestSupport
import Testing
import WasmeTemplates

/// What `wasme init` writes for languages whose SDKs are fetched by their own package managers.
@Suite struct LanguageTemplateTests {
    static let kinds = ["http-headers", "http-body", "http-call", "network"]
    static let templates: [(language: String, kind: String)] =
        ["go", "rust", "tinygo"].flatMap { language in kinds.map { (language, $0) } }
        // Its SDK cannot close a connection.
        + kinds.dropLast().map { ("assemblyscript", $0) }

    private let catalog: TemplateCatalog

    init() throws {
        catalog = try TemplateCatalog.locate(environment: [:])
    }

    private func scaffold(_ language: String, _ kind: String) throws -> Scaffold {
        try Scaffold(
            ProjectTemplate.find(language: language, kind: kind, in: catalog), in: catalog,
            name: try FilterName("add-header"))
    }

    @Test func `are all here`() throws {
        let languages = Set(Self.templates.map(\.language))
        let found = try ProjectTemplate.all(in: catalog).filter { languages.contains($0.language) }
        #expect(
            Set(found.map { "\($0.language) \($0.kind)" })
                == Set(Self.templates.map { "\($0.language) \($0.kind)" }))
    }

    @Test(arguments: templates) func `a project's files are as recorded`(
        language: String, kind: String
    ) throws {
        var text = ""
        for file in try scaffold(language, kind).files {
            text += "=== \(file.path)\n"
            // What is the same in every language has one record.
            guard !["tests.yaml", "config.schema.json"].contains(file.path) else { continue }
            text += String(decoding: file.bytes, as: UTF8.self)
        }
        try expectGolden(text, "templates/\(language)-\(kind).txt")
    }

    @Test(arguments: templates) func `nothing of the template is left in a project`(
        language: String, kind: String
    ) throws {
        let files = try scaffold(language, kind).files
        for file in files {
            let text = String(decoding: file.bytes, as: UTF8.self)
            #expect(!text.contains("{{{"), "\(file.path)")
            #expect(!file.path.contains(".mustache") && !file.path.contains("dot."), "\(file.path)")
        }
        for expected in [
            ".gitignore", ".editorconfig", ".github/workflows/ci.yml", "README.md", "tests.yaml",
            "wasme.yaml",
            "config.schema.json",
        ] {
            #expect(files.contains { $0.path == expected }, "\(expected)")
        }
    }

    @Test(arguments: templates) func `the manifest fits its schema and its language`(
        language: String, kind: String
    ) throws {
        let scratch = try ScratchDirectory("template")
        try scaffold(language, kind).write(to: scratch.appending("p"))
        let project = try FilterProject(root: scratch.appending("p"))
        #expect(project.manifest.language == language)
        #expect(project.manifest.module.rootIDs == ["add_header"])
        #expect(project.manifest.module.type == (kind == "network" ? .network : .http))
        #expect(project.manifest.targets.contains { $0.host == "envoy" })
        let schema = try ConfigSchema(
            bytes: Array(Data(contentsOf: URL(filePath: "\(project.root)/config.schema.json"))))
        #expect(try schema.validate(try #require(project.manifest.config.example)).isEmpty)
        #expect(Language.named(language)?.driver != nil)
    }

    @Test(arguments: kinds) func `TinyGo takes the same sources as Go`(kind: String) throws {
        func sources(_ language: String) throws -> [String: [UInt8]] {
            let files = try scaffold(language, kind).files.filter {
                $0.path.hasSuffix(".go") || $0.path.hasPrefix("go.")
            }
            return Dictionary(uniqueKeysWithValues: files.map { ($0.path, $0.bytes) })
        }
        #expect(try sources("tinygo") == sources("go"))
    }
}
