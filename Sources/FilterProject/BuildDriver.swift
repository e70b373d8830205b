// SPDX-License-Identifier: Apache-2.0

package import SystemPackage
package import WasmeTemplates

/// Builds the modules of one language.
package protocol BuildDriver: Sendable {
    /// Builds a project's module.
    /// - Returns: where the module is.
    func build(_ project: FilterProject, _ context: BuildContext) async throws -> FilePath
}

/// What a build takes from its surroundings.
package struct BuildContext: Sendable {
    /// Passed on to the toolchain as it is.
    package var environment: [String: String]
    /// Where the toolsets are.
    package var catalog: TemplateCatalog
    /// Where the toolchain's own output goes as it comes.
    package var output: FileDescriptor
    /// Told what is going on, one line each.
    package var progress: @Sendable (String) -> Void

    package init(
        environment: [String: String], catalog: TemplateCatalog, output: FileDescriptor = .standardError,
        progress: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.environment = environment
        self.catalog = catalog
        self.output = output
        self.progress = progress
    }
}

extension FilterProject {
    /// The driver that the manifest asks for.
    package func buildDriver() throws -> any BuildDriver {
        if !manifest.build.command.isEmpty { return CommandBuildDriver() }
        guard manifest.language == "swift" else {
            throw ProjectError(
                .noToolchain, "there is no build driver for the language \"\(manifest.language)\"",
                hint: "say how to build in wasme.yaml: build: {command: [make], output: filter.wasm}")
        }
        return SwiftBuildDriver()
    }
}
