// SPDX-License-Identifier: Apache-2.0

private import Files
private import SystemPackage

/// Builds Zig by `zig build`.
package struct ZigBuildDriver: BuildDriver {
    package init() {}

    package func plan(_ project: FilterProject, _ context: BuildContext) async throws -> BuildPlan {
        let file = project.root.appending("build.zig")
        guard Files.kind(file) == .file else {
            throw ProjectError(
                .malformed, "the project \"\(project.root)\" has no build.zig, and its language is zig",
                hint: "run 'wasme init --language zig' in an empty folder to see what a project looks like")
        }
        let zig = try await LanguageTool.zig.find(in: context.surroundings(of: project))
        let script = String(decoding: try Files.read(file, limit: 1 << 20), as: UTF8.self)
        // The option of our templates, whose default is small; a project that has Zig's own is told so.
        let arguments =
            switch (context.configuration, script.contains("\"mode\"")) {
            case (.release, true): ["build"]
            case (.release, false): ["build", "--release=small"]
            case (.debug, true): ["build", "-Dmode=debug"]
            case (.debug, false): ["build"]
            }
        let name = project.manifest.name.description
        let output = project.root.pushing(FilePath("zig-out/bin"))
        var plan = BuildPlan(
            product: name, tools: [zig], steps: [BuildStep("zig build", zig.path, arguments)],
            module: output.appending("\(name).wasm"),
            missingModuleHint: "give the executable in build.zig the name \"\(name)\", that of wasme.yaml")
        plan.elsewhere = {
            guard Files.kind(output) == .directory else { return nil }
            let modules = try Files.contents(output).filter { $0.hasSuffix(".wasm") }
            return modules.count == 1 ? output.appending(modules[0]) : nil
        }
        return plan
    }
}
