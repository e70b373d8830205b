// SPDX-License-Identifier: Apache-2.0

import Files
import FilterProject
import Foundation
import JSON
import SystemPackage
import TestSupport
import Testing
import WasmBinary
import WasmeTemplates

@Suite struct ProjectBuildTests {
    /// A module that exports functions of these names, and a memory.
    private func module(_ functions: [String], memory: String = "memory", custom: String? = nil) -> [UInt8] {
        func name(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + Array(text.utf8) }
        func section(_ id: UInt8, _ content: [UInt8]) -> [UInt8] { [id, UInt8(content.count)] + content }
        var bytes: [UInt8] = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
        bytes += section(1, [2, 0x60, 0, 0, 0x60, 1, 0x7f, 1, 0x7f])
        bytes += section(3, [2, 0, 1])
        bytes += section(5, [1, 0, 1])
        let allocators = ["malloc", "proxy_on_memory_allocate"]
        let exports =
            functions.map { name($0) + [0, allocators.contains($0) ? 1 : 0] } + [name(memory) + [2, 0]]
        bytes += section(7, [UInt8(exports.count)] + exports.flatMap { $0 })
        bytes += section(10, [2, 2, 0, 0x0b, 4, 0, 0x20, 0, 0x0b])
        if let custom { bytes += section(0, name(custom)) }
        return bytes
    }

    /// Builds a project whose command copies a file that is there already.
    private func build(
        _ scratch: ScratchDirectory, _ bytes: [UInt8], config: String = "", log: BuildLog? = nil
    ) async throws -> BuiltFilter {
        try Files.replace(scratch.appending("in.wasm"), with: bytes)
        let project = try scratch.commandProject("[cp, in.wasm, out.wasm]", config: config)
        let log = try log ?? BuildLog(scratch)
        return try await ProjectBuild(project).run(log.context())
    }

    private static let good = ["proxy_abi_version_0_2_1", "malloc"]

    @Test func `a build gathers what an image is made of`() async throws {
        let scratch = try ScratchDirectory("build")
        try scratch.write("README.md", "read me")
        try scratch.write("LICENSE", "do what you like")
        try scratch.write("s.json", #"{"required": ["a"]}"#)
        let built = try await build(
            scratch, module(Self.good), config: "config: {schema: s.json, example: {a: 1}}")
        #expect(built.abiVersion == .v0_2_1)
        #expect(built.module.bytes == module(Self.good))
        #expect(built.modulePath == scratch.appending("out.wasm"))
        #expect(built.readme == Array("read me".utf8))
        #expect(built.licence == Array("do what you like".utf8))
        #expect(built.configSchema == Array(#"{"required": ["a"]}"#.utf8))
        #expect(built.manifest.module.rootIDs == ["r"])
    }

    @Test func `a module may bring the old allocator, and no documents`() async throws {
        let scratch = try ScratchDirectory("build")
        let built = try await build(
            scratch, module(["proxy_abi_version_0_1_0", "proxy_on_memory_allocate"]))
        #expect(built.abiVersion == .v0_1_0)
        #expect(built.readme == nil)
        #expect(built.licence == nil)
        #expect(built.configSchema == nil)
    }

    @Test func `what no proxy loads is refused with the reason`() async throws {
        let cases: [([UInt8], ProjectError.Code, String)] = [
            (module(["malloc"]), .refusedByTarget, "no export says which ABI version"),
            (
                module(["proxy_abi_version_0_2_1"]), .refusedByTarget,
                "exports neither malloc nor proxy_on_memory_allocate"
            ),
            (module(Self.good, memory: "mem"), .refusedByTarget, "exports no memory \"memory\""),
            (module(Self.good, custom: "linking"), .refusedByTarget, "object file"),
            (module(["proxy_abi_version_0_3_0", "malloc"]), .refusedByTarget, "ABI version 0.3.0"),
            (Array("(module)".utf8), .unusableModule, "it is WebAssembly text"),
            ([0x00, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0], .unusableModule, "it is a WebAssembly component"),
            ([0x7f, 0x45, 0x4c, 0x46], .unusableModule, "native program"),
            (Array(module(Self.good).dropLast()), .unusableModule, "at byte"),
            ([], .unusableModule, "an empty file"),
        ]
        for (bytes, code, reason) in cases {
            let scratch = try ScratchDirectory("build")
            let error = await #expect(throws: ProjectError.self) { try await build(scratch, bytes) }
            #expect(error?.code == code)
            #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
            #expect(error?.hint != nil)
        }
    }

    @Test func `every error is told, the first one last, and checks can be left out`() async throws {
        let scratch = try ScratchDirectory("build")
        let log = try BuildLog(scratch)
        let bytes = module(["proxy_abi_version_0_2_1"], memory: "mem")
        let error = await #expect(throws: ProjectError.self) { try await build(scratch, bytes, log: log) }
        #expect(error?.message.contains("is not for every target: ") == true, "\(error?.message ?? "")")
        #expect(error?.message.hasSuffix("(and 1 more)") == true)
        #expect(error?.hint?.contains("--no-check builds all the same") == true)
        #expect(log.progress.contains { $0.hasPrefix("every target: ") }, "\(log.progress)")
        let project = try scratch.commandProject("[cp, in.wasm, out.wasm]", config: "")
        let built = try await ProjectBuild(project).run(log.context(), checks: false)
        #expect(built.report == nil)
        #expect(built.module.bytes == bytes)
    }

    @Test func `the project's own targets decide`() async throws {
        let scratch = try ScratchDirectory("build")
        for (targets, isTaken) in [("envoy:1.40", false), ("higress", true)] {
            // Only Higress has this host call.
            let sketch = ModuleSketch(
                imports: [.init("env", "proxy_redis_init", "iiiiiii:i")],
                functions: [.init("proxy_on_configure", "ii:i")])
            try Files.replace(scratch.appending("in.wasm"), with: sketch.bytes)
            let project = try scratch.commandProject(
                "[cp, in.wasm, out.wasm]", config: "targets: [\"\(targets)\"]")
            let log = try BuildLog(scratch)
            do {
                _ = try await ProjectBuild(project).run(log.context())
                #expect(isTaken)
            } catch let error as ProjectError {
                #expect(!isTaken, "\(error)")
                #expect(error.message.contains("only Higress has it"), "\(error)")
            }
        }
    }

    @Test func `a warning is passed on and does not end the build`() async throws {
        let scratch = try ScratchDirectory("build")
        let log = try BuildLog(scratch)
        let built = try await build(
            scratch, module(["proxy_abi_version_0_3_0", "proxy_abi_version_0_2_0", "malloc"]), log: log)
        #expect(built.abiVersion == .v0_2_0)
        #expect(log.progress.contains { $0.contains("warning: the module is for several ABI versions") })
    }

    @Test(arguments: [
        (
            #"{"required": ["a"]}"#, "{b: 1}",
            "does not fit \"s.json\": the configuration: expected a member \"a\""
        ),
        (
            #"{"properties": {"a": {"type": "string"}}}"#, "{a: 1}",
            "\"/a\": expected a string, found the number 1"
        ),
        ("{", "{}", "s.json\" cannot be used: the schema is not JSON: line 1"),
        (#"{"requierd": []}"#, "{}", "unknown keyword \"requierd\""),
    ])
    func `an example that breaks the schema fails before the build`(
        schema: String, example: String, reason: String
    ) async throws {
        let scratch = try ScratchDirectory("build")
        try scratch.write("s.json", schema)
        let log = try BuildLog(scratch)
        let error = try #require(
            await #expect(throws: ProjectError.self) {
                try await build(
                    scratch, module(Self.good), config: "config: {schema: s.json, example: \(example)}",
                    log: log)
            })
        #expect(error.message.contains(reason), "\(error.message)")
        #expect(error.hint != nil)
        #expect(log.progress.isEmpty)
    }

    @Test func `a schema that is missing or elsewhere is refused`() async throws {
        let scratch = try ScratchDirectory("build")
        let outside = try ScratchDirectory("outside")
        let secret = try outside.write("secret.json", "{}")
        await #expect(throws: (any Error).self) {
            try await build(scratch, module(Self.good), config: "config: {schema: s.json}")
        }
        try #require(symlink(secret.string, scratch.appending("s.json").string) == 0)
        let error = await #expect(throws: ProjectError.self) {
            try await build(scratch, module(Self.good), config: "config: {schema: s.json}")
        }
        #expect(error?.message.contains("leads out of the project") == true)
    }

    // MARK: The real toolchain

    @Test(.requires(.swift), .timeLimit(.minutes(10)))
    func `a fresh project builds, and to the same bytes in another folder`() async throws {
        let catalog = try TemplateCatalog.locate(environment: [:])
        let template = try ProjectTemplate.find(language: "swift", in: catalog)
        let scratch = try ScratchDirectory("real-build")
        let log = try BuildLog(scratch)
        var modules: [[UInt8]] = []
        // One that clang finds in PATH, and runs if nobody keeps it from that.
        let tool = try scratch.script("bin/wasm-opt", "echo \"wasm-opt was run\"; exit 9")
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        for (folder, path) in [("one", path), ("another/deeper", "\(tool.removingLastComponent()):\(path)")] {
            let root = scratch.path.pushing(FilePath(folder))
            try Scaffold(template, in: catalog, name: try FilterName("add-header")).write(to: root)
            let built = try await ProjectBuild(FilterProject.find(from: root)).run(
                log.context(["PATH": path], catalog: catalog))
            #expect(built.abiVersion == .v0_2_1)
            #expect(built.module.imports.allSatisfy { $0.module == "env" && $0.name.hasPrefix("proxy_") })
            #expect(built.module.export("proxy_on_context_create") != nil)
            #expect(built.readme != nil)
            #expect(built.configSchema != nil)
            #expect(built.module.size < 256 << 10)
            modules.append(built.module.bytes)
        }
        #expect(modules.first == modules.last, "builds differ between folders")
        #expect(log.progress.first?.hasPrefix("building AddHeader with Swift ") == true)
        #expect(log.output.contains("Build"), "\(log.output)")
    }

    @Test(.requires(.swift), .timeLimit(.minutes(10)))
    func `a compiler's error is shown and the build fails`() async throws {
        let catalog = try TemplateCatalog.locate(environment: [:])
        let scratch = try ScratchDirectory("real-build")
        let root = scratch.appending("p")
        try Scaffold(
            try ProjectTemplate.find(language: "swift", in: catalog), in: catalog, name: try FilterName("a")
        ).write(to: root)
        try scratch.write("p/Sources/A/main.swift", "let nonsense: = 1\n")
        let log = try BuildLog(scratch)
        let error = await #expect(throws: ProjectError.self) {
            try await ProjectBuild(FilterProject.find(from: root)).run(log.context(catalog: catalog))
        }
        #expect(error?.code == .buildFailed)
        #expect(log.output.contains("main.swift:1"), "\(log.output)")
        #expect(error?.message.contains("Sources/A/main.swift:1:") == true, "\(error?.message ?? "")")
        #expect(log.progress.contains { $0.hasPrefix("  Sources/A/main.swift:1:") }, "\(log.progress)")
    }
}
