// SPDX-License-Identifier: Apache-2.0

private import Files
package import SystemPackage

/// Builds by the manifest's own `build.command`, for every language that has no driver.
package struct CommandBuildDriver: BuildDriver {
    package init() {}

    package func build(_ project: FilterProject, _ context: BuildContext) async throws -> FilePath {
        let build = project.manifest.build
        guard let name = build.command.first, let output = build.output else {
            throw ProjectError(.malformed, "\"\(project.root)\" has no build command")
        }
        guard let program = ToolProcess.find(name, environment: context.environment, relativeTo: project.root)
        else {
            throw ProjectError(
                .noToolchain, "the build command \(quoted(name)) is not there or cannot be run",
                hint: name.contains("/")
                    ? "build.command is relative to the project's folder; check the file and its permissions"
                    : "install it, or add its folder to PATH")
        }
        let line = build.command.joined(separator: " ")
        context.progress("building with \(quoted(line))")
        let ending = try await ToolProcess.run(
            program, Array(build.command.dropFirst()), environment: context.environment, in: project.root,
            output: context.output)
        guard ending.succeeded else {
            throw ProjectError(
                .buildFailed, "the build command \(quoted(line)) failed: it ended with \(ending)",
                hint: "its own output above says why")
        }
        guard Files.kind(project.root.pushing(FilePath(output))) == .file else {
            throw ProjectError(
                .buildFailed,
                "the build command \(quoted(line)) ended well and left no file \(quoted(output))",
                hint: "build.output in wasme.yaml names the module that the command makes")
        }
        return try project.path(output)
    }
}
