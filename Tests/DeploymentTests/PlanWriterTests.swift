// SPDX-License-Identifier: Apache-2.0

import Deployment
import Files
import Foundation
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite struct PlanWriterTests {
    let scratch: ScratchDirectory

    init() throws { scratch = try ScratchDirectory("plan") }

    func plan(_ text: String = "a: 1\n") -> DeploymentPlan {
        DeploymentPlan(
            summary: "test",
            files: [
                .init(scratch.path.appending("modules").appending("m.wasm"), bytes: [0, 1, 2]),
                .init(scratch.path.appending("envoy.yaml"), text: text),
            ])
    }

    func mode(_ path: FilePath) -> mode_t {
        var status = stat()
        return stat(path.string, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    @Test func `a plan knows beforehand what it does`() throws {
        #expect(try plan().changes().map(\.change) == [.created, .created])
        #expect(try plan().write(to: .apply).map(\.change) == [.created, .created])
        #expect(try plan().changes().map(\.change) == [.unchanged, .unchanged])
        #expect(try plan("a: 2\n").changes().map(\.change) == [.unchanged, .changed])
        #expect(try plan("a: 2\n").write(to: .apply).map(\.change) == [.unchanged, .changed])
        #expect(try Files.read(scratch.appending("envoy.yaml")) == Array("a: 2\n".utf8))
        #expect(try Files.contents(scratch.path) == ["envoy.yaml", "modules"])
    }

    @Test func `a private file stays private and a link stays a link`() throws {
        let real = try scratch.write("real.yaml", "secret: 1\n")
        try #require(chmod(real.string, 0o600) == 0)
        try #require(symlink(real.string, scratch.appending("envoy.yaml").string) == 0)
        try plan().write(to: .apply)
        #expect(try Files.read(real) == Array("a: 1\n".utf8))
        #expect(mode(real) == 0o600)
        var status = stat()
        #expect(
            lstat(scratch.appending("envoy.yaml").string, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
    }

    @Test func `a folder gets every file at its own path, and none outside`() throws {
        let folder = scratch.appending("out")
        let plan = DeploymentPlan(
            summary: "test",
            files: [.init("/etc/envoy/envoy.yaml", text: "a"), .init("/../../escape.yaml", text: "b")])
        let written = try plan.write(to: .directory(folder))
        #expect(
            written.map(\.path) == [
                folder.pushing("etc/envoy/envoy.yaml"), folder.appending("escape.yaml"),
            ])
        #expect(try Files.contents(folder) == ["escape.yaml", "etc"])
    }

    @Test func `a text shows what people can read and changes nothing`() throws {
        let shown = Mutex("")
        try plan().write(to: .text { text in shown.withLock { $0 += text } })
        #expect(shown.withLock { $0 } == "a: 1\n")
        #expect(try Files.contents(scratch.path) == [])
    }
}
