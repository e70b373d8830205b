// SPDX-License-Identifier: Apache-2.0

import Files
import FilterProject
import Foundation
import SystemPackage
import TestSupport
import Testing
import WasmBinary

@Suite struct RustBuildTests {
    /// A cargo that answers as the real one does, for projects that are only planned.
    private func cargo(
        _ scratch: ScratchDirectory, version: String = "1.85.0", metadata: String = "{}"
    ) throws -> [String: String] {
        try scratch.write("metadata.json", metadata)
        let cargo = try scratch.script(
            "bin/cargo",
            """
            case $1 in
            --version) echo 'cargo \(version) (d73d2caf9 2024-12-31)';;
            metadata) cat '\(scratch.appending("metadata.json"))';;
            esac
            """)
        return ["WASME_CARGO": cargo.string]
    }

    private func package(
        _ name: String, in folder: FilePath, kinds: String = #""cdylib""#, dependencies: String = ""
    ) -> String {
        """
        {"name": "\(name)", "manifest_path": "\(folder)/Cargo.toml", "dependencies": [\(dependencies)], "targets":
        [{"name": "\(name)", "kind": [\(kinds)], "crate_types": [\(kinds)]}]}
        """
    }

    private func workspace(_ packages: String...) -> String {
        #"{"target_directory": "/elsewhere/target", "packages": [\#(packages.joined(separator: ","))]}"#
    }

    // MARK: What is run

    @Test func `cargo builds the library for wasip1`() async throws {
        let scratch = try ScratchDirectory("rust")
        let project = try scratch.project("rust", ["Cargo.toml": ""])
        let variables = try cargo(scratch, metadata: workspace(package("my-filter", in: project.root)))
        var context = try BuildLog(scratch).context(variables)
        let plan = try await project.buildDriver().plan(project, context)
        #expect(
            plan.steps.map(\.arguments) == [
                ["build", "--lib", "--package", "my-filter", "--target", "wasm32-wasip1", "--release"]
            ])
        #expect(plan.module == "/elsewhere/target/wasm32-wasip1/release/my_filter.wasm")
        #expect(plan.tools.map(\.title) == ["cargo 1.85.0"])
        context.configuration = .debug
        let debug = try await project.buildDriver().plan(project, context)
        #expect(debug.steps[0].arguments.contains("--release") == false)
        #expect(debug.module == "/elsewhere/target/wasm32-wasip1/debug/my_filter.wasm")
    }

    @Test(.requires(.cargo)) func `cargo itself makes a module`() async throws {
        let scratch = try ScratchDirectory("rust")
        let project = try scratch.fixture("RustFilter")
        let log = try BuildLog(scratch)
        let built = try await ProjectBuild(project).run(log.context())
        #expect(built.module.exports.contains { $0.name == "proxy_abi_version_0_2_1" }, "\(log.output)")
    }

    @Test func `what cargo reads elsewhere is for cargo to know`() async throws {
        let scratch = try ScratchDirectory("rust")
        let project = try scratch.project("rust", ["Cargo.toml": ""])
        func outside(_ metadata: String) async throws -> [FilePath]? {
            let context = try BuildLog(scratch).context(try cargo(scratch, metadata: metadata))
            return try await project.buildDriver().plan(project, context).outside
        }
        let helper = package("helper", in: project.root.appending("helper"), kinds: #""lib""#)
        let own = package(
            "my-filter", in: project.root,
            dependencies: #"{"path": "\#(project.root)/helper"}, {"name": "log"}"#)
        #expect(try await outside(workspace(own, helper)) == [])
        // A package that is none of the workspace, one beside it, and a workspace above.
        #expect(try await outside(workspace(own)) == nil)
        let beside = package("my-filter", in: project.root, dependencies: #"{"path": "/elsewhere"}"#)
        #expect(try await outside(workspace(beside)) == nil)
        let above = workspace(package("my-filter", in: project.root)).replacing(
            "{\"target", with: "{\"workspace_root\": \"\(scratch.path)\", \"target", maxReplacements: 1)
        #expect(try await outside(above) == nil)
    }

    @Test func `a project is found in a workspace by any way that leads to it`() async throws {
        let scratch = try ScratchDirectory("rust")
        let project = try scratch.project("rust", ["Cargo.toml": ""])
        let metadata = workspace(package("my-filter", in: project.root), package("two", in: "/w/two"))
        let link = scratch.appending("link")
        try #require(symlink(project.root.string, link.string) == 0)
        let linked = try FilterProject(root: link)
        let context = try BuildLog(scratch).context(try cargo(scratch, metadata: metadata))
        #expect(try await linked.buildDriver().plan(linked, context).product == "my-filter")
    }

    // MARK: What cannot be built

    @Test func `a library of another kind makes no module`() async throws {
        let scratch = try ScratchDirectory("rust")
        let project = try scratch.project("rust", ["Cargo.toml": ""])
        let metadata = workspace(package("my-filter", in: project.root, kinds: #""lib""#))
        let error = try await project.planFailure(
            try BuildLog(scratch).context(try cargo(scratch, metadata: metadata)))
        #expect(
            error.message
                == "the library of the package \"my-filter\" is of the kind lib, which makes no module")
        #expect(error.hint == "write into Cargo.toml, under [lib]: crate-type = [\"cdylib\"]")
    }

    @Test func `a workspace of several libraries wants a choice`() async throws {
        let scratch = try ScratchDirectory("rust")
        let metadata = workspace(package("one", in: "/w/one"), package("two", in: "/w/two"))
        let variables = try cargo(scratch, metadata: metadata)
        let context = try BuildLog(scratch).context(variables)
        let undecided = try scratch.project("rust", ["Cargo.toml": "[workspace]"])
        let error = try await undecided.planFailure(context)
        #expect(error.message.contains("has several libraries: one, two"))
        let decided = try scratch.project("rust", build: "{product: two}")
        let plan = try await decided.buildDriver().plan(decided, context)
        #expect(plan.steps[0].arguments.contains("two"))
        let wrong = try scratch.project("rust", build: "{product: three}")
        #expect(try await wrong.planFailure(context).hint?.contains("there are one, two") == true)
    }

    @Test func `what is missing is named`() async throws {
        let scratch = try ScratchDirectory("rust")
        let context = try BuildLog(scratch).context(try cargo(scratch, metadata: "no metadata"))
        let empty = try scratch.project("rust")
        #expect(try await empty.planFailure(context).message.contains("has no Cargo.toml"))
        let program = try scratch.project("rust", ["Cargo.toml": ""])
        #expect(try await program.planFailure(context).message.contains("cannot be read"))
        let nothing = try BuildLog(scratch).context(try cargo(scratch, metadata: workspace()))
        #expect(try await program.planFailure(nothing).message.contains("has no library"))
        let old = try BuildLog(scratch).context(try cargo(scratch, version: "1.63.0"))
        let error = try await program.planFailure(old)
        #expect(error.message.contains("is cargo 1.63.0, and filters need 1.78 or later"))
        let none = try BuildLog(scratch).context(["PATH": scratch.path.string])
        #expect(try await program.planFailure(none).message == "cannot build: there is no \"cargo\" in PATH")
    }

    // MARK: Traps

    /// The words of cargo 1.95, but for the last: those of 1.63, by its documentation.
    @Test(arguments: [
        (
            """
            error[E0463]: can't find crate for `std`
              = note: the `wasm32-wasip1` target may not be installed
              = help: consider downloading the target with `rustup target add wasm32-wasip1`
            """, "rust-target"
        ),
        (
            """
            error: failed to run `rustc` to learn about target-specific information
              error: error loading target specification: could not find specification for target "wasm32-wasi"
            """, "wasm32-wasi"
        ),
        (
            #"error: Error loading target specification: Could not find specification for target "wasm32-wasip1"."#,
            "old-rust"
        ),
    ])
    func `what goes wrong often is recognised`(output: String, trap: String) {
        #expect(traps(.rust, in: output) == [trap])
    }

    @Test(.requires(.cargo)) func `a toolchain without the target is recognised by what it says`()
        async throws
    {
        let scratch = try ScratchDirectory("rust")
        let cargo = try #require(Tool.cargo.path)
        try scratch.write("src/lib.rs", "pub fn f() -> String { String::new() }\n")
        try scratch.write(
            "Cargo.toml",
            "[package]\nname = \"f\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[lib]\ncrate-type = [\"cdylib\"]\n"
        )
        let gone = try await run(cargo, ["build", "--target", "wasm32-wasi"], in: scratch.path)
        #expect(traps(.rust, in: gone.stderr) == ["wasm32-wasi"], "\(gone.stderr)")
        let build = try await run(cargo, ["build", "--target", "wasm32-wasip1"], in: scratch.path)
        // Where the target is installed, there is nothing to recognise.
        #expect(build.status == 0 || traps(.rust, in: build.stderr) == ["rust-target"], "\(build.stderr)")
    }
}
