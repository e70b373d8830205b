// SPDX-License-Identifier: Apache-2.0

import Files
import FilterProject
import Foundation
import SystemPackage
import TestSupport
import Testing

extension ScratchDirectory {
    /// A copy of a project below `Tests/Fixtures`, so that nothing is built among the sources.
    func fixture(_ name: String) throws -> FilterProject {
        let source = repositoryRoot.appending("Tests").appending("Fixtures").appending(name)
        let copy = appending(name)
        try FileManager.default.copyItem(atPath: source.string, toPath: copy.string)
        return try FilterProject(root: copy)
    }

    /// A project of some language with these files beside its manifest.
    func project(
        _ language: String, build: String = "", _ files: [String: String] = [:]
    ) throws
        -> FilterProject
    {
        let build = build.isEmpty ? "" : "build: \(build)\n"
        try write(
            "p/wasme.yaml", "name: my-filter\nlanguage: \(language)\nmodule: {rootIds: [r]}\n\(build)")
        for (name, text) in files { try write("p/\(name)", text) }
        return try FilterProject(root: appending("p"))
    }
}

extension FilterProject {
    /// Plans a build that cannot be planned.
    func planFailure(_ context: BuildContext) async throws -> ProjectError {
        let driver = try buildDriver()
        return try #require(
            await #expect(throws: ProjectError.self) { _ = try await driver.plan(self, context) })
    }
}

/// The names of the traps of a language that a text of its toolchain shows.
func traps(_ language: Language, in output: String) -> [String] {
    let lines = output.split(separator: "\n")
    return language.traps.filter { trap in lines.contains { trap.shows(inOutput: $0) } }.map(\.name)
}
