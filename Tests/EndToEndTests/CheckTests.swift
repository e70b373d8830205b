// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

/// `wasme check` and `wasme inspect` with the real binaries, the real hub and a real Envoy.
@Suite struct CheckTests {
    @Test(.requires(.swift), .requires(.envoy))
    func `a fresh project is fit for its targets, and a real Envoy agrees`() async throws {
        let newcomer = try await BuiltFilter.shared.value
        let text = try await newcomer.does("check", "add-header", "--run")
        #expect(text.contains("Envoy       1.33 to 1.40  ok"), "\(text)")
        #expect(text.contains("this Envoy"))
        #expect(text.contains("loads it"))
        let refused = try await newcomer.wasme(
            "check", "add-header:v1", "--run", "--config", #"{"header": 1}"#)
        #expect(refused.status == 1)
        #expect(refused.stdout.contains("refuses it"), "\(refused.stdout)")
        #expect(refused.stderr.isEmpty)
    }

    @Test(.requires(.swift)) func `the README's commands do what it says`() async throws {
        let newcomer = try await BuiltFilter.shared.value
        let readme = String(decoding: try Files.read(repositoryRoot.appending("README.md")), as: UTF8.self)
        try await newcomer.does("tag", "add-header:v1", "localhost:5000/acme/add-header:v1")
        for command in [
            "wasme check add-header", "wasme inspect localhost:5000/acme/add-header:v1",
            "wasme inspect localhost:5000/acme/add-header:v1 --capabilities",
        ] {
            #expect(readme.contains("$ \(command)"), "\(command)")
            let words = command.split(separator: " ").dropFirst().map(String.init)
            let outcome = try await run(
                buildFolder.appending("wasme"), words, environment: newcomer.environment,
                in: newcomer.scratch.path)
            #expect(outcome.status == 0, "\(command): \(outcome.stderr)")
            #expect(!outcome.stdout.isEmpty)
        }
    }

    @Test(.requires(.swift)) func `an image on a hub is checked and inspected where it is`() async throws {
        let newcomer = try await BuiltFilter.shared.value
        let (hub, address) = try await newcomer.startHub(data: "check-hub")
        let image = "\(address)/demo/checked:v1"
        try await newcomer.does("tag", "add-header:v1", image)
        try await newcomer.does("push", image)
        let elsewhere = newcomer.scratch.appending("check-store").string
        let checked = try await newcomer.does("check", image, "--store", elsewhere)
        #expect(checked.contains("from the registry"), "\(checked)")
        let local = try await newcomer.does("inspect", "add-header:v1", "-q")
        #expect(try await newcomer.does("inspect", image, "-q", "--store", elsewhere) == local)
        #expect(try await newcomer.does("list", "-q", "--store", elsewhere).isEmpty)
        let missing = try await newcomer.wasme("check", "\(address)/demo/none:v1")
        #expect(missing.status == 1)
        #expect(missing.stderr.contains("\(address)/demo/none:v1"))
        hub.signal(SIGTERM)
        _ = await hub.wait()
        #expect(try await newcomer.wasme("check", "\(address)/demo/none:v1").status == 69)
    }

    @Test func `the exit status tells a script`() async throws {
        let newcomer = try Newcomer()
        let good = newcomer.scratch.appending("good.wasm")
        try Files.replace(good, with: TinyFilter().bytes)
        let bad = newcomer.scratch.appending("bad.wasm")
        try Files.replace(bad, with: TinyFilter(flaw: .missingImport).bytes)
        #expect(try await newcomer.wasme("check", "good.wasm", "-q").status == 0)
        for format in ["text", "json", "sarif"] {
            let outcome = try await newcomer.wasme("check", "bad.wasm", "--format", format)
            #expect(outcome.status == 1)
            #expect(outcome.stdout.contains("no_such_hostcall"), "\(format)")
            #expect(outcome.stderr.isEmpty)
        }
        #expect(try await newcomer.wasme("check", "good.wasm", "--target", "isto").status == 64)
        #expect(try await newcomer.wasme("check", "gone.wasm").status == 64)
    }

    @Test func `standard input is a file`() async throws {
        let newcomer = try Newcomer()
        let outcome = try await newcomer.wasme("check", "-", input: "(module)")
        #expect(outcome.status == 1)
        #expect(outcome.stdout.contains("wat2wasm"), "\(outcome.stdout)")
    }

    @Test func `a build for a host that does not take the module fails, unless told otherwise`() async throws
    {
        let newcomer = try Newcomer()
        try newcomer.scratch.write(
            "p/wasme.yaml",
            """
            name: p
            language: c
            module: {rootIds: [r]}
            build: {command: [cp, in.wasm, out.wasm], output: out.wasm}
            targets: ["istio:1.27"]

            """)
        try Files.replace(
            newcomer.scratch.appending("p").appending("in.wasm"),
            with: TinyFilter(flaw: .missingImport).bytes)
        let refused = try await newcomer.wasme("build", "p", "-t", "p:v1")
        #expect(refused.status == 1)
        #expect(refused.stderr.contains("env.no_such_hostcall is not offered"), "\(refused.stderr)")
        #expect(refused.stderr.contains("--no-check"))
        #expect(try await newcomer.does("list", "-q").isEmpty)
        try await newcomer.does("build", "p", "-t", "p:v1", "--no-check")
        #expect(try await newcomer.wasme("check", "p", "-q").status == 1)
        #expect(try await newcomer.wasme("check", "p", "-q", "--target", "istio:1.27").status == 1)
    }
}
