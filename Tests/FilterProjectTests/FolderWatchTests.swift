// SPDX-License-Identifier: Apache-2.0

import Files
import FilterProject
import Foundation
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite struct FolderWatchTests {
    private func project(_ scratch: ScratchDirectory) throws -> FilterProject {
        try scratch.write("src/a.c", "")
        return try scratch.commandProject("[\"true\"]", output: "out.wasm")
    }

    @Test(.timeLimit(.minutes(1))) func `a change is noticed wherever it is, also in a new folder`()
        async throws
    {
        let scratch = try ScratchDirectory("watch")
        let watch = try FolderWatch(project(scratch))
        for file in ["src/a.c", "wasme.yaml", "src/new/b.c", "src/new/b.c"] {
            try scratch.write(file, "x\(file)")
            try await watch.change()
        }
        try Files.remove(scratch.path.pushing("src/a.c"))
        try await watch.change()
    }

    @Test(.timeLimit(.minutes(1))) func `cancelling ends the wait`() async throws {
        let scratch = try ScratchDirectory("watch")
        let watch = try FolderWatch(project(scratch))
        let waiting = Task { try await watch.change() }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
    }

    @Test func `inputs are what builds do not write`() throws {
        let scratch = try ScratchDirectory("inputs")
        let project = try project(scratch)
        let inputs = BuildInputs(of: project)
        let before = try #require(try inputs.digest())
        for file in ["out.wasm", ".git/HEAD", ".wasme/release.json", "build/x.o"] {
            try scratch.write(file, "x")
        }
        #expect(try inputs.digest() == before)
        try scratch.write("src/b.c", "")
        let after = try inputs.digest()
        #expect(after != before)
        try Files.rename(scratch.path.pushing("src/b.c"), to: scratch.path.pushing("src/c.c"))
        #expect(try inputs.digest() != after)
        // A link that leads back is followed once.
        try #require(symlink("..", scratch.path.pushing("src/loop").string) == 0)
        #expect(try inputs.digest() != nil)
    }

    @Test(arguments: [
        ("target", "target/x", true), ("target", "src/target", false),
        ("Packages/*/.build", "Packages/A/.build/x", true),
        ("Packages/*/.build", "Packages/.build", false), ("*.o", "a.o", true), ("*.o", "a.c", false),
        ("a*b*c", "aXbYc", true), ("a*b*c", "acb", false), ("./build/", "build", true),
    ])
    func `patterns stand for parts of names`(pattern: String, path: String, isMatch: Bool) {
        #expect(PathPattern(pattern).matches(path) == isMatch)
    }

    @Test(.requires(.git)) func `cleaning removes what builds wrote, and nothing that git keeps`()
        async throws
    {
        let scratch = try ScratchDirectory("clean")
        try scratch.write("Package.swift", "")
        try scratch.write("wasme.yaml", "name: a\nlanguage: swift\nmodule: {rootIds: [r]}\n")
        for file in [".build/x/y", ".wasme/release.json", "Sources/a.swift"] { try scratch.write(file, "x") }
        let project = try FilterProject(root: scratch.path)
        let environment = ProcessInfo.processInfo.environment
        #expect(try await project.clean(environment: environment) == [".build", ".wasme"])
        #expect(Files.kind(scratch.appending(".build")) == nil)
        #expect(Files.kind(scratch.path.pushing("Sources/a.swift")) == .file)
        let git = try #require(Tool.git.path)
        try scratch.write(".build/kept", "x")
        for arguments in [["init", "-q"], ["add", "-f", ".build/kept"]] {
            try #require(try await run(git, arguments, in: scratch.path).status == 0)
        }
        let error = await #expect(throws: ProjectError.self) {
            try await project.clean(environment: environment)
        }
        #expect(error?.message.contains("git keeps files in it") == true)
        #expect(Files.kind(scratch.path.pushing(".build/kept")) == .file)
    }
}
