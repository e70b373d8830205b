// SPDX-License-Identifier: Apache-2.0

import Files
import FilterProject
import Foundation
import SystemPackage
import TestSupport
import Testing
import WasmBinary

@Suite struct BuildMemoryTests {
    /// A project whose command copies `in.wasm` and counts how often it is run, outside the project.
    private struct Counted {
        let scratch: ScratchDirectory
        let counter: ScratchDirectory
        let log: BuildLog
        var folder: FilePath { scratch.path }

        init(build: String = "inputs: [in.wasm]") throws {
            scratch = try ScratchDirectory("memory")
            counter = try ScratchDirectory("counter")
            log = try BuildLog(counter)
            try Files.replace(scratch.appending("in.wasm"), with: TinyFilter().bytes)
            try scratch.script("make.sh", "echo run >> \(counter.appending("runs")); cp in.wasm out.wasm")
            _ = try scratch.commandProject("[./make.sh]", build: build)
        }

        var runs: Int {
            ((try? Files.read(counter.appending("runs"))) ?? []).filter { $0 == 0x0a }.count
        }

        func build(
            _ variables: [String: String] = [:], _ change: (inout BuildContext) -> Void = { _ in }
        ) async throws -> MadeModule {
            var context = log.context(variables)
            change(&context)
            return try await ProjectBuild(FilterProject(root: folder)).run(context, checks: false).made
        }
    }

    @Test func `nothing is run while nothing has changed, also when the output is gone`() async throws {
        let counted = try Counted()
        let first = try await counted.build()
        #expect(!first.isRemembered)
        #expect(first.previousSize == nil)
        try Files.remove(counted.folder.appending("out.wasm"))
        let second = try await counted.build()
        #expect(second.isRemembered)
        #expect(second.module.bytes == first.module.bytes)
        #expect(second.previousSize == first.module.size)
        #expect(counted.runs == 1)
    }

    @Test func `each thing that the module depends on builds it anew`() async throws {
        let counted = try Counted(build: "inputs: [in.wasm, src], environment: [FLAGS]")
        var expected = 1
        _ = try await counted.build()
        func rebuilds(
            _ what: String, _ variables: [String: String] = [:],
            _ change: (inout BuildContext) -> Void = { _ in }
        ) async throws {
            _ = try await counted.build(variables, change)
            expected += 1
            #expect(counted.runs == expected, "\(what)")
            _ = try await counted.build(variables, change)
            #expect(counted.runs == expected, "\(what), again")
        }
        try await rebuilds("a declared variable", ["FLAGS": "-O"])
        try await rebuilds("it is gone again")
        try await rebuilds("the time that compilers take for now", ["SOURCE_DATE_EPOCH": "1"])
        try await rebuilds("and back")
        _ = try await counted.build(["UNDECLARED": "x"])
        #expect(counted.runs == expected, "an undeclared variable changes nothing")
        try counted.scratch.write("src/new.c", "")
        try await rebuilds("a new file")
        try counted.scratch.write("src/new.c", "int x;")
        try await rebuilds("another content")
        try counted.scratch.write("README.md", "read me")
        _ = try await counted.build()
        #expect(counted.runs == expected, "no input of the command")
        try await rebuilds("debug") { $0.configuration = .debug }
        _ = try await counted.build()
        #expect(counted.runs == expected, "release is remembered beside debug")
        let yaml = counted.folder.appending("wasme.yaml")
        try Files.append("targets: [higress]\n", to: yaml)
        try await rebuilds("the manifest")
    }

    @Test func `without inputs a command runs each time`() async throws {
        let counted = try Counted(build: "")
        for run in 1...2 {
            _ = try await counted.build()
            #expect(counted.runs == run)
        }
    }

    @Test func `what is damaged is built again, and said so`() async throws {
        let counted = try Counted()
        let first = try await counted.build()
        let module = counted.folder.pushing(".wasme/release.wasm")
        for damage in [Array(first.module.bytes.dropLast()) + [0xff], [], nil] as [[UInt8]?] {
            if let damage { try Files.replace(module, with: damage) } else { try Files.remove(module) }
            let again = try await counted.build()
            #expect(!again.isRemembered)
            #expect(again.module.bytes == first.module.bytes)
            #expect(
                counted.log.progress.contains("the remembered module is damaged or gone; building it again"))
            #expect(try await counted.build().isRemembered)
        }
        #expect(counted.runs == 4)
        try counted.scratch.write(".wasme/release.json", "{\"module\": 1")
        #expect(try await !counted.build().isRemembered)
    }

    @Test func `memory is not used when it is not wanted, and not there to be used when it cannot be kept`()
        async throws
    {
        let counted = try Counted()
        _ = try await counted.build()
        let again = try await counted.build([:]) { $0.usesMemory = false }
        #expect(!again.isRemembered)
        #expect(again.previousSize == again.module.size)
        #expect(counted.runs == 2)
        try Files.remove(counted.folder.appending(".wasme"))
        // A file where the folder would be.
        try counted.scratch.write(".wasme", "")
        #expect(try await !counted.build().isKept)
        #expect(counted.log.progress.last?.hasPrefix("note: the next build starts from nothing: ") == true)
        #expect(counted.runs == 3)
    }

    @Test func `sources that change while the build runs are built again`() async throws {
        let counted = try Counted()
        try counted.scratch.script(
            "make.sh",
            "echo run >> \(counted.counter.appending("runs")); cp in.wasm out.wasm; echo >> in.wasm")
        await #expect(throws: (any Error).self) {
            // The appended byte makes the next module unusable: what matters is that it is built.
            _ = try await counted.build()
            _ = try await counted.build()
        }
        #expect(counted.runs == 2)
    }

    @Test func `the folder hides itself from git`() async throws {
        let counted = try Counted()
        _ = try await counted.build()
        let git = try #require(FilePath("/usr/bin/git") as FilePath?)
        guard Files.kind(git) == .file else { return }
        _ = try await run(git, ["init", "-q"], in: counted.folder)
        let status = try await run(
            git, ["status", "--porcelain", "--untracked-files=all"], in: counted.folder)
        #expect(status.status == 0)
        #expect(!status.stdout.contains(".wasme"), "\(status.stdout)")
        #expect(status.stdout.contains("wasme.yaml"))
    }
}

@Suite struct BuildEnvironmentTests {
    @Test func `a build sees the usual variables, those of its language and those declared`() async throws {
        let scratch = try ScratchDirectory("environment")
        let project = try scratch.commandProject(
            "[sh, -c, \"env > out.wasm\"]", build: "environment: {SET: value, PASSED: , MISSING: }")
        let log = try BuildLog(scratch)
        let module = try await project.buildDriver().build(
            project,
            log.context([
                "PASSED": "on", "SECRET_THING": "x", "https_proxy": "http://proxy", "LC_ALL": "C",
                "GOPATH": "/go",
            ]))
        let lines = String(decoding: try Files.read(module), as: UTF8.self).split(separator: "\n")
        for line in [
            "SET=value", "PASSED=on", "https_proxy=http://proxy", "LC_ALL=C", "SOURCE_DATE_EPOCH=315532800",
        ] {
            #expect(lines.contains { $0 == line }, "\(line)")
        }
        #expect(
            !lines.contains {
                $0.hasPrefix("SECRET_THING=") || $0.hasPrefix("GOPATH=") || $0.hasPrefix("MISSING=")
            })
        #expect(BuildEnvironment(["GOPATH": "/go"], language: .go).variables["GOPATH"] == "/go")
        #expect(BuildEnvironment(["SOURCE_DATE_EPOCH": "7"]).inputs == ["SOURCE_DATE_EPOCH": "7"])
    }

    @Test func `a module with a secret of the caller's in it is refused by the variable's name`() async throws
    {
        let scratch = try ScratchDirectory("secret")
        let secret = "s3cr3t-value"
        try Files.replace(scratch.appending("in.wasm"), with: TinyFilter(value: secret).bytes)
        let project = try scratch.commandProject("[cp, in.wasm, out.wasm]", build: "inputs: [in.wasm]")
        let log = try BuildLog(scratch)
        // A name that says nothing, a place, a short value, one that is not in it: all fine.
        _ = try await ProjectBuild(project).run(
            log.context([
                "GREETING": secret, "TOKEN_FILE": secret, "SHORT_TOKEN": "world",
                "OTHER_TOKEN": "s3cr3t-valux",
            ]), checks: false)
        // The module is remembered now; the check is made all the same.
        for name in ["NPM_TOKEN", "my_password", "AWS_SECRET_ACCESS_KEY", "APIKEY"] {
            let error = await #expect(throws: ProjectError.self) {
                try await ProjectBuild(project).run(log.context([name: secret]), checks: false)
            }
            #expect(error?.message.contains("the variable \(name) in it") == true, "\(error?.message ?? "")")
            #expect(error?.message.contains(secret) == false)
            #expect(error?.code == .unusableModule)
        }
    }
}
