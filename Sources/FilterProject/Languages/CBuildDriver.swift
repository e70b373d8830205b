// SPDX-License-Identifier: Apache-2.0

private import Files
private import SystemPackage

/// Builds C by the project's Makefile, if it is one of ours or made like it, else by clang itself.
package struct CBuildDriver: BuildDriver {
    package init() {}

    package func plan(_ project: FilterProject, _ context: BuildContext) async throws -> BuildPlan {
        let surroundings = context.surroundings(of: project)
        let clang = try await LanguageTool.clang.find(in: surroundings)
        if try MakeBuild.isUsable(in: project, by: "WASM_CC") {
            return try await MakeBuild.plan(
                project, context, variables: ["WASM_CC=\(clang.path)"], tools: [clang])
        }
        let sources = try Self.sources(of: project)
        guard !sources.isEmpty else {
            throw ProjectError(
                .malformed, "the project \"\(project.root)\" has no C files, and its language is c",
                hint: "they are looked for in its folder and in src; build.command builds anything else")
        }
        let name = project.manifest.name.description
        // Not in a folder of its own, which nobody has made.
        let module = project.root.appending("\(name).wasm")
        let isRelease = context.configuration == .release
        // Clang runs any wasm-opt that it finds, and then the module depends on the machine.
        let hasOption = clang.version.map { $0 >= ToolVersion(20, 0) } ?? false
        let options =
            (hasOption ? ["--no-wasm-opt"] : []) + [
                "--target=wasm32-unknown-unknown", "-std=c11", "-ffreestanding", "-nostdlib", "-mbulk-memory",
            ]
            + (isRelease ? ["-Oz", "-flto", "-Wl,--strip-all"] : ["-O1", "-g"])
            + ["-fvisibility=hidden", "-Wl,--no-entry", "-Wl,--gc-sections", "-Wl,--stack-first"]
            + ["include", "proxy-wasm"].filter { Files.kind(project.root.appending($0)) == .directory }
            .map { "-I\($0)" }
        return BuildPlan(
            product: name, tools: [clang],
            steps: [BuildStep("clang", clang.path, options + sources + ["-o", module.string])],
            module: module)
    }

    /// The files that are compiled, relative to the project.
    private static func sources(of project: FilterProject) throws -> [String] {
        try ["", "src", "proxy-wasm"].flatMap { folder in
            let path = project.root.pushing(FilePath(folder))
            guard Files.kind(path) == .directory else { return [String]() }
            return try Files.contents(path).filter { $0.hasSuffix(".c") }.sorted()
                .map { folder.isEmpty ? $0 : "\(folder)/\($0)" }
        }
    }
}

/// Builds by a Makefile that takes the compiler as a variable and leaves the module in `build`.
enum MakeBuild {
    /// Whether a project has such a Makefile: one that reads a certain variable.
    static func isUsable(in project: FilterProject, by variable: String) throws -> Bool {
        let file = project.root.appending("Makefile")
        guard Files.kind(file) == .file else { return false }
        return String(decoding: try Files.read(file, limit: 1 << 20), as: UTF8.self).contains(variable)
    }

    static func plan(
        _ project: FilterProject, _ context: BuildContext, variables: [String], tools: [FoundTool],
        environment: [String: String] = [:]
    ) async throws -> BuildPlan {
        let make = try await LanguageTool.make.find(in: context.surroundings(of: project))
        let name = project.manifest.name.description
        let isRelease = context.configuration == .release
        let place = isRelease ? "build/\(name).wasm" : "build/debug/\(name).wasm"
        return BuildPlan(
            product: name, tools: tools + [make],
            steps: [
                BuildStep(
                    "make", make.path, [place] + variables + (isRelease ? [] : ["DEBUG=1"]),
                    environment: environment)
            ],
            module: project.root.pushing(FilePath(place)))
    }
}
