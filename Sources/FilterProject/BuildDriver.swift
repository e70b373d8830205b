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

    /// Where the tools of a project are looked for and run.
    package func surroundings(of project: FilterProject) -> ToolSurroundings {
        ToolSurroundings(environment: environment, variables: environment, folder: project.root)
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

extension BuildPlan {
    /// Runs the commands.
    /// - Returns: where the module is.
    func run(_ project: FilterProject, _ context: BuildContext) async throws -> FilePath {
        let surroundings = context.surroundings(of: project)
        let with = tools.isEmpty ? "" : " with \(tools.map(\.title).joined(separator: ", "))"
        context.progress("building \(product)\(with)")
        for step in steps {
            let ending = try await ToolProcess.run(
                step.program, step.arguments,
                environment: surroundings.environment.merging(step.environment) { $1 },
                in: step.folder ?? project.root, output: context.output)
            guard ending.succeeded else {
                throw ProjectError(
                    .buildFailed, "the build of \"\(product)\" failed: \(step.name) ended with \(ending)",
                    hint: "its own output above says why")
            }
        }
        if Files.kind(module) == .file {
            return isConfined ? try project.confined(module) : module
        }
        if let other = try await elsewhere?(), Files.kind(other) == .file { return other }
        throw ProjectError(
            .buildFailed, "the build of \"\(product)\" ended well and left no module \"\(module)\"",
            hint: missingModuleHint)
    }
}
