// SPDX-License-Identifier: Apache-2.0

import Files
import FilterProject
import Foundation
import SystemPackage
import TestSupport
import Testing
import WasmBinary

@Suite struct GoBuildTests {
    /// A program that says its version, for projects that are only planned.
    private func tool(
        _ scratch: ScratchDirectory, _ name: String, _ version: String
    ) throws -> [String: String] {
        let program = try scratch.script("bin/\(name)", "test \"$1\" = version && echo '\(version)'")
        return ["WASME_\(name.uppercased())": program.string]
    }

    private func go(_ scratch: ScratchDirectory, _ version: String = "1.24.3") throws -> [String: String] {
        try tool(scratch, "go", "go version go\(version) linux/amd64")
    }

    // MARK: What is run

    @Test func `go builds a library of wasip1 that builds again the same`() async throws {
        let scratch = try ScratchDirectory("go")
        let project = try scratch.project("go", ["go.mod": "module x\n"])
        var context = try BuildLog(scratch).context(try go(scratch))
        let plan = try await project.buildDriver().plan(project, context)
        #expect(
            plan.steps.map(\.arguments) == [
                [
                    "build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o",
                    "build/my-filter.wasm", ".",
                ]
            ])
        #expect(plan.steps[0].environment == ["GOOS": "wasip1", "GOARCH": "wasm", "CGO_ENABLED": "0"])
        #expect(plan.module == project.root.pushing("build/my-filter.wasm"))
        context.configuration = .debug
        let debug = try await project.buildDriver().plan(project, context)
        #expect(!debug.steps[0].arguments.contains("-ldflags=-s -w"))
        let command = try scratch.project("go", build: "{product: filter}")
        let other = try await command.buildDriver().plan(command, context)
        #expect(other.steps[0].arguments.last == "./cmd/filter")
    }

    @Test func `TinyGo builds a library of wasip1`() async throws {
        let scratch = try ScratchDirectory("tinygo")
        let project = try scratch.project("tinygo", ["go.mod": "module x\n"])
        let context = try BuildLog(scratch).context(
            try tool(
                scratch, "tinygo",
                "tinygo version 0.39.0 linux/amd64 (using go version go1.25.0 and LLVM version 19.1.2)"))
        let plan = try await project.buildDriver().plan(project, context)
        #expect(plan.tools.map(\.title) == ["TinyGo 0.39.0"])
        #expect(
            plan.steps.last?.arguments == [
                "build", "-target=wasip1", "-buildmode=c-shared", "-scheduler=none", "-no-debug", "-o",
                "build/my-filter.wasm", ".",
            ])
    }

    @Test func `TinyGo keeps a module alive whose main sets it up`() async throws {
        let scratch = try ScratchDirectory("tinygo")
        let main = "package main\r\n\r\nfunc main() {\r\n\tproxywasm.SetVMContext(&vm{})\r\n}\r\n"
        let project = try scratch.project("tinygo", ["go.mod": "module x\r\n", "main.go": main])
        let log = try BuildLog(scratch)
        let context = log.context(try tool(scratch, "tinygo", "tinygo version 0.39.0 linux/amd64"))
        let plan = try await project.buildDriver().plan(project, context)
        #expect(plan.steps.last?.arguments.contains("-buildmode=wasi-legacy") == true)
        #expect(log.progress.contains { $0.contains("main.go calls SetVMContext in main") })
    }

    @Test func `what go reads elsewhere is known, or not, where a workspace has a say`() async throws {
        let scratch = try ScratchDirectory("go")
        let project = try scratch.project(
            "go", ["go.mod": "module x\r\n\r\nreplace (\r\n\ta => ../a\r\n\tb => ./b\r\n)\r\n"])
        var variables = try go(scratch)
        func outside() async throws -> [FilePath]? {
            try await project.buildDriver().plan(project, try BuildLog(scratch).context(variables)).outside
        }
        #expect(try await outside() == [scratch.appending("a")])
        try scratch.write("go.work", "go 1.24\n\nuse ./p\n")
        #expect(try await outside() == nil)
        variables["GOWORK"] = "off"
        #expect(try await outside() == [scratch.appending("a")])
    }

    @Test(.requires(.go)) func `go itself makes a module, twice the same`() async throws {
        let scratch = try ScratchDirectory("go")
        let project = try scratch.fixture("GoFilter")
        let log = try BuildLog(scratch)
        let context = log.context([
            "WASME_GO": try #require(Tool.go.path).string, "GOTOOLCHAIN": "local",
            "GOCACHE": scratch.appending("cache").string,
        ])
        let built = try await ProjectBuild(project).run(context)
        #expect(built.module.exports.contains { $0.name == "proxy_on_configure" }, "\(log.output)")
        // Another folder of the same sources.
        let second = try ScratchDirectory("go")
        let again = try await ProjectBuild(try second.fixture("GoFilter")).run(context)
        #expect(again.module.bytes == built.module.bytes)
    }

    // MARK: What cannot be built

    @Test func `what is missing is named`() async throws {
        let scratch = try ScratchDirectory("go")
        let context = try BuildLog(scratch).context(try go(scratch))
        #expect(try await scratch.project("go").planFailure(context).message.contains("has no go.mod"))
        let project = try scratch.project("go", ["go.mod": "module x\n"])
        let old = try await project.planFailure(try BuildLog(scratch).context(try go(scratch, "1.23.4")))
        #expect(old.message.contains("is Go 1.23.4, and filters need 1.24 or later"))
        let none = try await project.planFailure(
            try BuildLog(scratch).context(["PATH": scratch.path.string]))
        #expect(none.message == "cannot build: there is no \"go\" in PATH")
    }

    @Test func `the SDK for TinyGo is refused before anything is built`() async throws {
        let scratch = try ScratchDirectory("go")
        let project = try scratch.project(
            "go", ["go.mod": "module x\n\nrequire github.com/tetratelabs/proxy-wasm-go-sdk v0.24.0\n"])
        let error = try await project.planFailure(try BuildLog(scratch).context(try go(scratch)))
        #expect(error.message.contains("of which Go makes a module that exports nothing"))
        #expect(error.hint?.contains("language: tinygo") == true)
        let comment = try scratch.project(
            "go", ["go.mod": "module x // once github.com/tetratelabs/proxy-wasm-go-sdk\n"])
        _ = try await comment.buildDriver().plan(comment, try BuildLog(scratch).context(try go(scratch)))
    }

    // MARK: Traps

    @Test(arguments: [
        ("func main() {\n\tproxywasm.SetVMContext(&vm{})\n}\n\nfunc init() {}\n", true),
        ("func main() { proxywasm.SetHttpContext(newContext) }\n", true),
        ("func main() {}\n\nfunc init() {\n\tproxywasm.SetVMContext(&vm{})\n}\n", false),
        ("func init() {\n\tproxywasm.SetVMContext(&vm{})\n}\n\nfunc main() {\n}\n", false),
    ])
    func `what main does is lost, and is said so`(functions: String, isWarned: Bool) async throws {
        let scratch = try ScratchDirectory("go")
        let project = try scratch.project(
            "go", ["go.mod": "module x\n", "main.go": "package main\n\n" + functions])
        let log = try BuildLog(scratch)
        _ = try await project.buildDriver().plan(project, log.context(try go(scratch)))
        #expect(log.progress.contains { $0.hasPrefix("warning: main.go calls Set") } == isWarned)
    }

    /// The words of Go 1.27, but for those of 1.23 in the third; TinyGo's are from its documentation and its sources.
    @Test(arguments: [
        (Language.go.name, "main.go:3:8: no required module provides package x.org/y; to add it:", "go-sum"),
        (
            Language.go.name,
            "main.go:3:8: cannot find module providing package x.org/y: import lookup disabled by -mod=readonly",
            "go-sum"
        ),
        (Language.go.name, "-buildmode=c-shared not supported on wasip1/wasm", "go-c-shared"),
        (Language.go.name, "-buildmode=c-shared requires exactly one main package", "go-main"),
        (Language.go.name, "runtime.main_main·f: function main is undeclared in the main package", "go-main"),
        (Language.go.name, "package x: build constraints exclude all Go files in /x", "go-cgo"),
        (Language.tinyGo.name, "flag provided but not defined: -wasm-abi", "wasm-abi"),
        (
            Language.tinyGo.name, "error: requires go version 1.19 through 1.23, got go1.24",
            "tinygo-go"
        ),
    ])
    func `what goes wrong often is recognised`(language: String, output: String, trap: String) throws {
        #expect(traps(try #require(Language.named(language)), in: output) == [trap])
    }

    @Test(.requires(.go)) func `a missing package is recognised by what go says`() async throws {
        let scratch = try ScratchDirectory("go")
        let project = try scratch.project(
            "go",
            [
                "go.mod": "module x\n\ngo 1.24\n",
                "main.go": "package main\n\nimport _ \"example.com/nowhere\"\n\nfunc main() {}\n",
            ])
        let log = try BuildLog(scratch)
        let context = log.context([
            "WASME_GO": try #require(Tool.go.path).string, "GOTOOLCHAIN": "local", "GOPROXY": "off",
            "GOCACHE": scratch.appending("cache").string,
        ])
        await #expect(throws: ProjectError.self) { try await ProjectBuild(project).run(context) }
        #expect(traps(.go, in: log.output) == ["go-sum"], "\(log.output)")
    }
}
