// SPDX-License-Identifier: Apache-2.0

private import SystemPackage

extension Language {
    /// C, by clang.
    package static let c: Language = {
        var language = Language("c", title: "C", markers: [.source("*.c"), .source("src/*.c")])
        language.tools = [.clang, .make]
        language.outputs = ["build"]
        language.driver = CBuildDriver()
        language.traps = [
            BuildTrap(
                "no-linker", "clang has no linker for WebAssembly",
                advice: "install LLD, which has wasm-ld: \(LanguageTool.lld.sentence(on: .current))",
                signs: .output(["unable to execute command", "wasm-ld"]),
                .output(["invalid linker name", "wasm-ld"])),
            BuildTrap(
                "no-c-library", "a module has no C library",
                advice: "use what \"pw_libc.h\" of the SDK declares, or bring the function yourself",
                signs: .output(["fatal error: 'stdio.h' file not found"]),
                .output(["fatal error: 'stdlib.h' file not found"]),
                .output(["fatal error: 'string.h' file not found"]),
                .output(["wasm-ld: error:", "undefined symbol: printf"]),
                .output(["wasm-ld: error:", "undefined symbol: snprintf"])),
        ]
        return language
    }()
}

extension LanguageTool {
    /// Where systems have clang and the linker beside it.
    fileprivate static let lld = InstallAdvice(
        [
            .apt: ["clang", "lld"], .dnf: ["clang", "lld"], .apk: ["clang", "lld"],
            .pacman: ["clang", "lld"], .brew: ["llvm", "lld"],
        ],
        elsewhere: "install clang and LLD, version 11 or later: https://releases.llvm.org")

    /// Clang that compiles for WebAssembly and finds its linker.
    ///
    /// Apple's has neither; Homebrew's lies beside PATH.
    package static let clang: LanguageTool = {
        var tool = LanguageTool(
            "clang",
            programs: ["/opt/homebrew/opt/llvm/bin/clang", "/usr/local/opt/llvm/bin/clang", "clang"]
                + (11...22).reversed().map { "clang-\($0)" },
            variable: "WASME_CLANG", purpose: "compiles filters", install: lld, minimum: ToolVersion(11, 0))
        tool.readVersion = { ToolVersion(in: $0, after: "clang version ") }
        tool.examine = { found, surroundings in
            let targets = try await surroundings.answer(found.path, ["--print-targets"]) ?? ""
            guard targets.contains("wasm32") else {
                return ToolFault(
                    "\"\(found.path)\" (\(found.title)) does not compile for WebAssembly",
                    advice: lld.sentence(on: surroundings.system) + ", and set WASME_CLANG to that clang")
            }
            // Its name alone if it is not beside clang: then PATH is where clang will look.
            let answer = try await surroundings.answer(found.path, ["--print-prog-name=wasm-ld"]) ?? ""
            let linker = answer.split(separator: "\n").first.map(String.init) ?? "wasm-ld"
            guard surroundings.program(linker) == nil else { return nil }
            return ToolFault(
                "\"\(found.path)\" (\(found.title)) finds no \"wasm-ld\", the linker for WebAssembly",
                advice: lld.sentence(on: surroundings.system))
        }
        return tool
    }()

    /// Runs the Makefile of a project.
    package static let make: LanguageTool = {
        LanguageTool(
            "make", programs: ["make", "gmake"], variable: "WASME_MAKE", purpose: "runs a project's Makefile",
            install: InstallAdvice(
                [.apt: ["make"], .dnf: ["make"], .apk: ["make"], .pacman: ["make"], .brew: ["make"]],
                elsewhere: "install GNU make: https://www.gnu.org/software/make/"))
    }()
}
