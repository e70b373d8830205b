// SPDX-License-Identifier: Apache-2.0

private import Files
private import SystemPackage

extension Language {
    /// A module that is there already, whatever it was made from.
    package static let precompiled: Language = {
        var language = Language("precompiled", title: "a finished module", markers: [])
        language.driver = PrecompiledBuildDriver()
        return language
    }()
}

/// Takes the module that `build.module` names.
package struct PrecompiledBuildDriver: BuildDriver {
    package init() {}

    package func plan(_ project: FilterProject, _ context: BuildContext) async throws -> BuildPlan {
        guard let module = project.manifest.build.module else {
            throw ProjectError(
                .malformed, "the project \"\(project.root)\" does not say which module it is made of",
                hint: "name it in wasme.yaml: build: {module: filter.wasm}")
        }
        let path = project.root.pushing(FilePath(module))
        guard Files.kind(path) == .file else {
            throw ProjectError(
                .malformed, "there is no file \"\(path)\"",
                hint: project.isDerived
                    ? "name a .wasm file that is there"
                    : "copy the module there, or name another in wasme.yaml: build: {module: filter.wasm}")
        }
        var plan = BuildPlan(
            product: project.manifest.name.description, tools: [], steps: [], module: path)
        plan.isConfined = !project.isDerived
        return plan
    }
}
