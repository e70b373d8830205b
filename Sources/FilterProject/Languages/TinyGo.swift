// SPDX-License-Identifier: Apache-2.0

private import SystemPackage

extension Language {
    /// Go, by TinyGo.
    package static let tinyGo: Language = {
        var language = Language(
            "tinygo", title: "TinyGo", markers: [.manifest("go.mod", containing: [GoModule.tinyGoSDK])])
        language.tools = [.tinyGo]
        language.variables = ["GO*", "TINYGOROOT", "WASMOPT"]
        language.outputs = ["build"]
        language.driver = TinyGoBuildDriver()
        language.traps = [
            // From TinyGo's change log and its sources: no TinyGo was at hand.
            BuildTrap(
                "wasm-abi", "TinyGo has no flag -wasm-abi any more",
                advice: "leave it out: there is one ABI now",
                signs: .output(["flag provided but not defined: -wasm-abi"])),
            BuildTrap(
                "tinygo-go", "this TinyGo does not know the Go that it found",
                advice:
                    "install a TinyGo that does, or put an older Go first in PATH; TinyGo's message names the range",
                signs: .output(["requires go version", "got go"])),
            BuildTrap(
                "wasm-opt", "TinyGo did not find wasm-opt",
                advice: "install binaryen, or set WASMOPT to its wasm-opt",
                signs: .output(["could not find wasm-opt"]),
                .output(["wasm-opt", "executable file not found"])),
        ]
        return language
    }()
}

extension LanguageTool {
    /// TinyGo, which needs a Go beside it and says so itself.
    package static let tinyGo: LanguageTool = {
        var tool = LanguageTool(
            "TinyGo", programs: ["tinygo"], variable: "WASME_TINYGO", purpose: "compiles filters",
            install: InstallAdvice(
                [.pacman: ["tinygo"]],
                elsewhere: "install TinyGo: https://tinygo.org/getting-started/install"),
            // Knows Go 1.24, which the SDK needs, and "wasi-legacy".
            minimum: ToolVersion(0, 36))
        tool.questions = [ToolQuestion("version")]
        tool.readVersion = { ToolVersion(in: $0, after: "tinygo version ") }
        return tool
    }()
}

/// Builds a Go package as a module, by TinyGo.
package struct TinyGoBuildDriver: BuildDriver {
    package init() {}

    package func plan(_ project: FilterProject, _ context: BuildContext) async throws -> BuildPlan {
        let sources = try GoModule(of: project)
        let tinyGo = try await LanguageTool.tinyGo.find(in: context.surroundings(of: project))
        let name = project.manifest.name.description
        // What the SDK of tetratelabs had its users write: main sets things up, and the module lives on after it. A
        // library never runs main, and a program of today ends with it; this is what TinyGo has for such modules.
        let old = try sources.setUpInMain().first
        if let old {
            context.progress(
                "note: \(old.file) calls \(old.call) in main, and is built by -buildmode=wasi-legacy; in 'func init()' it would do in a library"
            )
        }
        let mode = old == nil ? "c-shared" : "wasi-legacy"
        var arguments = ["build", "-target=wasip1", "-buildmode=\(mode)", "-scheduler=none"]
        if context.configuration == .release { arguments.append("-no-debug") }
        // Go makes the folder of its output, TinyGo may not.
        let folder = context.surroundings(of: project).program("mkdir").map {
            BuildStep("mkdir", $0, ["-p", "build"])
        }
        var plan = BuildPlan(
            product: name, tools: [tinyGo],
            steps: [folder].compactMap(\.self) + [
                BuildStep(
                    "tinygo build", tinyGo.path,
                    arguments + ["-o", "build/\(name).wasm", sources.package])
            ],
            module: project.root.pushing(FilePath("build/\(name).wasm")))
        plan.outside = sources.outside(context.buildEnvironment(of: project))
        return plan
    }
}
