// SPDX-License-Identifier: Apache-2.0

import Files
import FilterImage
import FilterProject
import Foundation
import Scenarios
import SystemPackage
import TestSupport
import Testing
import WasmBinary
import WasmeTemplates

/// What `wasme init` writes builds at once, and does the same in every language: what `kinds/<kind>/tests.yaml` says.
@Suite(.serialized) struct TemplateTests {
    @Test(.requires(.envoy), arguments: TemplateRow.all)
    func `builds, and does in Envoy what its kind says`(row: TemplateRow) async throws {
        try row.language.requireTools()
        let scratch = try ScratchDirectory("template")
        let folder = try row.scaffold(in: scratch)
        let filter = try await build(folder, row.language, scratch)
        let file = folder.appending("tests.yaml")
        let scenarios = try ScenarioFile(
            parsing: String(contentsOfFile: file.string, encoding: .utf8), file: row.testDescription)
        try await play(scenarios, of: filter)
        let size = filter.module.bytes.count
        print("\(row.testDescription): \(scenarios.scenarios.count) tests in Envoy, \(size) bytes")
        if row.template.kind == "http-headers" { #expect(size <= row.language.largest) }
        let foreign = filter.module.imports.filter { $0.module != "env" }.map(\.name)
        #expect(row.language.usesWASI || foreign.isEmpty, "\(foreign)")
    }

    @Test(arguments: TemplateRow.all)
    func `has unit tests that pass by the language's own command`(row: TemplateRow) async throws {
        try row.language.requireTools()
        let scratch = try ScratchDirectory("template")
        let folder = try row.scaffold(in: scratch)
        let outcome = try await run(row.language.unitTests, in: folder, row.language)
        #expect(outcome.status == 0, "\(outcome.stdout)\(outcome.stderr)")
    }

    @Test(arguments: TemplateRow.all.filter { $0.language.plainBuild != nil })
    func `builds by the language's own command too`(row: TemplateRow) async throws {
        try row.language.requireTools()
        let (command, module) = try #require(row.language.plainBuild)
        let scratch = try ScratchDirectory("template")
        let folder = try row.scaffold(in: scratch)
        let outcome = try await run(command, in: folder, row.language)
        #expect(outcome.status == 0, "\(outcome.stdout)\(outcome.stderr)")
        let bytes = try Files.read(folder.pushing(FilePath(module)), limit: 1 << 24)
        #expect(try WasmModule(bytes).proxyABIVersion == ProxyABIVersion.v0_2_1)
    }

    @Test(
        arguments: TemplateRow.all.filter {
            $0.template.kind == "http-headers" && $0.language.name != "swift"
        })
    func `keeps names for debugging when asked to`(row: TemplateRow) async throws {
        try row.language.requireTools()
        let scratch = try ScratchDirectory("template")
        let folder = try row.scaffold(in: scratch)
        let release = try await build(folder, row.language, scratch)
        let debug = try await build(folder, row.language, scratch, .debug)
        #expect(debug.module.bytes.count > release.module.bytes.count)
        #expect(!release.module.customSections.contains { $0.name == "name" })
        #expect(debug.module.customSections.contains { $0.name == "name" })
    }

    private func build(
        _ folder: FilePath, _ language: TemplateLanguage, _ scratch: ScratchDirectory,
        _ configuration: BuildConfiguration = .release
    ) async throws -> BuiltFilter {
        let log = scratch.appending("build.log")
        let output = try FileDescriptor.open(
            log, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
        defer { try? output.close() }
        let context = BuildContext(
            environment: language.environment, catalog: TemplateRow.catalog, configuration: configuration,
            output: output)
        do {
            return try await ProjectBuild(try FilterProject(root: folder)).run(context)
        } catch {
            Issue.record("\(try String(contentsOfFile: log.string, encoding: .utf8))")
            throw error
        }
    }

    private func run(
        _ command: [String], in folder: FilePath, _ language: TemplateLanguage
    ) async throws -> ProcessOutcome {
        // By name, looked for in the PATH that it is given.
        try await TestSupport.run(
            FilePath("/usr/bin/env"), command, environment: language.environment, in: folder)
    }
}
