// SPDX-License-Identifier: Apache-2.0

import Files
import FilterProject
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Projects as the original wasme's `init` began them and people went on.
@Suite struct OriginalProjectTests {
    private let scratch: ScratchDirectory

    init() throws { scratch = try ScratchDirectory("original") }

    private static let bazelCPlusPlus = [
        "runtime-config.json": """
        {"type": "envoy_proxy", "abiVersions": ["v0-4689a30309abf31aee9ae36e73d34b1bb182685f"],
         "config": {"rootIds": ["guard_root_id"]}}
        """,
        "WORKSPACE": """
        workspace(name = "guard")
        http_archive(
            name = "emscripten_toolchain",
            patch_cmds = ["./emsdk install 1.39.0-upstream"],
        )
        new_git_repository(name = "envoy_wasm_api", remote = "https://example.invalid/envoy-wasm")
        """,
        "BUILD": """
        load("//bazel/wasm:wasm.bzl", "wasm_cc_binary")
        wasm_cc_binary(
            name = "guard.wasm",
            srcs = ["guard.cc"],
        )
        """,
        "guard.cc": """
        #include "proxy_wasm_intrinsics.h"
        class Guard : public Context {
          FilterHeadersStatus onRequestHeaders(uint32_t, bool) override;
        };
        static RegisterContextFactory register_Guard(CONTEXT_FACTORY(Guard), ROOT_FACTORY(Root), "guard_root_id");
        """,
    ]

    private static let assemblyScript = [
        "runtime-config.json":
            #"{"type": "envoy_proxy", "abi_versions": ["v0.2.1"], "config": {"root_ids": []}}"#,
        "package.json": """
        {"scripts": {"asbuild": "asc assembly/index.ts -b build/optimized.wasm --use abort=abort_proc_exit"},
         "dependencies": {"@solo-io/proxy-runtime": "^0.1.1"},
         "devDependencies": {"assemblyscript": "^0.9.1"}}
        """,
        "assembly/index.ts": """
        class Greeter extends RootContext { onResponseHeaders(a: u32): FilterHeadersStatusValues {} }
        registerRootContext((id: u32) => { return new Greeter(id); }, "greeter");
        """,
        "node_modules/x/index.js": "",
    ]

    private static let rustByBazel = [
        "runtime-config.json":
            #"{"type": "envoy_proxy", "abiVersions": [], "config": {"rootIds": ["auth"]}}"#,
        "WORKSPACE": "workspace(name = \"auth\")\n",
        "BUILD": "rust_binary(\n    name = \"auth\",\n    srcs = [\"auth.rs\"],\n)\n",
        "auth.rs":
            "impl HttpContext for Auth { fn on_http_request_headers(&mut self, _: usize) -> Action {} }\n",
    ]

    private static let rustByCargo = [
        "runtime-config.json": #"{"type": "envoy_proxy", "config": {"rootIds": ["tcp"]}}"#,
        "Cargo.toml": """
        [package]
        name = "tcp"
        [dependencies]
        proxy-wasm = "0.1.4"
        wasm-bindgen = "0.2"
        """,
        ".cargo/config": "[build]\ntarget = \"wasm32-wasi\"\n",
        "src/lib.rs":
            "impl StreamContext for Tcp { fn on_downstream_data(&mut self, _: usize, _: bool) -> Action {} }\n",
    ]

    private static let tinyGo = [
        "runtime-config.json":
            #"{"type": "envoy_proxy", "abiVersions": ["v0.2.0"], "config": {"rootIds": ["a b", "007"]}}"#,
        "go.mod": "module main\n\ngo 1.15\n\nrequire github.com/tetratelabs/proxy-wasm-go-sdk v0.1.1\n",
        "main.go": "package main\nfunc main() { proxywasm.SetNewHttpContext(newContext) }\n",
    ]

    private func write(_ files: [String: String], to name: String = "old") throws -> FilePath {
        for (path, text) in files { try scratch.write("\(name)/\(path)", text) }
        return scratch.appending(name)
    }

    private func said(_ project: OriginalProject, _ level: Diagnosis.Level) -> [String] {
        project.findings.filter { $0.level == level }.map { "\($0.subject): \($0.message)" }
    }

    // MARK: The four languages

    @Test func `C++ by Bazel goes on by Bazel, and its pins are named`() throws {
        let project = try OriginalProject(in: try write(Self.bazelCPlusPlus))
        #expect(project.language == "cpp")
        #expect(project.type == .http)
        let manifest = try ProjectManifest(parsing: try project.manifest())
        #expect(manifest.name.description == "old")
        #expect(manifest.module.rootIDs == ["guard_root_id"])
        #expect(
            manifest.build.command.last
                == "bazel build //:guard.wasm && cp -f bazel-bin/guard.wasm filter.wasm")
        #expect(manifest.build.output == "filter.wasm")
        let faults = said(project, .fault)
        #expect(faults.contains { $0.hasPrefix("WORKSPACE:4: emscripten") }, "\(faults)")
        #expect(faults.contains { $0.hasPrefix("WORKSPACE:6: the API of envoy-wasm") }, "\(faults)")
        #expect(said(project, .note).contains { $0.contains("v0-4689a30309abf31aee9ae36e73d34b1bb182685f") })
    }

    @Test func `AssemblyScript gets its root id from the source`() throws {
        let project = try OriginalProject(in: try write(Self.assemblyScript))
        #expect(project.language == "assemblyscript")
        #expect(project.rootIDs == ["greeter"])
        #expect(project.abiVersions == ["v0.2.1"])
        let faults = said(project, .fault)
        #expect(faults.contains { $0.contains("solo-io") }, "\(faults)")
        #expect(faults.contains { $0.contains("too old") }, "\(faults)")
    }

    @Test func `Rust by Bazel and by cargo`() throws {
        let bazel = try OriginalProject(in: try write(Self.rustByBazel))
        #expect(bazel.language == "rust")
        #expect(try bazel.manifest().contains("bazel build //:auth && "))
        #expect(said(bazel, .fault).contains { $0.contains("Bazel") })
        let cargo = try OriginalProject(in: try write(Self.rustByCargo, to: "cargo"))
        #expect(cargo.type == .network)
        #expect(try !cargo.manifest().contains("build:"))
        let faults = said(cargo, .fault).joined(separator: "\n")
        for sign in [".cargo/config:2: the target wasm32-wasi", "no cdylib", "before 0.2", "wasm-bindgen"] {
            #expect(faults.contains(sign), "\(sign): \(faults)")
        }
    }

    @Test func `TinyGo keeps root ids that need quotes`() throws {
        let project = try OriginalProject(in: try write(Self.tinyGo))
        #expect(project.language == "tinygo")
        let manifest = try ProjectManifest(parsing: try project.manifest())
        #expect(manifest.module.rootIDs == ["a b", "007"])
        #expect(said(project, .fault).contains { $0.contains("SetVMContext") })
        #expect(said(project, .warning).contains { $0.contains("not maintained") })
    }

    // MARK: What is written

    @Test func `in place one file is added and none is touched`() throws {
        let folder = try write(Self.tinyGo)
        let before = try Self.tinyGo.keys.map { try Files.read(folder.appending($0)) }
        let (scaffold, leftOut) = try OriginalProject(in: folder).scaffold(copying: false)
        #expect(leftOut.isEmpty)
        try scaffold.write(to: folder, force: true)
        #expect(try Files.contents(folder).sorted() == (Array(Self.tinyGo.keys) + ["wasme.yaml"]).sorted())
        #expect(try Self.tinyGo.keys.map { try Files.read(folder.appending($0)) } == before)
        #expect(try FilterProject.find(from: folder).manifest.language == "tinygo")
        // A second time there is nothing to take over.
        let error = #expect(throws: ProjectError.self) { try OriginalProject(in: folder) }
        #expect(error?.message.contains("has a wasme.yaml already") == true)
    }

    @Test func `a copy has all of the project but what builds left, and says what`() throws {
        let folder = try write(
            Self.assemblyScript.merging(["tool.sh": "#!/bin/sh\n", ".git/config": "x"]) { $1 })
        try #require(symlink("/tmp", folder.appending("bazel-bin").string) == 0)
        try #require(chmod(folder.appending("tool.sh").string, 0o755) == 0)
        let (scaffold, leftOut) = try OriginalProject(in: folder).scaffold(copying: true)
        #expect(leftOut == [".git", "bazel-bin", "node_modules"])
        let copy = scratch.appending("new")
        try scaffold.write(to: copy)
        #expect(
            try Files.contents(copy) == [
                "assembly", "package.json", "runtime-config.json", "tool.sh", "wasme.yaml",
            ])
        #expect(access(copy.appending("tool.sh").string, X_OK) == 0)
        #expect(access(copy.appending("package.json").string, X_OK) != 0)
    }

    // MARK: What is none

    @Test func `a folder that is no such project is refused with the reason`() throws {
        for (files, reason) in [
            ([:], "no folder"), (["main.go": ""], "has no runtime-config.json"),
            (["runtime-config.json": "{"], "damaged"), (["runtime-config.json": "[]"], "no JSON object"),
            (["runtime-config.json": #"{"config": {"rootIds": "x"}}"#], "no list of texts"),
            (["runtime-config.json": "{}", "README.md": ""], "cannot be told"),
            (
                ["runtime-config.json": "{}", "main.go": "", "filter.cc": ""],
                "several languages: cpp, tinygo"
            ),
        ] as [([String: String], String)] {
            let name = "f\(Files.randomName())"
            let folder = try write(files, to: name)
            let error = #expect(throws: ProjectError.self) { try OriginalProject(in: folder) }
            #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
            #expect(error?.hint != nil)
        }
        let mixed = try write(["runtime-config.json": "{}", "main.go": "", "filter.cc": ""], to: "mixed")
        #expect(try OriginalProject(in: mixed, language: "cpp").language == "cpp")
        #expect(throws: ProjectError.self) { try OriginalProject(in: mixed, language: "swift") }
    }

    @Test func `a build of one says what to do`() throws {
        let folder = try write(Self.tinyGo)
        let advice = "wasme init --from-wasme \(folder)"
        #expect(try FilterProject.find(from: folder).assumption?.contains(advice) == true)
        let mixed = try write(["runtime-config.json": "{}"], to: "mixed")
        let error = #expect(throws: ProjectError.self) { try FilterProject.find(from: mixed) }
        #expect(error?.code == .noProject)
        #expect(error?.hint?.contains("wasme init --from-wasme \(mixed)") == true)
        // A file of that name below a project of ours is somebody's image, unpacked.
        try scratch.write("wasme.yaml", "name: a\nlanguage: swift\nmodule: {rootIds: [r]}\n")
        #expect(try FilterProject.find(from: folder).root == scratch.path)
    }
}
