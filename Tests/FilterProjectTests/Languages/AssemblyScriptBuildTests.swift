// SPDX-License-Identifier: Apache-2.0

import Files
import FilterProject
import SystemPackage
import TestSupport
import Testing
import WasmBinary

@Suite struct AssemblyScriptBuildTests {
    private static let package =
        #"{"scripts": {"asbuild": "asc all", "asbuild:release": "asc release"}, "private": true}"#

    private func tools(_ scratch: ScratchDirectory, node: String = "v22.11.0") throws -> [String: String] {
        [
            "WASME_NODE": try scratch.script("bin/node", "echo \(node)").string,
            "WASME_NPM": try scratch.script("bin/npm", "echo 10.9.0").string,
        ]
    }

    @Test func `npm runs the script of the target, and fetches packages only if there are none`() async throws
    {
        let scratch = try ScratchDirectory("as")
        let log = try BuildLog(scratch)
        var context = log.context(try tools(scratch))
        let files = [
            "package.json": Self.package,
            "asconfig.json": #"{"targets": {"release": {"outFile": "out/filter.wasm"}}}"#,
        ]
        let project = try scratch.project("assemblyscript", files)
        let first = try await project.buildDriver().plan(project, context)
        #expect(
            first.steps.map(\.arguments) == [
                ["install", "--no-audit", "--no-fund"], ["run", "asbuild:release"],
            ])
        #expect(first.module == project.root.pushing("out/filter.wasm"))
        #expect(log.progress.contains { $0.contains("'npm install' fetches the packages") })
        try scratch.write("p/package-lock.json", "{}")
        let locked = try await project.buildDriver().plan(project, context)
        #expect(locked.steps.first?.arguments.first == "ci")
        try scratch.write("p/node_modules/assemblyscript/package.json", "{}")
        let second = try await project.buildDriver().plan(project, context)
        #expect(second.steps.map(\.arguments) == [["run", "asbuild:release"]])
        context.configuration = .debug
        let debug = try await project.buildDriver().plan(project, context)
        #expect(debug.steps.map(\.arguments) == [["run", "asbuild"]])
        #expect(debug.module == project.root.pushing("build/debug.wasm"))
    }

    @Test(.requires(.npm)) func `npm itself runs the script`() async throws {
        let scratch = try ScratchDirectory("as")
        // The compiler comes from a registry: a copy of a module stands for what it writes.
        try Files.replace(scratch.appending("tiny.wasm"), with: TinyFilter().bytes)
        let project = try scratch.project(
            "assemblyscript",
            [
                "package.json":
                    #"{"scripts": {"asbuild": "mkdir -p build && cp ../tiny.wasm build/release.wasm"}}"#,
                "node_modules/.keep": "",
            ])
        let log = try BuildLog(scratch)
        let built = try await ProjectBuild(project).run(log.context())
        #expect(built.module.exports.contains { $0.name == "proxy_on_configure" }, "\(log.output)")
    }

    @Test func `what is missing is named`() async throws {
        let scratch = try ScratchDirectory("as")
        let context = try BuildLog(scratch).context(try tools(scratch))
        let empty = try scratch.project("assemblyscript")
        #expect(try await empty.planFailure(context).message.contains("has no package.json"))
        let broken = try scratch.project("assemblyscript", ["package.json": "{"])
        #expect(try await broken.planFailure(context).message.contains("cannot be read"))
        let list = try scratch.project("assemblyscript", ["package.json": "[]"])
        #expect(try await list.planFailure(context).message.contains("is not a JSON object"))
        let other = try scratch.project(
            "assemblyscript", ["package.json": Self.package, "pnpm-lock.yaml": ""])
        #expect(try await other.planFailure(context).hint == "run 'pnpm install' there")
        let old = try BuildLog(scratch).context(try tools(scratch, node: "v18.19.0"))
        let error = try await other.planFailure(old)
        #expect(error.message.contains("is Node.js 18.19.0, and filters need 20.0 or later"))
    }

    /// The words of npm 10 and of a shell, but for the last: a place as asc writes it, by its documentation.
    @Test(arguments: [
        ("sh: 1: asc: not found", "asc-missing"),
        ("npm error Missing script: \"asbuild\"", "no-asbuild"),
        (
            "npm error `npm ci` can only install packages when your package.json and package-lock.json or npm-shrinkwrap.json are in sync.",
            "npm-lock"
        ),
        ("    in node_modules/@solo-io/proxy-runtime/assembly/runtime.ts(12,5)", "old-as-sdk"),
    ])
    func `what goes wrong often is recognised`(output: String, trap: String) {
        #expect(traps(.assemblyScript, in: output) == [trap])
    }

    @Test(.requires(.npm)) func `a project without its compiler is recognised by what npm says`() async throws
    {
        let scratch = try ScratchDirectory("as")
        let project = try scratch.project(
            "assemblyscript",
            ["package.json": #"{"scripts": {"asbuild": "asc assembly/index.ts"}}"#, "node_modules/.keep": ""])
        let log = try BuildLog(scratch)
        // Nobody's own compiler.
        let context = log.context(["PATH": "/usr/bin:/bin"])
        await #expect(throws: ProjectError.self) { try await ProjectBuild(project).run(context) }
        #expect(traps(.assemblyScript, in: log.output) == ["asc-missing"], "\(log.output)")
    }

    @Test func `a module that asks for abort is recognised`() throws {
        let module = try WasmModule(ModuleSketch(imports: [.init("env", "abort", "iiii:")]).bytes)
        #expect(Language.assemblyScript.traps.filter { $0.shows(in: module) }.map(\.name) == ["as-abort"])
        let other = try WasmModule(TinyFilter().bytes)
        #expect(Language.assemblyScript.traps.contains { $0.shows(in: other) } == false)
    }
}
