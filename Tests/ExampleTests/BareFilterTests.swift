// SPDX-License-Identifier: Apache-2.0

import FilterProject
import Foundation
import Scenarios
import SystemPackage
import TestSupport
import Testing
import WasmeTemplates

/// Filters without an SDK, which `wasme build` makes of their sources with compilers that are at hand everywhere: what
/// it makes is loaded by a real Envoy.
@Suite(.serialized) struct BareFilterTests {
    private static let scenarios = """
        tests:
        - name: lets everything pass
          request: {method: POST, path: /, body: hello}
          upstream: {status: 404, body: nothing here}
          expect: {status: 404, response: {body: nothing here}, upstream: {count: 1, body: hello}}
        """

    private func expectToRun(_ fixture: String, _ variables: [String: String]) async throws {
        let scratch = try ScratchDirectory("bare")
        let folder = scratch.appending(fixture)
        try FileManager.default.copyItem(
            atPath: repositoryRoot.appending("Tests").appending("Fixtures").appending(fixture).string,
            toPath: folder.string)
        let log = try FileDescriptor.open(
            scratch.appending("build.log"), .writeOnly, options: [.create], permissions: .ownerReadWrite)
        defer { try? log.close() }
        let context = BuildContext(
            environment: ProcessInfo.processInfo.environment.merging(variables) { $1 },
            catalog: TemplateCatalog(root: repositoryRoot.appending("sdk-templates").string), output: log)
        let filter = try await ProjectBuild(try FilterProject(root: folder)).run(context)
        try await play(try ScenarioFile(parsing: Self.scenarios, file: fixture), of: filter)
    }

    @Test(.requires(.cargo), .requires(.envoy)) func `Envoy runs what cargo made`() async throws {
        try await expectToRun("RustFilter", [:])
    }

    @Test(.requires(.go), .requires(.envoy)) func `Envoy runs what go made`() async throws {
        let cache = try ScratchDirectory("go-cache")
        try await expectToRun(
            "GoFilter",
            [
                "WASME_GO": try #require(Tool.go.path).string, "GOTOOLCHAIN": "local",
                "GOCACHE": cache.path.string,
            ])
    }
}
