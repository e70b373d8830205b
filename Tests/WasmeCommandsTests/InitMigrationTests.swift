// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

/// `wasme init --from-wasme`.
@Suite struct InitMigrationTests {
    private func old() throws -> ScratchDirectory {
        let scratch = try ScratchDirectory("migration")
        try scratch.write(
            "old/runtime-config.json",
            #"{"type": "envoy_proxy", "abiVersions": ["v0.2.0"], "config": {"rootIds": ["r"]}}"#)
        try scratch.write(
            "old/go.mod",
            "module main\n\ngo 1.15\n\nrequire github.com/tetratelabs/proxy-wasm-go-sdk v0.1.1\n")
        try scratch.write("old/main.go", "package main\n")
        return scratch
    }

    @Test func `a dry run shows what would be written, and writes nothing`() async throws {
        let scratch = try old()
        for arguments in [["old"], ["old", "new"]] {
            let listener = try Listener(sharing: scratch)
            #expect(
                await listener.run(["init", "--from-wasme"] + arguments + ["--dry-run"]) == 0,
                "\(listener.errors)")
            #expect(listener.output.hasPrefix("would take over \(arguments.last ?? "") (tinygo) in "))
            #expect(listener.output.contains("  module: {rootIds: [r], type: http}\n"))
            #expect(listener.output.contains("change go.mod:5: "))
        }
        #expect(try Files.contents(scratch.path) == ["old"])
        #expect(try Files.contents(scratch.appending("old")) == ["go.mod", "main.go", "runtime-config.json"])
    }

    @Test func `in place and to a new folder`() async throws {
        let scratch = try old()
        let build = try Listener(sharing: scratch)
        #expect(await build.run(["build", "old"], environment: ["PATH": "/nowhere"]) != 0)
        #expect(
            build.errors.contains("wasme init --from-wasme \(scratch.appending("old"))"), "\(build.errors)")
        let copy = try Listener(sharing: scratch)
        #expect(
            await copy.run("init", "--from-wasme", "old", "new", "--name", "fresh", "--format", "json") == 0)
        let result = try JSONSerialization.jsonObject(with: Data(copy.output.utf8)) as? [String: Any]
        #expect(result?["files"] as? [String] == ["go.mod", "main.go", "runtime-config.json", "wasme.yaml"])
        #expect(result?["rootIds"] as? [String] == ["r"])
        #expect(try Files.contents(scratch.appending("old")).count == 3)
        let place = try Listener(sharing: scratch)
        #expect(await place.run("init", "--from-wasme", "old") == 0, "\(place.errors)")
        #expect(try Files.contents(scratch.appending("old")).count == 4)
        #expect(place.output.contains("wasme.yaml is all that is added"))
        #expect(await place.run("init", "--from-wasme", "old") == 64)
    }

    @Test(arguments: [
        ["nowhere"], ["."], ["old", "old/inside"], ["old", "taken"], ["old", "--name", "2x"],
    ])
    func `what cannot be is refused, and nothing is written`(arguments: [String]) async throws {
        let scratch = try old()
        try scratch.write("taken/x", "")
        let listener = try Listener(sharing: scratch)
        #expect(await listener.run(["init", "--from-wasme"] + arguments) == 64, "\(listener.errors)")
        #expect(try Files.contents(scratch.appending("old")).count == 3)
        #expect(try Files.contents(scratch.appending("taken")) == ["x"])
    }
}
