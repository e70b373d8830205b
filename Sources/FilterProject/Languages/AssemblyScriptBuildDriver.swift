// SPDX-License-Identifier: Apache-2.0

private import Files
private import JSON
import SystemPackage

/// Builds a package of AssemblyScript as a module, by its own build script, which npm runs.
package struct AssemblyScriptBuildDriver: BuildDriver {
    package init() {}

    package func plan(_ project: FilterProject, _ context: BuildContext) async throws -> BuildPlan {
        let package = try object(of: "package.json", in: project)
        guard let package else {
            throw ProjectError(
                .malformed,
                "the project \"\(project.root)\" has no package.json, and its language is assemblyscript",
                hint:
                    "run 'wasme init --language assemblyscript' in an empty folder to see what a project looks like"
            )
        }
        let surroundings = context.surroundings(of: project)
        let node = try await LanguageTool.node.find(in: surroundings)
        let npm = try await LanguageTool.npm.find(in: surroundings)
        let target = context.configuration.rawValue
        let scripts = package["scripts"]?.object
        // One target alone, if there is a script for it: "asbuild" usually builds all.
        let script = scripts?["asbuild:\(target)"] == nil ? "asbuild" : "asbuild:\(target)"
        let install = try install(project, context, npm)
        let module = try output(target, in: project) ?? "build/\(target).wasm"
        return BuildPlan(
            product: project.manifest.name.description, tools: [node, npm],
            steps: [install, BuildStep("npm run \(script)", npm.path, ["run", script])].compactMap(\.self),
            module: project.root.pushing(FilePath(module)),
            missingModuleHint:
                "the script \(quoted(script)) of package.json has to make it; asconfig.json names it in targets.\(target).outFile"
        )
    }

    /// Fetches the packages, if they are not there.
    private func install(
        _ project: FilterProject, _ context: BuildContext, _ npm: FoundTool
    ) throws -> BuildStep? {
        guard Files.kind(project.root.appending("node_modules")) == nil else { return nil }
        for (lock, manager) in [("pnpm-lock.yaml", "pnpm"), ("yarn.lock", "yarn"), ("bun.lock", "bun")]
        where Files.kind(project.root.appending(lock)) == .file {
            throw ProjectError(
                .noToolchain,
                "the packages of \"\(project.root)\" are not installed, and \"\(lock)\" says that \(manager) does that",
                hint: "run '\(manager) install' there")
        }
        let isLocked = Files.kind(project.root.appending("package-lock.json")) == .file
        let verb = isLocked ? "ci" : "install"
        context.progress("there is no node_modules: 'npm \(verb)' fetches the packages of package.json first")
        return BuildStep("npm \(verb)", npm.path, [verb, "--no-audit", "--no-fund"])
    }

    /// The file that asconfig.json names as the output of a target.
    private func output(_ target: String, in project: FilterProject) throws -> String? {
        let configuration = try object(of: "asconfig.json", in: project)
        return configuration?["targets"]?.object?[target]?.object?["outFile"]?.string
    }

    private func object(of name: String, in project: FilterProject) throws -> JSONObject? {
        let file = project.root.appending(name)
        guard Files.kind(file) == .file else { return nil }
        do {
            let value = try JSONValue(parsing: try Files.read(file, limit: 1 << 20))
            guard let object = value.object else {
                throw ProjectError(.malformed, "\"\(file)\" is not a JSON object")
            }
            return object
        } catch let error as JSONError {
            throw ProjectError(.malformed, "\"\(file)\" cannot be read: \(error)")
        }
    }
}
