// SPDX-License-Identifier: Apache-2.0

import Files
import FilterProject
import SystemPackage
import TestSupport
import Testing

/// What the drivers for C, Zig and C++ find, say and plan, with tools that are scripts.
@Suite struct NativeDriverTests {
    private func project(_ scratch: ScratchDirectory, _ language: String) throws -> FilterProject {
        try scratch.write(
            "wasme.yaml", "name: my-filter\nlanguage: \(language)\nmodule: {rootIds: [my_filter]}\n")
        return try FilterProject(root: scratch.path)
    }

    private func plan(
        _ project: FilterProject, _ scratch: ScratchDirectory, _ variables: [String: String],
        _ configuration: BuildConfiguration = .release
    ) async throws -> BuildPlan {
        var context = try BuildLog(scratch).context(variables)
        context.configuration = configuration
        return try await project.buildDriver().plan(project, context)
    }

    private func refusal(
        _ project: FilterProject, _ scratch: ScratchDirectory, _ variables: [String: String]
    ) async -> ProjectError? {
        do {
            _ = try await plan(project, scratch, variables)
            return nil
        } catch {
            return error as? ProjectError
        }
    }

    /// A clang that answers as told.
    private func clang(
        _ scratch: ScratchDirectory, targets: String = "wasm32", linker: String = "/bin/sh"
    ) throws -> [String: String] {
        let path = try scratch.script(
            "clang",
            """
            case "$1" in
            --print-targets) echo "    \(targets) - some target" ;;
            --print-prog-name=wasm-ld) echo "\(linker)" ;;
            *) echo "Debian clang version 14.0.6" ;;
            esac
            """)
        return ["WASME_CLANG": path.string]
    }

    // MARK: C

    @Test func `C with a Makefile is built by it, with the clang that was found`() async throws {
        let scratch = try ScratchDirectory("driver")
        try scratch.write("Makefile", "WASM_CC ?= clang\n")
        let variables = try clang(scratch)
        let project = try project(scratch, "c")
        let release = try await plan(project, scratch, variables)
        let clang = "WASM_CC=\(scratch.appending("clang"))"
        #expect(release.steps.map(\.arguments) == [["build/my-filter.wasm", clang]])
        #expect(release.module == scratch.path.pushing("build/my-filter.wasm"))
        #expect(release.tools.first?.title == "clang 14.0.6")
        let debug = try await plan(project, scratch, variables, .debug)
        #expect(debug.steps.map(\.arguments) == [["build/debug/my-filter.wasm", clang, "DEBUG=1"]])
    }

    @Test func `C without a Makefile is compiled by clang itself`() async throws {
        let scratch = try ScratchDirectory("driver")
        try scratch.write("src/b.c", "")
        try scratch.write("a.c", "")
        try scratch.write("include/x.h", "")
        let plan = try await plan(try project(scratch, "c"), scratch, try clang(scratch))
        let arguments = try #require(plan.steps.first).arguments
        #expect(arguments.contains("--target=wasm32-unknown-unknown"))
        #expect(arguments.contains("-Iinclude"))
        #expect(Array(arguments.suffix(4)) == ["a.c", "src/b.c", "-o", plan.module.string])
    }

    @Test func `C without sources is refused`() async throws {
        let scratch = try ScratchDirectory("driver")
        let error = await refusal(try project(scratch, "c"), scratch, try clang(scratch))
        #expect(error?.code == .malformed)
        #expect(error?.message.contains("has no C files") == true)
    }

    @Test func `a clang without WebAssembly or its linker is not good enough`() async throws {
        let scratch = try ScratchDirectory("driver")
        let project = try project(scratch, "c")
        let first = await refusal(project, scratch, try clang(scratch, targets: "x86-64"))
        #expect(first?.code == .noToolchain)
        #expect(first?.message.contains("does not compile for WebAssembly") == true)
        let second = await refusal(project, scratch, try clang(scratch, linker: "no-such-linker"))
        #expect(second?.message.contains("finds no \"wasm-ld\"") == true)
        #expect(second?.hint?.isEmpty == false)
    }

    // MARK: Zig

    @Test func `Zig is found inside the Python package`() async throws {
        let scratch = try ScratchDirectory("driver")
        try scratch.write("build.zig", "b.option(std.builtin.Optimize, \"mode\", \"\")")
        try scratch.write("bin/x", "")
        try scratch.script("bin/python3", "echo '\(scratch.path)/package'")
        try scratch.write("package/x", "")
        let zig = try scratch.script("package/zig", "echo 0.17.1")
        let variables = ["PATH": scratch.appending("bin").string, "WASME_ZIG": ""]
        let project = try project(scratch, "zig")
        let plan = try await plan(project, scratch, variables)
        #expect(plan.steps.map(\.program) == [zig])
        #expect(plan.steps.map(\.arguments) == [["build"]])
        #expect(plan.module == scratch.path.pushing("zig-out/bin/my-filter.wasm"))
        let debug = try await self.plan(project, scratch, variables, .debug)
        #expect(debug.steps.map(\.arguments) == [["build", "-Dmode=debug"]])
    }

    @Test func `a build script with Zig's own options is told to be small`() async throws {
        let scratch = try ScratchDirectory("driver")
        try scratch.write("build.zig", "b.standardOptimizeOption(.{})")
        let zig = try scratch.script("zig", "echo 0.17.1")
        let plan = try await plan(try project(scratch, "zig"), scratch, ["WASME_ZIG": zig.string])
        #expect(plan.steps.map(\.arguments) == [["build", "--release=small"]])
    }

    @Test func `an old Zig is refused, and so is a project without a build script`() async throws {
        let scratch = try ScratchDirectory("driver")
        let zig = try scratch.script("zig", "echo 0.13.0")
        let project = try project(scratch, "zig")
        let variables = ["WASME_ZIG": zig.string]
        #expect(await refusal(project, scratch, variables)?.message.contains("has no build.zig") == true)
        try scratch.write("build.zig", "")
        let error = await refusal(project, scratch, variables)
        #expect(error?.message.contains("filters need 0.17.0 or later") == true)
    }

    // MARK: C++

    @Test func `C++ is built by the first compiler that is there, with the SDK that is named`() async throws {
        let scratch = try ScratchDirectory("driver")
        try scratch.write("Makefile", "include toolchain.mk\nTOOLCHAIN ?= clang\n")
        try scratch.write("wasi/bin/x", "")
        try scratch.script("wasi/bin/clang++", "echo 'clang version 20.1.8-wasi-sdk'")
        try scratch.write("sdk/proxy_wasm_intrinsics.cc", "")
        let wasi = scratch.appending("wasi")
        let variables = [
            "WASI_SDK_PATH": wasi.string, "WASME_WASI_CXX": "",
            "WASME_PROXY_WASM_CPP_SDK": scratch.appending("sdk").string,
        ]
        let project = try project(scratch, "cpp")
        let plan = try await plan(project, scratch, variables)
        #expect(
            plan.steps.map(\.arguments) == [
                [
                    "build/my-filter.wasm", "TOOLCHAIN=wasi-sdk", "WASI_SDK_PATH=\(wasi)",
                    "PROXY_WASM_CPP_SDK=\(scratch.appending("sdk"))",
                ]
            ])
        let error = await refusal(
            project, scratch, variables.merging(["WASME_PROXY_WASM_CPP_SDK": "/nowhere"]) { $1 })
        #expect(error?.message.contains("no copy of proxy-wasm-cpp-sdk") == true)
    }

    @Test func `C++ without a compiler says which there are`() async throws {
        let scratch = try ScratchDirectory("driver")
        try scratch.write("Makefile", "TOOLCHAIN ?=\n")
        let error = await refusal(
            try project(scratch, "cpp"), scratch,
            ["PATH": scratch.path.string, "WASI_SDK_PATH": "", "EMSDK": "", "WASME_ZIG": ""])
        #expect(error?.code == .noToolchain)
        #expect(error?.message.contains("wasi-sdk, clang++, emscripten or Zig") == true)
    }

    @Test func `a C++ project for another build system is told what to write`() async throws {
        let scratch = try ScratchDirectory("driver")
        try scratch.write("BUILD", "")
        let error = await refusal(try project(scratch, "cpp"), scratch, [:])
        #expect(error?.code == .malformed)
        #expect(error?.hint?.contains("build: {command: [bazel, build") == true)
    }
}
