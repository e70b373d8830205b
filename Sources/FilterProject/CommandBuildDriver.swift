// SPDX-License-Identifier: Apache-2.0

private import SystemPackage

/// Builds by the manifest's own `build.command`, for every language that has no driver.
package struct CommandBuildDriver: BuildDriver {
    package init() {}

    package func plan(_ project: FilterProject, _ context: BuildContext) async throws -> BuildPlan {
        let build = project.manifest.build
        guard let name = build.command.first, let output = build.output else {
            throw ProjectError(.malformed, "\"\(project.root)\" has no build command")
        }
        guard let program = context.surroundings(of: project).program(name) else {
            throw ProjectError(
                .noToolchain, "the build command \(quoted(name)) is not there or cannot be run",
                hint: name.contains("/")
                    ? "build.command is relative to the project's folder; check the file and its permissions"
                    : "install it, or add its folder to PATH")
        }
        let line = build.command.joined(separator: " ")
        var plan = BuildPlan(
            product: project.manifest.name.description, tools: [],
            steps: [BuildStep(quoted(line), program, Array(build.command.dropFirst()))],
            module: project.root.pushing(FilePath(output)),
            missingModuleHint: "build.output in wasme.yaml names the module that the command makes")
        plan.isConfined = true
        // A command may read anything; only who wrote it can say what.
        if build.inputs.isEmpty { plan.outside = nil }
        return plan
    }
}
