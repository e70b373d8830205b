// SPDX-License-Identifier: Apache-2.0

import FilterProject
import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite struct LanguageToolTests {
    private func tool(_ minimum: ToolVersion? = ToolVersion(1, 80)) -> LanguageTool {
        LanguageTool(
            "cargo", programs: ["cargo", "cargo-1.80"], variable: "WASME_CARGO", purpose: "compiles filters",
            install: InstallAdvice([.dnf: ["cargo"]], elsewhere: "install it from https://rustup.rs"),
            minimum: minimum)
    }

    private func surroundings(
        _ scratch: ScratchDirectory, _ variables: [String: String] = [:], system: HostSystem? = nil
    ) -> ToolSurroundings {
        ToolSurroundings(
            environment: ["PATH": "\(scratch.appending("bin")):/usr/bin:/bin"], variables: variables,
            folder: scratch.path, system: system ?? HostSystem(name: "Debian", packageManager: .apt))
    }

    @Test func `what is missing names the command of this system, or the official way`() async throws {
        let scratch = try ScratchDirectory("tool")
        for (system, advice) in [
            (
                HostSystem(name: "Debian", packageManager: .apt),
                "install it from https://rustup.rs, or set WASME_CARGO to its path"
            ),
            (
                HostSystem(name: "Fedora", packageManager: .dnf),
                "run 'sudo dnf install -y cargo', or set WASME_CARGO to its path"
            ),
            (
                HostSystem(name: "Fedora", packageManager: .dnf, isAdministrator: true),
                "run 'dnf install -y cargo', or set WASME_CARGO to its path"
            ),
            (
                HostSystem(name: "x", packageManager: nil),
                "install it from https://rustup.rs, or set WASME_CARGO to its path"
            ),
        ] {
            let error = await #expect(throws: ProjectError.self) {
                try await tool().find(
                    in: ToolSurroundings(
                        environment: ["PATH": scratch.path.string], folder: "/", system: system))
            }
            #expect(error?.message == "cannot build: there is no \"cargo\" or \"cargo-1.80\" in PATH")
            #expect(error?.hint == advice)
            #expect(error?.code == .noToolchain)
        }
    }

    @Test func `a tool is found by its variable, the project's choice, or its names in order`() async throws {
        let scratch = try ScratchDirectory("tool")
        try scratch.script("bin/cargo-1.80", "echo 'cargo 1.80.1 (abc 2024-07-16)'")
        try scratch.script("other/mine", "echo 'cargo 1.90.0' >&2")
        let found = try await tool().find(in: surroundings(scratch))
        #expect(found.path == scratch.appending("bin").appending("cargo-1.80"))
        #expect(found.title == "cargo 1.80.1")
        #expect(
            try await tool().find(in: surroundings(scratch), option: "other/mine").title == "cargo 1.90.0")
        let variables = ["WASME_CARGO": scratch.appending("other").appending("mine").string]
        #expect(
            try await tool().find(in: surroundings(scratch, variables), option: "none").title
                == "cargo 1.90.0")
        let finding = try await tool().look(in: surroundings(scratch, ["WASME_CARGO": "/none"]))
        #expect(finding.fault?.message == "WASME_CARGO is \"/none\", which is no program")
        #expect(finding.found == nil)
    }

    @Test(arguments: [
        ("echo 'cargo 1.79.9'", "is cargo 1.79.9, and filters need 1.80 or later"),
        ("echo nothing", "does not say its version"), ("exit 3", "does not say its version"),
    ])
    func `a tool that is too old or says nothing is found and at fault`(
        script: String, message: String
    ) async throws {
        let scratch = try ScratchDirectory("tool")
        try scratch.script("bin/cargo", script)
        let finding = try await tool().look(in: surroundings(scratch))
        #expect(finding.fault?.message.hasSuffix(message) == true, "\(finding.fault?.message ?? "")")
        #expect(finding.found?.path.lastComponent == "cargo")
    }

    @Test func `what a version does not tell is looked at too`() async throws {
        let scratch = try ScratchDirectory("tool")
        try scratch.script("bin/cargo", "echo cargo 1.90.0; echo more")
        var tool = tool()
        tool.examine = { found, _ in
            found.answer.contains("more")
                ? ToolFault("it lacks a target", advice: "add it", fix: ["rustup", "target", "add"]) : nil
        }
        let finding = try await tool.look(in: surroundings(scratch))
        #expect(finding.fault?.fix == ["rustup", "target", "add"])
        await #expect(throws: ProjectError.self) { try await tool.find(in: surroundings(scratch)) }
    }

    @Test(arguments: [
        ("cargo 1.80.1 (376290515 2024-07-16)", "1.80.1"), ("go version go1.24.1 linux/amd64", "1.24.1"),
        ("Debian clang version 19.1.7 (3)", "19.1.7"), ("v20.11.0", "20.11.0"), ("0.13.0", "0.13.0"),
        ("tinygo version 0.34.0 linux/amd64 (using go version go1.23.1)", "0.34.0"),
        ("Version 0.28.9", "0.28.9"),
    ])
    func `versions are read as programs print them`(text: String, version: String) {
        #expect(ToolVersion(in: text)?.description == version)
    }

    @Test func `versions are compared by number`() throws {
        #expect(ToolVersion(1, 9) < ToolVersion(1, 10))
        #expect(ToolVersion(6, 2) == ToolVersion(6, 2, 0))
        #expect(ToolVersion(6, 2).hashValue == ToolVersion(6, 2, 0).hashValue)
        #expect(try #require(ToolVersion(in: "6.3.1")) > ToolVersion(6, 3))
        #expect(ToolVersion(in: "7") == nil)
        #expect(ToolVersion(in: "wasm-opt version 108", after: "version ") == ToolVersion(108))
    }

    @Test(arguments: [
        (
            "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n", "Debian GNU/Linux 12 (bookworm)",
            PackageManager.apt
        ),
        ("NAME=\"Linux Mint\"\nID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", "Linux Mint", .apt),
        ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", "this system", .dnf),
        ("ID=alpine\n", "this system", .apk),
        ("ID=manjaro\nID_LIKE=arch\n", "this system", .pacman), ("ID=nixos\n", "this system", nil),
        ("", "this system", nil),
    ])
    func `systems are known by their os-release`(text: String, name: String, manager: PackageManager?) {
        let system = HostSystem(osRelease: text)
        #expect(system.name == name)
        #expect(system.packageManager == manager)
    }

    @Test func `every language has a name of its own, and every tool a way to be installed`() {
        #expect(Set(Language.all.map(\.name)).count == Language.all.count)
        for tool in Language.all.flatMap(\.tools) + [.wasmOpt] {
            // RUSTC is cargo's own.
            #expect(tool.variable.hasPrefix("WASME_") || tool.variable == "RUSTC", "\(tool.name)")
            #expect(tool.install.elsewhere.contains("https://"), "\(tool.name)")
            for manager in PackageManager.allCases {
                let advice = tool.advice(on: HostSystem(name: "x", packageManager: manager))
                #expect(advice.hasPrefix("run '") || advice == tool.install.elsewhere, "\(tool.name)")
            }
        }
        for language in Language.all {
            #expect(Set(language.traps.map(\.name)).count == language.traps.count, "\(language.name)")
        }
    }
}

@Suite struct RecognitionTests {
    private func recognised(_ files: [String: String]) throws -> [String] {
        let scratch = try ScratchDirectory("recognition")
        for (name, text) in files { try scratch.write(name, text) }
        return Language.recognise(in: scratch.path).map { "\($0.language.name) \($0.file)" }
    }

    @Test(arguments: [
        (["Package.swift": ""], ["swift Package.swift"]),
        (["Cargo.toml": "", "build.c": ""], ["rust Cargo.toml"]),
        (["src/main.c": ""], ["c src/main.c"]), (["filter.cc": "", "util.c": ""], ["cpp filter.cc"]),
        (["go.mod": "module x\n"], ["go go.mod"]),
        (["go.mod": "require github.com/tetratelabs/proxy-wasm-go-sdk v0.24.0\n"], ["tinygo go.mod"]),
        (
            ["package.json": #"{"devDependencies": {"assemblyscript": "^0.28"}}"#],
            ["assemblyscript package.json"]
        ),
        (["package.json": #"{"name": "web"}"#, "README.md": ""], []),
        (["build.zig": "", "src/main.zig": ""], ["zig build.zig"]),
        (["Cargo.toml": "", "Package.swift": ""], ["swift Package.swift", "rust Cargo.toml"]), ([:], []),
    ])
    func `a folder's language follows from its files`(files: [String: String], languages: [String]) throws {
        #expect(try recognised(files) == languages)
    }

    @Test func `a folder without a manifest is a project if its files leave no doubt`() throws {
        let scratch = try ScratchDirectory("recognition")
        try scratch.write("My Filter/Cargo.toml", "")
        let project = try FilterProject.find(from: scratch.appending("My Filter"))
        #expect(project.manifest.name.description == "my-filter")
        #expect(project.manifest.language == "rust")
        #expect(project.manifest.module.rootIDs.isEmpty)
        #expect(project.assumption?.contains("taken for a Rust project \"my-filter\" (Cargo.toml)") == true)
        // The original's file says what a manifest would.
        try scratch.write(
            "My Filter/runtime-config.json",
            #"{"type":"envoy_proxy","abiVersions":["v0.2.1"],"config":{"rootIds":["add_header"]}}"#)
        #expect(
            try FilterProject.find(from: scratch.appending("My Filter")).manifest.module.rootIDs == [
                "add_header"
            ])
        #expect(try project.answering(to: ["a", "b"]).manifest.module.rootIDs == ["a", "b"])
    }

    @Test func `doubt is an error that names what is there`() throws {
        let scratch = try ScratchDirectory("recognition")
        func message(_ language: String? = nil) -> (message: String, hint: String)? {
            do {
                _ = try FilterProject.find(from: scratch.path, language: language)
                return nil
            } catch {
                return ((error as? ProjectError)?.message ?? "", (error as? ProjectError)?.hint ?? "")
            }
        }
        #expect(message()?.message.contains("there is no wasme.yaml in") == true)
        #expect(message()?.hint.contains("wasme init") == true)
        try scratch.write("Cargo.toml", "")
        try scratch.write("go.mod", "module x")
        #expect(
            message()?.message.hasSuffix("more than one language: rust (Cargo.toml) and go (go.mod)") == true)
        #expect(message()?.hint.contains("wasme build rust") == true)
        #expect(message("go") == nil)
        #expect(message("swift")?.message.contains("is no Swift project: \"Cargo.toml\" is of Rust") == true)
        try scratch.write("wasme.yaml", "name: a\nlanguage: rust\nmodule: {rootIds: [r]}\n")
        #expect(message("rust") == nil)
        #expect(message("go")?.message.contains("its wasme.yaml says rust") == true)
    }
}
