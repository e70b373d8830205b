// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import FilterImage
import Foundation
import OCI
import OCILayout
import Synchronization
import SystemPackage
import TestSupport
import Testing
import WasmeCommands

/// A person at a terminal, or a pipe, who writes down what is said.
final class Listener: Sendable {
    private struct State {
        var output = ""
        var errors = ""
        var answers: [String]
    }
    private let state: Mutex<State>
    let scratch: ScratchDirectory
    private let isInteractive: Bool
    private let input: String

    /// - Parameters:
    ///   - answers: what a person types, line by line; nil for a pipe.
    ///   - input: what is in the pipe.
    ///   - scratch: a folder that is shared with somebody else; nil for one of their own.
    /// - Throws: `SystemError`.
    init(answers: [String]? = nil, input: String = "", sharing scratch: ScratchDirectory? = nil) throws {
        self.input = input
        self.scratch = try scratch ?? ScratchDirectory("commands")
        isInteractive = answers != nil
        state = Mutex(State(answers: answers ?? []))
    }

    var output: String { state.withLock(\.output) }
    var errors: String { state.withLock(\.errors) }

    /// Runs a command line in a folder of its own.
    func run(_ arguments: String..., environment: [String: String] = [:]) async -> Int32 {
        await run(arguments, environment: environment)
    }

    /// Runs a command line in a folder of its own.
    func run(_ arguments: [String], environment: [String: String] = [:]) async -> Int32 {
        let terminal = Terminal(
            isInteractive: isInteractive, showsProgress: false, columns: 80,
            writeOutput: { text in self.state.withLock { $0.output += text } },
            writeError: { text in self.state.withLock { $0.errors += text } },
            readAnswer: { self.state.withLock { $0.answers.isEmpty ? nil : $0.answers.removeFirst() } },
            readInput: { Array(self.input.utf8) })
        let ambient = [
            "HOME": scratch.appending("home").string,
            "WASME_TEMPLATES": repositoryRoot.appending("sdk-templates").string,
        ]
        let context = CommandContext(
            workingDirectory: scratch.path, environment: ambient.merging(environment) { $1 },
            terminal: terminal, makeTransport: { CurlTransport() })
        return await Wasme.main(arguments, in: context)
    }
}

@Suite struct CommandLineTests {
    @Test(arguments: [
        "", "init", "build", "check", "test", "run", "dev", "bench", "doctor", "inspect", "list", "tag", "rm",
        "prune",
        "push", "pull",
        "copy", "save",
        "load", "attach", "discover", "search", "open", "login", "logout", "completion", "deploy",
        "deploy envoy", "undeploy", "undeploy envoy", "rollback", "rollback envoy", "history",
        "history envoy",
        "status", "status envoy", "diff", "diff envoy", "migrate", "envoy", "envoy install", "envoy list",
        "envoy remove", "version",
        "deploy istio", "deploy envoy-gateway", "deploy gloo", "deploy higress", "deploy kuma",
        "deploy consul",
        "deploy cilium", "undeploy istio", "undeploy gloo", "rollback istio", "rollback consul",
        "history istio",
        "history gloo", "diff istio", "diff cilium", "status istio",
    ])
    func `the help of a verb is what was agreed on`(_ verb: String) async throws {
        let listener = try Listener()
        let status: Int32 =
            switch verb.split(separator: " ").map(String.init) {
            case let words where words.isEmpty: await listener.run("--help")
            case let words where words.count == 1: await listener.run(words[0], "--help")
            case let words: await listener.run(words[0], words[1], "--help")
            }
        #expect(status == 0)
        #expect(listener.errors.isEmpty)
        try expectGolden(listener.output, "help/wasme\(verb.isEmpty ? "" : " \(verb)").txt")
    }

    @Test func `the version is the same, however it is asked for`() async throws {
        let plain = try Listener()
        #expect(await plain.run("--version") == 0)
        let version = plain.output.trimmingCharacters(in: .newlines)
        #expect(version.wholeMatch(of: /\d+\.\d+\.\d+/) != nil)
        for (arguments, expected) in [
            (["version"], "wasme \(version)\n"), (["version", "-q"], "\(version)\n"),
            (["version", "--format", "json"], "{\n  \"version\" : \"\(version)\"\n}\n"),
        ] {
            let listener = try Listener()
            #expect(await listener.run(arguments) == 0)
            #expect(listener.output == expected)
        }
    }

    @Test func `the end of the input ends the questions`() async throws {
        let listener = try Listener(answers: [])
        #expect(await listener.run("init") == 130)
        #expect(listener.output.isEmpty)
    }

    @Test func `without a terminal nothing is asked`() async throws {
        let listener = try Listener()
        #expect(await listener.run("init") == 64)
        #expect(listener.errors.hasPrefix("error: folder is missing\n  help: "))
    }

    @Test func `the store is where the surroundings say, and looking at it makes none`() async throws {
        let listener = try Listener()
        for (environment, place) in [
            (["WASME_HOME": "kept"], "kept/store"), ([:], "home/.local/share/wasme/store"),
            (["XDG_DATA_HOME": listener.scratch.appending("data").string], "data/wasme/store"),
        ] {
            #expect(await listener.run("list", environment: environment) == 0)
            let folder = listener.scratch.path.pushing(FilePath(place))
            #expect(!FileManager.default.fileExists(atPath: folder.string))
            let store = try ImageStore(folder)
            _ = try await FilterImage.pack(
                FilterContent(
                    module: TinyFilter().bytes, runtime: RuntimeConfig(abiVersions: [], rootIDs: [])),
                as: [try Reference("x:\(environment.count)")], into: store)
            #expect(await listener.run("list", environment: environment) == 0)
            #expect(listener.output.contains("x     \(environment.count)"), "\(listener.output)")
        }
        #expect(await listener.run("list", environment: ["HOME": ""]) == 64)
        #expect(listener.errors.contains("WASME_HOME"))
    }

    @Test func `a name without a host is completed by WASM_IMAGE_REGISTRY for a registry only`() async throws
    {
        let listener = try Listener()
        let registry = ["WASM_IMAGE_REGISTRY": "localhost:1"]
        #expect(await listener.run("tag", "a:v1", "b:v1", environment: registry) == 1)
        #expect(listener.errors.contains("\"a:v1\" is not in the store"))
        #expect(await listener.run("pull", "a:v1", environment: registry) == 69)
        #expect(listener.errors.contains("localhost:1/a:v1"), "\(listener.errors)")
        #expect(await listener.run("push", "a:v1", environment: ["WASM_IMAGE_REGISTRY": "no host"]) == 64)
        #expect(listener.errors.contains("WASM_IMAGE_REGISTRY is \"no host\""))
    }

    @Test func `an image without a registry cannot be pushed`() async throws {
        let listener = try Listener()
        #expect(await listener.run("push", "a:v1") == 64)
        #expect(listener.errors.contains("names no registry"))
        #expect(listener.errors.contains("wasme tag a:v1 localhost:5000/a:v1"))
    }

    @Test(arguments: ["bash", "zsh", "fish"]) func `a shell is told the verbs`(_ shell: String) async throws {
        let listener = try Listener()
        #expect(await listener.run("completion", shell) == 0)
        for verb in ["deploy", "inspect", "search"] { #expect(listener.output.contains(verb)) }
        #expect(listener.errors.isEmpty)
        guard shell == "bash" else { return }
        let script = try listener.scratch.write("completion", listener.output)
        let outcome = try await TestSupport.run("/bin/bash", ["-n", script.string])
        #expect(outcome.status == 0, "\(outcome.stderr)")
    }

    @Test func `JSON has the same keys with nothing to list`() async throws {
        let listener = try Listener()
        #expect(await listener.run("list", "--format", "json") == 0)
        let value = try JSONSerialization.jsonObject(with: Data(listener.output.utf8)) as? [String: [String]]
        #expect(value == ["images": []])
    }
}
