// SPDX-License-Identifier: Apache-2.0

private import SystemPackage

extension Language {
    /// Embedded Swift, by SwiftPM.
    package static let swift: Language = {
        var language = Language("swift", title: "Swift", markers: [.manifest("Package.swift")])
        language.tools = [.swift]
        language.variables = ["SWIFT*", "TOOLCHAINS", "CLANG_MODULE_CACHE_PATH"]
        language.outputs = [".build", ".swiftpm", "Packages/*/.build"]
        language.locks = ["Package.resolved"]
        language.driver = SwiftBuildDriver()
        language.traps = [
            BuildTrap(
                "moved-folder", "the project was moved, and the compiler's module cache names the old folder",
                advice: "remove what was built there: 'wasme build --clean'",
                signs: .output(["was compiled with module cache path", "but the path is currently"]),
                .output(["PCH was compiled with module cache path"])),
            BuildTrap(
                "no-embedded-library", "the toolchain has no Embedded standard library for bare wasm32",
                advice: "install a toolchain from https://www.swift.org/install, 6.3 or later",
                signs: .output(["could not find module 'Swift' for target 'wasm32-unknown-none-wasm'"]),
                .output(["unable to load standard library for target 'wasm32-unknown-none-wasm'"])),
        ]
        return language
    }()
}

extension LanguageTool {
    /// The Swift toolchain: recent enough, with the Embedded standard library for bare wasm32.
    package static let swift: LanguageTool = {
        var tool = LanguageTool(
            "Swift", programs: ["swift"], variable: SwiftToolchain.variable,
            purpose: "compiles filters and resolves their packages",
            install: InstallAdvice(elsewhere: SwiftToolchain.advice), minimum: ToolVersion(6, 2))
        // Compilers that do not know the triple print no JSON.
        tool.questions = [
            ToolQuestion("-print-target-info", "-target", SwiftToolchain.triple, of: "swiftc"),
            ToolQuestion("--version", of: "swiftc"),
        ]
        tool.readVersion = { ToolVersion(in: $0, after: "Swift version ") }
        tool.examine = { found, _ in
            guard SwiftToolchain.embeddedLibrary(found) == nil else { return nil }
            return ToolFault(
                "the toolchain of \"\(found.path)\" (\(found.title)) lacks the Embedded standard library for \(SwiftToolchain.triple)",
                advice: "\(SwiftToolchain.advice); those of some Linux distributions leave it out")
        }
        return tool
    }()
}
