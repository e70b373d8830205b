// SPDX-License-Identifier: Apache-2.0

private import Files
package import SystemPackage
package import WasmeTemplates

/// Knows how the modules of one language are built.
package protocol BuildDriver: Sendable {
    /// Finds the tools and says what to run; asks programs what has a short answer and builds nothing.
    /// - Parameters:
    ///   - project: the project to build.
    ///   - context: the surroundings; tools are looked for in `context.surroundings(of: project)`.
    /// - Returns: commands that can be run.
    /// - Throws: `ProjectError` that says what is missing.
    func plan(_ project: FilterProject, _ context: BuildContext) async throws -> BuildPlan
}

extension BuildDriver {
    /// Builds a project's module.
    /// - Returns: where the module is.
    package func build(_ project: FilterProject, _ context: BuildContext) async throws -> FilePath {
        try await plan(project, context).run(project, context)
    }
}

/// What a build takes from its surroundings.
package struct BuildContext: Sendable {
    /// The whole environment; what the toolchain gets of it follows from the language and the manifest.
    package var environment: [String: String]
    /// Where the toolsets are.
    package var catalog: TemplateCatalog
    /// What the module is for.
    package var configuration: BuildConfiguration
    /// Whether what is remembered of the last build is used.
    package var usesMemory = true
    /// Whether the toolchain's output is shown as it comes; else it is shown only after a failure.
    package var showsOutput = true
    /// Where the toolchain's own output goes as it comes.
    package var output: FileDescriptor
    /// Told what is going on, one line each.
    package var progress: @Sendable (String) -> Void

    package init(
        environment: [String: String], catalog: TemplateCatalog,
        configuration: BuildConfiguration = .release, output: FileDescriptor = .standardError,
        progress: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.environment = environment
        self.catalog = catalog
        self.configuration = configuration
        self.output = output
        self.progress = progress
    }

    /// What of the environment a project's build gets.
    func buildEnvironment(of project: FilterProject) -> BuildEnvironment {
        BuildEnvironment(
            environment, language: Language.named(project.manifest.language),
            declared: project.manifest.build.environment)
    }

    /// Where the tools of a project are looked for and run.
    package func surroundings(of project: FilterProject) -> ToolSurroundings {
        ToolSurroundings(
            environment: buildEnvironment(of: project).variables, variables: environment, folder: project.root
        )
    }
}

extension FilterProject {
    /// The driver that the manifest asks for.
    package func buildDriver() throws -> any BuildDriver {
        if !manifest.build.command.isEmpty { return CommandBuildDriver() }
        guard let driver = Language.named(manifest.language)?.driver else {
            throw ProjectError(
                .noToolchain, "there is no build driver for the language \"\(manifest.language)\"",
                hint: "say how to build in wasme.yaml: build: {command: [make], output: filter.wasm}")
        }
        return driver
    }
}
