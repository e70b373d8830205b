// SPDX-License-Identifier: Apache-2.0

import Files
import FilterProject
import Foundation
import SystemPackage
import TestSupport
import Testing

/// The doctor against programs that say what they are told to, good and bad.
@Suite struct DoctorTests {
    private let scratch: ScratchDirectory

    init() throws { scratch = try ScratchDirectory("doctor") }

    private func program(_ name: String, _ script: String) throws {
        let file = try scratch.write("bin/\(name)", "#!/bin/sh\n\(script)\n")
        try #require(chmod(file.string, 0o755) == 0)
    }

    private var surroundings: ToolSurroundings {
        ToolSurroundings(
            environment: ["PATH": "\(scratch.appending("bin")):/usr/bin:/bin"], folder: scratch.path,
            system: HostSystem(name: "Debian 12", packageManager: .apt))
    }

    private static let advice = InstallAdvice(
        [.apt: ["tool-pkg"], .brew: ["tool"]], elsewhere: "get it from https://tool.invalid")

    private func tool(_ name: String, isOptional: Bool = false) -> LanguageTool {
        LanguageTool(
            name, programs: [name], variable: "WASME_\(name.uppercased())", purpose: "compiles filters",
            install: Self.advice, minimum: ToolVersion(2, 0), isOptional: isOptional)
    }

    private func examine(_ tool: LanguageTool, limit: Duration = .seconds(300)) async throws -> Diagnosis {
        try await Doctor(surroundings, limit: limit).examine(tool)
    }

    @Test func `a tool that is there is named with version and place`() async throws {
        try program("goodc", "echo goodc 2.1.3")
        let found = try await examine(tool("goodc"))
        #expect(found.level == .ok)
        #expect(found.version == "2.1.3")
        #expect(found.path == scratch.path.pushing("bin/goodc").string)
    }

    @Test func `what is missing, too old or broken is named with the command for this machine and others`()
        async throws
    {
        let missing = try await examine(tool("nowherec"))
        #expect(missing.level == .fault)
        #expect(missing.message.contains("\"nowherec\" in PATH"))
        #expect(missing.advice?.contains("apt-get install -y tool-pkg") == true, "\(missing.advice ?? "")")
        #expect(missing.install?["brew"] == "brew install tool")
        #expect(missing.install?["other"] == "get it from https://tool.invalid")
        // Packages change the system: that is nothing to be done by --fix.
        #expect(missing.fix == nil)
        try program("oldc", "echo oldc 1.9")
        #expect(try await examine(tool("oldc")).message.contains("1.9, and filters need 2.0"))
        try program("brokenc", "echo segmentation fault >&2; exit 139")
        #expect(try await examine(tool("brokenc")).message.contains("does not say its version"))
        #expect(try await examine(tool("nowherec", isOptional: true)).level == .note)
    }

    @Test func `a program that hangs is said so, and ended`() async throws {
        try program("hangc", "exec sleep 600")
        var language = Language("x", title: "X", markers: [])
        language.tools = [tool("hangc"), tool("nowherec")]
        let start = ContinuousClock.now
        let diagnosis = try await Doctor(surroundings, limit: .seconds(1)).examine(language)
        #expect(ContinuousClock.now - start < .seconds(500))
        #expect(diagnosis.findings[0].message.contains("does not answer within 1 s"))
        #expect(diagnosis.findings[1].message.contains("in PATH"))
        #expect(!diagnosis.canBuild)
    }

    @Test func `a fault that a command mends has it, and it is run`() async throws {
        try program(
            "rustish", "test -f \(scratch.appending("target")) && echo wasm32-wasip1; echo rustish 2.5")
        try program("mend", "touch \(scratch.appending("target"))")
        var tool = tool("rustish")
        tool.examine = { found, _ in
            found.answer.contains("wasm32-wasip1")
                ? nil : ToolFault("the target wasm32-wasip1 is missing", advice: "run 'mend'", fix: ["mend"])
        }
        let doctor = Doctor(surroundings, limit: .seconds(300))
        let before = try await doctor.examine(tool)
        #expect(before.level == .fault)
        #expect(before.fix == ["mend"])
        try await doctor.fix(["mend"], output: .standardError)
        #expect(try await doctor.examine(tool).level == .ok)
        await #expect(throws: ProjectError.self) { try await doctor.fix(["nowhere"], output: .standardError) }
        try program("fails", "exit 3")
        let error = await #expect(throws: ProjectError.self) {
            try await doctor.fix(["fails"], output: .standardError)
        }
        #expect(error?.message.contains("exit code 3") == true)
    }

    @Test func `a fix that asks for more rights is none`() async throws {
        try program("goodc", "echo goodc 2.1.3")
        var tool = tool("goodc")
        tool.examine = { _, _ in ToolFault("a library is missing", advice: "a", fix: ["sudo", "rm"]) }
        #expect(try await examine(tool).fix == nil)
    }

    @Test func `traps that the tools lead into are warnings, and all are listed`() async throws {
        try program("goodc", "echo goodc 2.1.3")
        var language = Language("x", title: "X", markers: [])
        language.tools = [tool("goodc")]
        language.traps = [
            BuildTrap("shown", "it shows", advice: "a", signs: .tools { $0.contains { $0.name == "goodc" } }),
            BuildTrap("hidden", "it does not", advice: "b", signs: .tools { _ in false }),
        ]
        let diagnosis = try await Doctor(surroundings, limit: .seconds(300)).examine(language)
        #expect(diagnosis.findings.filter { $0.level == .warning }.map(\.subject) == ["shown"])
        #expect(diagnosis.traps.map(\.name) == ["shown", "hidden"])
        // Nothing builds a language without a driver.
        #expect(!diagnosis.canBuild)
    }

    @Test func `every language of wasme can be looked at, in its order`() async throws {
        let all = try await Doctor(surroundings, limit: .seconds(300)).examine(Language.all)
        #expect(all.map(\.name) == Language.all.map(\.name))
        for language in all {
            #expect(language.canBuild || !language.findings.isEmpty, "\(language.name)")
            for finding in language.findings where finding.level == .fault {
                #expect(finding.advice?.isEmpty == false, "\(language.name): \(finding.message)")
            }
        }
    }

    @Test func `of several tools one will do, and what is not needed is not told`() async throws {
        var language = Language("x", title: "X", markers: [])
        language.choice = ToolChoice(
            "compiler", purpose: "compiler for X", tools: [tool("onec"), tool("otherc")], install: Self.advice
        )
        language.driver = SwiftBuildDriver()
        let doctor = Doctor(surroundings, limit: .seconds(300))
        try program("onec", "echo onec 1.0")
        let none = try await doctor.examine(language)
        #expect(!none.canBuild)
        #expect(none.findings.map(\.subject) == ["compiler", "onec"], "\(none.findings)")
        #expect(none.findings[0].message == "there is no compiler for X: onec or otherc")
        #expect(none.findings[0].advice?.contains("tool-pkg") == true)
        try program("otherc", "echo otherc 3.0")
        let one = try await doctor.examine(language)
        #expect(one.canBuild)
        #expect(one.findings.map(\.subject) == ["otherc"])
    }

    // MARK: Places

    @Test func `the store is looked at, and none is made`() throws {
        let doctor = Doctor(surroundings, limit: .seconds(300))
        let folder = scratch.path.pushing("home/store")
        #expect(doctor.examine(store: folder).level == .ok)
        #expect(Files.kind(scratch.appending("home")) == nil)
        try scratch.write("file", "")
        #expect(doctor.examine(store: scratch.path.pushing("file/store")).level == .fault)
    }

    @Test func `a credential helper that is named and not there is a warning`() throws {
        try program("docker-credential-here", "true")
        let found = Doctor(surroundings, limit: .seconds(300)).examine(
            helpers: ["docker-credential-here", "docker-credential-gone"], namedIn: "/c.json")
        #expect(found.map(\.level) == [.ok, .warning])
        #expect(found[1].message.contains("/c.json"))
    }

    // MARK: A project's files

    @Test(
        arguments: [
            (
                "rust",
                ["Cargo.toml": "[lib]\ncrate-type = [\"cdylib\"]\n[dependencies]\nproxy-wasm = \"0.2.5\"\n"],
                nil
            ),
            (
                "rust",
                [
                    "Cargo.toml": "[lib]\ncrate-type = [\"cdylib\"]\n",
                    "Makefile": "build:\n\tcargo build --target wasm32-wasi --release\n",
                ], "Makefile:2"
            ),
            (
                "rust",
                [
                    "Cargo.toml": "[lib]\ncrate-type = [\"cdylib\"]\n",
                    ".cargo/config.toml": "target = \"wasm32-wasip1\"\n",
                ], nil
            ),
            (
                "rust",
                [
                    "Cargo.toml": "[lib]\ncrate-type = [\"cdylib\"]\n",
                    ".github/workflows/ci.yml": "- run: rustup target add wasm32-wasip2\n",
                ], ".github/workflows/ci.yml:1"
            ),
            ("rust", ["Cargo.toml": "[dependencies]\nproxy-wasm = \"0.2.5\"\n"], "Cargo.toml"),
            (
                "rust",
                [
                    "Cargo.toml": "crate-type = [\"cdylib\"]\n",
                    "Cargo.lock": "[[package]]\nname = \"proxy-wasm\"\nversion = \"0.2.3\"\n",
                ], "Cargo.lock"
            ),
            (
                "go",
                [
                    "go.mod":
                        "module x\n\ngo 1.24\n\nrequire github.com/proxy-wasm/proxy-wasm-go-sdk v0.0.0-2026\n"
                ], nil
            ),
            ("go", ["go.mod": "module x\n\ngo 1.22\n"], "go.mod:3"),
            (
                "go",
                [
                    "go.mod":
                        "module x\n\ngo 1.24.1\nrequire github.com/tetratelabs/proxy-wasm-go-sdk v0.24.0\n"
                ], "go.mod:4"
            ),
            (
                "rust",
                [
                    "Cargo.toml": "[lib]\r\ncrate-type = [\"cdylib\"]\r\n# not wasm32-wasip2\r\n",
                    "Makefile": "# wasm32-wasi is gone\r\nbuild:\r\n\tcargo build --target wasm32-wasi\r\n",
                ], "Makefile:3"
            ),
            ("go", ["go.mod": "module x\r\n\r\ngo 1.22\r\n"], "go.mod:3"),
            (
                "tinygo",
                ["go.mod": "module x\nrequire github.com/tetratelabs/proxy-wasm-go-sdk v0.24.0\n"],
                "go.mod:2"
            ),
            (
                "assemblyscript",
                [
                    "package.json": "{\"scripts\": {\"b\": \"asc a.ts\"}}",
                    "asconfig.json": "{\"options\": {\"use\": \"abort=abort_proc_exit\"}}",
                ], nil
            ),
            (
                "assemblyscript",
                ["package.json": "{\"scripts\": {\"b\": \"asc a.ts\"}}", "asconfig.json": "{}"],
                "package.json"
            ),
            (
                "assemblyscript", ["package.json": "{\"devDependencies\": {\"assemblyscript\": \"0.28.9\"}}"],
                nil
            ),
            (
                "assemblyscript", ["package.json": "{\"devDependencies\": {\"assemblyscript\": \"latest\"}}"],
                "package.json:1"
            ),
            (
                "swift",
                ["Package.swift": "// swift-tools-version: 6.2\n.package(path: \"Packages/ProxyWasm\")\n"],
                nil
            ),
            ("swift", ["Package.swift": "// swift-tools-version: 5.10\nProxyWasm\n"], "Package.swift:1"),
            ("swift", ["Package.swift": "// swift-tools-version: 6.2\n"], "Package.swift"),
            ("c", ["Makefile": "wasm32-wasi\n"], nil),
        ] as [(String, [String: String], String?)])
    func `what does not work is found in a project's files, with its place`(
        language: String, files: [String: String], place: String?
    ) throws {
        for (path, text) in files { try scratch.write("p/\(path)", text) }
        let found = Doctor(surroundings, limit: .seconds(300)).examine(
            filesIn: scratch.appending("p"), language: language)
        #expect(found.map(\.subject) == (place.map { [$0] } ?? []), "\(found)")
        for finding in found { #expect(finding.advice?.isEmpty == false) }
    }
}
