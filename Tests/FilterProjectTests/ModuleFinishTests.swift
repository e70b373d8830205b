// SPDX-License-Identifier: Apache-2.0

import FilterImage
import FilterProject
import Files
import Foundation
import SystemPackage
import TestSupport
import Testing
import WasmBinary

@Suite struct ModuleFinishTests {
    /// Builds a project whose command copies a module.
    private func build(
        _ bytes: [UInt8], _ build: String, log: BuildLog, _ scratch: ScratchDirectory
    ) async throws -> MadeModule {
        try Files.replace(scratch.appending("in.wasm"), with: bytes)
        let project = try scratch.commandProject("[cp, in.wasm, out.wasm]", build: build)
        return try await ProjectBuild(project).run(log.context(), checks: false).made
    }

    @Test func `parts that no host reads are taken out, and everything else stays`() async throws {
        let scratch = try ScratchDirectory("strip")
        let log = try BuildLog(scratch)
        var sketch = ModuleSketch()
        sketch.custom = [
            ("name", [1]), ("producers", [0]), (".debug_info", [1, 2]), ("mine", [7]),
            ("target_features", [0]),
        ]
        func left(_ strip: String) async throws -> [String] {
            try await build(sketch.bytes, "strip: \(strip)", log: log, scratch).module.customSections.map(
                \.name)
        }
        #expect(try await left("true") == ["mine", "target_features"])
        #expect(try await left("[names]") == ["producers", ".debug_info", "mine", "target_features"])
        #expect(try await left("[debug, producers]") == ["name", "mine", "target_features"])
        let whole = try await build(sketch.bytes, "strip: false", log: log, scratch)
        #expect(whole.module.bytes == sketch.bytes)
        #expect(whole.steps.isEmpty)
        let stripped = try await build(sketch.bytes, "strip: true", log: log, scratch)
        sketch.custom = [("mine", [7]), ("target_features", [0])]
        #expect(stripped.module.bytes == sketch.bytes)
        #expect(stripped.steps.map(\.name) == ["strip debug, names, producers"])
        #expect(stripped.steps.first?.after == sketch.bytes.count)
        #expect(whole.module.size == stripped.steps.first?.before)
    }

    @Test(.requires(.wasmOpt)) func `wasm-opt makes a module smaller that hosts still take`() async throws {
        let scratch = try ScratchDirectory("optimise")
        let log = try BuildLog(scratch)
        // A function that nobody calls, and one that does in ten steps what takes one.
        let text = """
            (module
              (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
              (memory (export "memory") 1)
              (func $unused (param i32) (result i32) (i32.add (local.get 0) (i32.mul (local.get 0) (i32.const 77))))
              (func (export "malloc") (param i32) (result i32) (local i32 i32)
                (local.set 1 (local.get 0)) (local.set 2 (local.get 1))
                (drop (local.get 2)) (i32.add (i32.const 1000) (i32.const 24)))
              (func (export "proxy_on_configure") (param i32 i32) (result i32)
                (drop (call $log (i32.const 2) (i32.const 0) (i32.const 0))) (i32.extend8_s (i32.const 1)))
              (func (export "proxy_abi_version_0_2_1")))
            """
        let wat = try scratch.write("in.wat", text)
        let wabt = try #require(Tool.wabt.path)
        let assembled = try await run(wabt, [wat.string, "-o", scratch.appending("in0.wasm").string])
        try #require(assembled.status == 0, "\(assembled.stderr)")
        let bytes = try Files.read(scratch.appending("in0.wasm"))
        let made = try await build(bytes, "optimize: Oz", log: log, scratch)
        #expect(made.module.size < bytes.count)
        #expect(made.steps.map(\.name) == ["wasm-opt -Oz"])
        #expect(made.module.functionCount == 4)
        #expect(made.module.export("proxy_on_configure") != nil)
        // Nothing is left in the project's folder but what belongs there.
        #expect(
            try Files.contents(scratch.appending(".wasme")) == [".gitignore", "release.json", "release.wasm"])
        let error = await #expect(throws: ProjectError.self) {
            try await build(bytes, "optimize: [--no-such-pass]", log: log, scratch)
        }
        #expect(error?.message.hasPrefix("wasm-opt") == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("could not optimise the module") == true)
        #expect(try Files.contents(scratch.appending(".wasme")).count == 3)
    }

    @Test func `a wasm-opt that is asked for and missing says what installs it`() async throws {
        let scratch = try ScratchDirectory("optimise")
        try Files.replace(scratch.appending("in.wasm"), with: TinyFilter().bytes)
        let project = try scratch.commandProject("[/bin/cp, in.wasm, out.wasm]", build: "optimize: Oz")
        let log = try BuildLog(scratch)
        let error = await #expect(throws: ProjectError.self) {
            try await ProjectBuild(project).run(log.context(["PATH": scratch.path.string]))
        }
        #expect(error?.message == "cannot build: there is no \"wasm-opt\" in PATH")
        #expect(error?.hint?.contains("binaryen") == true)
    }

    @Test func `the identity of a build survives, and says which content it is`() async throws {
        let scratch = try ScratchDirectory("stamp")
        let log = try BuildLog(scratch)
        var sketch = ModuleSketch()
        // As the SDK leaves room for it, here in a section that stays.
        sketch.custom = [("name", [1]), ("room", Array("proxy-wasm-sdk build id:unstamped\0\0\0".utf8))]
        let whole = try await build(sketch.bytes, "strip: false", log: log, scratch)
        let stripped = try await build(sketch.bytes, "strip: true", log: log, scratch)
        let ids = [whole, stripped].map { BuildStamp.id(of: $0.module.bytes) }
        #expect(ids.allSatisfy { $0?.count == 12 })
        #expect(ids[0] != ids[1])
    }

    // MARK: What is no module

    @Test(
        arguments: [
            // The component's header, text, and an archive.
            (
                [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00], "a WebAssembly component",
                "build for wasip1"
            ),
            (Array("(module)".utf8), "WebAssembly text", "wat2wasm"),
            ([0x1f, 0x8b, 8], "a gzip stream", "unpack it"),
            ([], "an empty file", "wrote nothing"),
        ] as [([UInt8], String, String)])
    func `what is built and is no module says what it is, and nothing is remembered of it`(
        bytes: [UInt8], kind: String, hint: String
    ) async throws {
        let scratch = try ScratchDirectory("kind")
        let log = try BuildLog(scratch)
        let error = await #expect(throws: ProjectError.self) { try await build(bytes, "", log: log, scratch) }
        #expect(error?.message.hasSuffix("it is \(kind)") == true, "\(error?.message ?? "")")
        #expect(error?.hint?.contains(hint) == true, "\(error?.hint ?? "")")
        #expect(Files.kind(scratch.appending(".wasme")) == nil)
        // The same file without a build.
        let lone = try scratch.write("lone.wasm", "")
        try Files.replace(lone, with: bytes)
        let packed = await #expect(throws: ProjectError.self) {
            try await ProjectBuild(FilterProject.precompiled(lone)).run(log.context())
        }
        #expect(packed?.hint == error?.hint)
    }

    @Test func `a folder with one module is that module, and with two an error`() async throws {
        let scratch = try ScratchDirectory("two")
        let log = try BuildLog(scratch)
        try Files.createDirectory(scratch.appending("out"))
        try Files.replace(scratch.path.pushing("out/a.wasm"), with: TinyFilter().bytes)
        let project = try scratch.commandProject("[\"true\"]", output: "out")
        let built = try await ProjectBuild(project).run(log.context())
        #expect(built.modulePath == scratch.path.pushing("out/a.wasm"))
        try Files.replace(scratch.path.pushing("out/b.wasm"), with: TinyFilter().bytes)
        let error = await #expect(throws: ProjectError.self) {
            try await ProjectBuild(project).run(log.context())
        }
        #expect(error?.message.contains("left 2 modules in") == true)
        #expect(error?.message.hasSuffix(": a.wasm, b.wasm") == true)
    }

    @Test func `a finished module is a project without a build, and without a trace`() async throws {
        let scratch = try ScratchDirectory("precompiled")
        let log = try BuildLog(scratch)
        let module = scratch.appending("Add Header.wasm")
        try Files.replace(module, with: TinyFilter().bytes)
        try scratch.write("README.md", "of something else")
        let built = try await ProjectBuild(FilterProject.precompiled(module)).run(log.context())
        #expect(built.manifest.name.description == "add-header")
        #expect(built.module.bytes == TinyFilter().bytes)
        #expect(built.readme == nil)
        #expect(
            try Files.contents(scratch.path).sorted() == ["Add Header.wasm", "README.md", "toolchain.log"])
        // With a manifest it is a project like any other.
        try scratch.write(
            "wasme.yaml",
            "name: a\nlanguage: precompiled\nmodule: {rootIds: [r]}\nbuild: {module: Add Header.wasm, strip: true}\n"
        )
        let project = try FilterProject(root: scratch.path)
        #expect(try await ProjectBuild(project).run(log.context()).readme == Array("of something else".utf8))
        #expect(try await ProjectBuild(project).run(log.context()).made.isRemembered)
    }
}
