// SPDX-License-Identifier: Apache-2.0

import FilterProject
import TestSupport
import Testing
import WasmeTemplates

/// What each template writes, held against what was looked at.
@Suite struct ScaffoldGoldenTests {
    private static let templates =
        (try? ProjectTemplate.all(in: TemplateCatalog.locate(environment: [:]))) ?? []

    private func scaffold(_ template: ProjectTemplate) throws -> Scaffold {
        try Scaffold(
            template, in: try TemplateCatalog.locate(environment: [:]), name: try FilterName("my-filter"))
    }

    /// Those of the other languages have their goldens beside their drivers' tests.
    private static let native = templates.filter {
        ["c", "cpp", "precompiled", "swift", "zig"].contains($0.language)
    }

    @Test(arguments: native) func `writes these files`(template: ProjectTemplate) throws {
        // Those of the Swift SDK have tests of their own.
        let paths = try scaffold(template).files.map(\.path).filter { !$0.hasPrefix("Packages/ProxyWasm/") }
        try expectGolden(
            paths.joined(separator: "\n") + "\n", "templates/\(template.language)-\(template.kind).files")
    }

    /// The files that say the same in every kind, once for each language.
    @Test(arguments: native.filter { ["http-headers", "module"].contains($0.kind) })
    func `writes these texts`(template: ProjectTemplate) throws {
        let names = ["Makefile", "Package.swift", "README.md", "build.zig", "wasme.yaml"]
        let files = try scaffold(template).files.filter {
            names.contains($0.path) || $0.path.hasPrefix(".") && !$0.path.contains("Packages/")
        }
        let texts = files.map { "==> \($0.path)\n\(String(decoding: $0.bytes, as: UTF8.self))" }
        try expectGolden(texts.joined(separator: "\n"), "templates/\(template.language).txt")
    }

    @Test func `starts with headers if nobody says what kind`() throws {
        let catalog = try TemplateCatalog.locate(environment: [:])
        // A module that was built elsewhere may be of any kind.
        for language in Set(Self.templates.map(\.language)).subtracting(["precompiled"]) {
            #expect(try ProjectTemplate.find(language: language, in: catalog).kind == "http-headers")
        }
    }

    @Test func `has every kind in every language that has one of its own`() throws {
        let kinds = ["http-body", "http-call", "http-headers", "network"]
        for language in ["c", "cpp", "swift", "zig"] {
            #expect(
                Self.templates.filter { $0.language == language }.map(\.kind).sorted() == kinds, "\(language)"
            )
        }
    }
}
