// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import OCILayout
import SystemPackage
import TestSupport
import Testing

@Suite struct BuildTests {
    /// Somebody with a project that builds by copying a module.
    private struct Author {
        let listener: Listener
        var scratch: ScratchDirectory { listener.scratch }

        init() throws {
            listener = try Listener()
            try write(TinyFilter().bytes)
            try scratch.write(
                "p/wasme.yaml",
                "name: tiny\nlanguage: c\nversion: 1.0.0\nmodule: {rootIds: [r]}\nbuild: {command: [cp, in.wasm, out.wasm], output: out.wasm, inputs: [in.wasm]}\n"
            )
        }

        func write(_ bytes: [UInt8]) throws {
            try Files.createDirectory(scratch.appending("p"))
            try Files.replace(scratch.path.pushing("p/in.wasm"), with: bytes)
        }

        func run(_ arguments: String...) async -> (status: Int32, output: String, errors: String) {
            let before = (listener.output.count, listener.errors.count)
            let status = await listener.run(arguments, environment: ["PATH": "/usr/bin:/bin"])
            return (
                status, String(listener.output.dropFirst(before.0)),
                String(listener.errors.dropFirst(before.1))
            )
        }
    }

    private struct Result: Decodable {
        let references: [String]
        let digest: String
        let changed: Bool
        let configuration: String
        let moduleSize: Int
        let previousModuleSize: Int?
    }

    private func result(_ output: String) throws -> Result {
        try JSONDecoder().decode(Result.self, from: Data(output.utf8))
    }

    @Test func `what has not changed is neither built nor packed, and its digest is printed`() async throws {
        let author = try Author()
        let first = await author.run("build", "p")
        #expect(first.status == 0, "\(first.errors)")
        #expect(first.output.hasPrefix("built tiny:1.0.0\nmodule "))
        let second = await author.run("build", "p")
        #expect(second.output == first.output.replacingOccurrences(of: "built ", with: "unchanged "))
        #expect(second.errors.isEmpty)
        #expect(try result(await author.run("build", "p", "--format", "json").output).changed == false)
        // Another name is packed; the image is the same.
        let named = try result(await author.run("build", "p", "-t", "other:v1", "--format", "json").output)
        #expect(named.changed)
        #expect(first.output.contains(named.digest))
        #expect(await author.run("list").output.contains("other"))
        // So is one that was removed.
        #expect(await author.run("rm", "tiny:1.0.0").status == 0)
        #expect(await author.run("build", "p").output == first.output)
        #expect(await author.run("build", "p", "--no-cache").output == first.output)
    }

    @Test func `the size is compared with that of the build before`() async throws {
        let author = try Author()
        _ = await author.run("build", "p")
        try author.write(TinyFilter(value: String(repeating: "x", count: 40)).bytes)
        let larger = await author.run("build", "p")
        #expect(larger.output.contains(" B, +"), "\(larger.output)")
        #expect(larger.output.contains(" B since the last build, Proxy-Wasm ABI v0.2.1"))
        try author.write(TinyFilter().bytes)
        let smaller = try result(await author.run("build", "p", "--format", "json").output)
        #expect(
            smaller.previousModuleSize == smaller.moduleSize
                + TinyFilter(value: String(repeating: "x", count: 40)).bytes.count - TinyFilter().bytes.count)
    }

    @Test func `a README that changed is packed anew around the same module`() async throws {
        let author = try Author()
        let first = try result(await author.run("build", "p", "--format", "json").output)
        try author.scratch.write("p/README.md", "read me")
        let second = try result(await author.run("build", "p", "--format", "json").output)
        #expect(second.changed)
        #expect(second.digest != first.digest)
    }

    @Test func `a debug build says so in its image`() async throws {
        let author = try Author()
        let release = try result(await author.run("build", "p", "--format", "json").output)
        let debug = await author.run("build", "p", "--debug", "-t", "tiny:debug")
        #expect(debug.output.contains("debug module "))
        #expect(!debug.output.contains(release.digest))
        let inspected = await author.run("inspect", "tiny:debug", "--format", "json")
        #expect(
            inspected.output.contains("\"dev.wasme.build.configuration\" : \"debug\""), "\(inspected.output)")
        #expect(try result(await author.run("build", "p", "--format", "json").output).changed == false)
    }

    @Test func `the original's spelling builds, and so does a folder without a manifest`() async throws {
        let author = try Author()
        #expect(await author.run("build", "c", "-t", "a:v1", "p").status == 0)
        let wrong = await author.run("build", "rust", "p", "-t", "a:v1")
        #expect(wrong.status == 64)
        #expect(wrong.errors.contains("its wasme.yaml says c"))
        let two = await author.run("build", "p", "p")
        #expect(two.status == 64)
        #expect(two.errors.contains("\"p\" is not a language"))
        #expect(await author.run("build", "p", "p", "p").status == 64)
        // A folder that has the name of a language is a folder.
        try author.scratch.write("go/README.md", "")
        #expect(await author.run("build", "go").errors.contains("there is no wasme.yaml in"))
        #expect(await author.run("build", "zig").errors.contains("there is no"))
    }

    @Test func `a finished module needs nothing else`() async throws {
        let author = try Author()
        let packed = await author.run(
            "build", "precompiled", "p/in.wasm", "-t", "acme/auth:v1", "--root-id", "auth", "--root-id",
            "other")
        #expect(packed.status == 0, "\(packed.errors)")
        #expect(
            packed.errors == "note: the image has the module \"in.wasm\" and nothing else of its folder\n")
        let inspected = await author.run("inspect", "acme/auth:v1", "--format", "json")
        #expect(inspected.output.contains("\"auth\",\n"), "\(inspected.output)")
        #expect(!inspected.output.contains("precompiled"))
        #expect(Files.kind(author.scratch.path.pushing("p/.wasme")) == nil)
        let missing = await author.run("build", "precompiled")
        #expect(missing.errors.contains("needs the module that is to be packed"))
        #expect(await author.run("build", "precompiled", "none.wasm").errors.contains("there is no file"))
        let named = await author.run("build", "p", "--root-id", "x")
        #expect(named.errors.contains("the root ids of"))
        try author.scratch.write("text.wasm", "(module)")
        let text = await author.run("build", "precompiled", "text.wasm", "-t", "a:v1")
        #expect(text.status == 1)
        #expect(text.errors.contains("help: translate it first, as in 'wat2wasm"))
    }

    @Test func `cleaning says what it removed and builds anew`() async throws {
        let author = try Author()
        _ = await author.run("build", "p")
        let cleaned = await author.run("build", "p", "--clean")
        #expect(cleaned.errors.hasPrefix("removed out.wasm\nremoved .wasme\n"))
        #expect(cleaned.output.hasPrefix("built "))
    }
}
