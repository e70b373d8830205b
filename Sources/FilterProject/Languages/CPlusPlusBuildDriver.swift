// SPDX-License-Identifier: Apache-2.0

private import Files
private import SystemPackage

/// Builds C++ by the project's Makefile, told which compiler there is and where the SDK is.
package struct CPlusPlusBuildDriver: BuildDriver {
    package init() {}

    /// The variable that names a copy of proxy-wasm-cpp-sdk, for builds without a network.
    package static let sdkVariable = "WASME_PROXY_WASM_CPP_SDK"

    package func plan(_ project: FilterProject, _ context: BuildContext) async throws -> BuildPlan {
        guard try MakeBuild.isUsable(in: project, by: "TOOLCHAIN") || hasToolchainFile(project) else {
            throw ProjectError(
                .malformed,
                "the project \"\(project.root)\" has no Makefile that takes a TOOLCHAIN, and its language is cpp",
                hint:
                    "run 'wasme init --language cpp' in an empty folder to see one, or say how to build in wasme.yaml: build: {command: [bazel, build, //:filter.wasm], output: bazel-bin/filter.wasm}"
            )
        }
        let surroundings = context.surroundings(of: project)
        let (toolchain, compiler) = try await CPlusPlusToolchain.find(in: surroundings)
        var variables = toolchain.variables(compiler)
        if let sdk = try sdk(of: project, context) { variables.append("PROXY_WASM_CPP_SDK=\(sdk)") }
        return try await MakeBuild.plan(project, context, variables: variables, tools: [compiler])
    }

    private func hasToolchainFile(_ project: FilterProject) -> Bool {
        Files.kind(project.root.appending("Makefile")) == .file
            && Files.kind(project.root.appending("toolchain.mk")) == .file
    }

    /// A copy of the SDK that is to be used; nil to leave it to the Makefile, which fetches one.
    private func sdk(of project: FilterProject, _ context: BuildContext) throws -> FilePath? {
        guard let name = context.environment[Self.sdkVariable], !name.isEmpty else { return nil }
        let folder = project.root.pushing(FilePath(name))
        guard Files.kind(folder.appending("proxy_wasm_intrinsics.cc")) == .file else {
            throw ProjectError(
                .noToolchain,
                "\(Self.sdkVariable) is \(quoted(name)), which is no copy of proxy-wasm-cpp-sdk",
                hint: "set it to a checkout of https://github.com/proxy-wasm/proxy-wasm-cpp-sdk, or unset it")
        }
        return folder
    }
}
