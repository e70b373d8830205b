// SPDX-License-Identifier: Apache-2.0

import Files
import FilterProject
import Foundation
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
        bytes += section(1, [1, 0x60, 0, 0])
        bytes += section(3, [1, 0])
        bytes += section(5, [1, 0, 1])
        let exports = functions.map { name($0) + [0, 0] } + [name(memory) + [2, 0]]
        bytes += section(7, [UInt8(exports.count)] + exports.flatMap { $0 })
        bytes += section(10, [1, 2, 0, 0x0b])
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
        let cases: [([UInt8], String)] = [
            (module(["malloc"]), "exports no function proxy_abi_version_"),
            (module(["proxy_abi_version_0_2_1"]), "exports neither malloc nor proxy_on_memory_allocate"),
            (module(Self.good, memory: "mem"), "exports no memory named \"memory\""),
            (module(Self.good, custom: "linking"), "object file"),
            (Array("(module)".utf8), "it is WebAssembly text"),
            ([0x00, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0], "it is a WebAssembly component"),
            ([0x7f, 0x45, 0x4c, 0x46], "native program"),
            (Array(module(Self.good).dropLast()), "at byte"),
            ([], "an empty file"),
        ]
        for (bytes, reason) in cases {
            let scratch = try ScratchDirectory("build")
            let error = await #expect(throws: ProjectError.self) { try await build(scratch, bytes) }
            #expect(error?.code == .unusableModule)
            #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
        }
    }

    @Test func `an ABI that hosts do not know is mentioned and not refused`() async throws {
        let scratch = try ScratchDirectory("build")
        let log = try BuildLog(scratch)
        let built = try await build(
            scratch, module(["proxy_abi_version_0_3_0", "proxy_abi_version_0_2_0", "malloc"]), log: log)
        #expect(built.abiVersion.description == "0.3.0")
        #expect(log.progress.contains { $0.contains("several ABI versions (0.3.0, 0.2.0)") })
        #expect(log.progress.contains { $0.contains("0.3.0 is not one that hosts are known to load") })
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
        for folder in ["one", "another/deeper"] {
            let root = scratch.path.pushing(FilePath(folder))
            try Scaffold(template, in: catalog, name: try FilterName("add-header")).write(to: root)
            let built = try await ProjectBuild(FilterProject.find(from: root)).run(
                log.context(catalog: catalog))
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
    }
}
