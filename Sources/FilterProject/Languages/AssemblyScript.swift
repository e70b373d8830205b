// SPDX-License-Identifier: Apache-2.0

private import WasmBinary

extension Language {
    /// AssemblyScript, by asc.
    package static let assemblyScript: Language = {
        var language = Language(
            "assemblyscript", title: "AssemblyScript",
            markers: [
                .manifest("asconfig.json"), .manifest("package.json", containing: ["assemblyscript"]),
            ])
        language.tools = [.node, .npm]
        language.variables = ["NODE_*", "npm_config_*", "NPM_CONFIG_*", "NPM_TOKEN"]
        language.outputs = ["node_modules", "build"]
        language.locks = ["package-lock.json"]
        language.driver = AssemblyScriptBuildDriver()
        language.traps = [
            BuildTrap(
                "asc-missing", "asc, the compiler, is not among the installed packages",
                advice:
                    "name \"assemblyscript\" in devDependencies of package.json, and run 'npm install' in the project's folder",
                signs: .output(["asc: not found"]), .output(["asc: command not found"])),
            BuildTrap(
                "no-asbuild", "package.json has no script \"asbuild\"",
                advice: "add it under \"scripts\": \"asbuild\": \"asc assembly/index.ts --target release\"",
                signs: .output(["Missing script: \"asbuild\""])),
            BuildTrap(
                "npm-lock", "package-lock.json and package.json do not fit",
                advice: "run 'npm install', and commit package-lock.json",
                signs: .output(["`npm ci` can only install packages when"])),
            BuildTrap(
                "old-as-sdk",
                "the SDK @solo-io/proxy-runtime has not changed since 2022, and only old compilers take it",
                advice: "use @gcoredev/proxy-wasm-sdk-as, a living fork, with AssemblyScript 0.28",
                signs: .output(["in ", "@solo-io/proxy-runtime/"])),
            BuildTrap(
                "as-abort", "the module asks the host for env.abort, which no proxy has",
                advice: "write into asconfig.json, under \"options\": \"use\": [\"abort=abort_proc_exit\"]",
                signs: .module { module in
                    module.imports.contains { $0.module == "env" && $0.name == "abort" }
                }),
        ]
        return language
    }()
}

extension LanguageTool {
    /// Runs asc.
    package static let node: LanguageTool = {
        var tool = LanguageTool(
            "Node.js", programs: ["node", "nodejs"], variable: "WASME_NODE",
            purpose: "runs asc, the compiler",
            install: nodeAdvice, minimum: ToolVersion(20, 0))
        tool.readVersion = { ToolVersion(in: $0, after: "v") }
        return tool
    }()

    /// Fetches the compiler and the SDK, and runs the project's scripts.
    package static let npm = LanguageTool(
        "npm", programs: ["npm"], variable: "WASME_NPM",
        purpose: "fetches asc and the SDK, and runs the build script",
        install: nodeAdvice, minimum: ToolVersion(7, 0))

    private static let nodeAdvice = InstallAdvice(
        [.brew: ["node"], .apk: ["nodejs", "npm"], .pacman: ["nodejs", "npm"], .dnf: ["nodejs", "npm"]],
        elsewhere: "install Node.js 20 or later, which brings npm: https://nodejs.org")
}
