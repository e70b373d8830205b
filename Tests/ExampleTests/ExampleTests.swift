// SPDX-License-Identifier: Apache-2.0

import Files
import FilterImage
import FilterProject
import Foundation
import JSON
import Scenarios
import SystemPackage
import TestSupport
import Testing
import WasmBinary
import WasmeTemplates

/// The folders below `Examples/`, found by looking, so that a new one cannot be forgotten.
enum Examples {
    static let root = repositoryRoot.appending("Examples")

    static let names = ((try? Files.contents(root)) ?? []).filter {
        Files.kind(root.appending($0)) == .directory
    }

    /// What `wasme build` does: the module and all that goes into the image.
    static func build(_ name: String) async throws -> BuiltFilter {
        let scratch = try ScratchDirectory("example")
        let output = try FileDescriptor.open(
            scratch.appending("build.log"), .writeOnly, options: [.create], permissions: .ownerReadWrite)
        defer { try? output.close() }
        let context = BuildContext(
            environment: ProcessInfo.processInfo.environment,
            catalog: TemplateCatalog(root: repositoryRoot.appending("sdk-templates").string), output: output)
        do {
            return try await ProjectBuild(try FilterProject(root: root.appending(name))).run(context)
        } catch {
            let log = try String(contentsOfFile: scratch.appending("build.log").string, encoding: .utf8)
            Issue.record("\(name): \(log)")
            throw error
        }
    }

    static func scenarios(_ name: String) throws -> ScenarioFile {
        let file = root.appending(name).appending("tests.yaml")
        return try ScenarioFile(
            parsing: String(contentsOfFile: file.string, encoding: .utf8), file: "\(name)/tests.yaml")
    }
}

/// Each example is built as its reader would build it, and does in a real Envoy what its `tests.yaml` says.
@Suite(.serialized) struct ExampleTests {
    @Test(.requires(.swift), .requires(.envoy), arguments: Examples.names)
    func `does what its tests say`(name: String) async throws {
        let filter = try await Examples.build(name)
        let scenarios = try Examples.scenarios(name)
        let start = ContinuousClock.now
        try await play(scenarios, of: filter)
        print("\(name): \(scenarios.scenarios.count) tests in Envoy, \(ContinuousClock.now - start)")
        try SizeTable.check(name, filter.module.bytes.count)
        try await validateConfigurations(name)
    }

    /// Has Envoy load the configurations that come with some examples, from where their READMEs do.
    private func validateConfigurations(_ name: String) async throws {
        let folder = Examples.root.appending(name)
        for file in ["envoy.yaml", "service.yaml"] where Files.kind(folder.appending(file)) == .file {
            let outcome = try await run(
                try #require(Tool.envoy.path),
                ["--mode", "validate", "--disable-hot-restart", "-l", "error", "-c", file], in: folder)
            #expect(outcome.status == 0, "\(name)/\(file): \(outcome.stderr)")
        }
    }

    @Test(arguments: Examples.names) func `tests only configurations that its schema allows`(
        name: String
    ) throws {
        let project = try FilterProject(root: Examples.root.appending(name))
        let path = Examples.root.appending(name).appending(try #require(project.manifest.config.schema))
        let schema = try ConfigSchema(bytes: try Files.read(path, limit: 1 << 20))
        for scenario in try Examples.scenarios(name).scenarios {
            guard case .steps = scenario.outcome else { continue }
            let violations = try schema.validate(scenario.setup.configurationValue ?? .object([:]))
            #expect(violations.isEmpty, "\"\(scenario.name)\", line \(scenario.line)")
        }
    }

    @Test func `are all in the table`() throws {
        #expect(try SizeTable.rows().map(\.name) == Examples.names.sorted())
    }
}
