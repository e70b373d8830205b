// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

/// `wasme test`: what is understood before anything runs, and what a real Envoy then shows.
@Suite struct TestCommandTests {
    private static let tests = """
        tests:
        - name: passes requests
          request: {path: /}
          expect: {status: 200, upstream: {count: 1}}
        - name: answers as the server does
          upstream: {status: 404, body: nothing}
          request: {path: /}
          expect: {status: 404, response: {body: nothing}}
        - name: later
          skip: not yet
          request: {}

        """

    private func listener(
        _ yaml: String? = tests, _ name: String = "tests.yaml", module: [UInt8] = TinyFilter().bytes
    ) throws -> Listener {
        let listener = try Listener()
        if let yaml { try listener.scratch.write(name, yaml) }
        try Files.replace(listener.scratch.appending("filter.wasm"), with: module)
        return listener
    }

    private static let envoy = ["WASME_ENVOY": Tool.envoy.path?.string ?? "/nowhere"]

    // MARK: Before anything runs

    @Test(
        arguments: [
            ([], "there are no tests in"), (["gone.yaml"], "there is no file or folder \"gone.yaml\""),
            (["filter.wasm"], "is a module and holds no tests"),
            (["tests.yaml", "."], "\".\" is no file"),
            (["--list", "--format", "tap"], "a list is text or json"),
            (["--list", "--output", "a"], "--output is for results"),
            (["--output", "gone/report.xml"], "cannot be written to \"gone/report.xml\""),
            (["--format", "xml"], "'text', 'json', 'junit' or 'tap'"),
        ] as [([String], String)])
    func `a wrong command line is refused`(arguments: [String], words: String) async throws {
        let listener = try listener(arguments.first == "tests.yaml" ? Self.tests : nil)
        #expect(await listener.run(["test"] + arguments) == 64)
        #expect(listener.errors.contains(words), "\(listener.errors)")
        #expect(listener.output.isEmpty)
    }

    @Test func `all mistakes of all files are told before anything is built`() async throws {
        let listener = try listener("tests:\n- {name: a, request: {pth: /}}\n- {name: b}\n")
        try listener.scratch.write("tests/more.yaml", "tests: []\n")
        #expect(await listener.run("test") == 64)
        #expect(
            listener.errors == """
                error: tests.yaml:2:23: unknown key "pth"
                  help: did you mean "path"?
                error: tests.yaml:3:3: expected a "request", a "connection", a "wait", "steps" or "refused"
                  help: say what happens to the filter, as in request: {path: /}
                error: tests/more.yaml:1:1: expected a list "tests" with at least one test
                  help: write, as in tests: [{name: …, request: {path: /}, expect: {status: 200}}]

                """)
    }

    @Test func `tests are listed and chosen by their names`() async throws {
        for (arguments, expected) in [
            (
                ["--list"],
                "tests.yaml:2: passes requests\ntests.yaml:5: answers as the server does\ntests.yaml:9: later (skipped: not yet)\n"
            ),
            (["--list", "--filter", "PASS"], "tests.yaml:2: passes requests\n"),
            (["--list", "-q", "--filter", "/^(a|l)/"], "answers as the server does\nlater\n"),
        ] {
            let listener = try listener()
            #expect(await listener.run(["test"] + arguments) == 0, "\(listener.errors)")
            #expect(listener.output == expected)
        }
        let listener = try listener()
        #expect(await listener.run("test", "--list", "--format", "json", "--filter", "later") == 0)
        #expect(listener.output.contains("\"skip\" : \"not yet\""))
        #expect(await listener.run("test", "--filter", "pases requests") == 64)
        #expect(listener.errors.contains("did you mean \"passes requests\"?"), "\(listener.errors)")
        #expect(await listener.run("test", "--filter", "/(/") == 64)
        #expect(listener.errors.contains("is no regular expression"))
    }

    @Test func `only is told, and refused where it is not wanted`() async throws {
        let listener = try listener(Self.tests + "- {name: now, only: true, request: {}}\n")
        #expect(await listener.run("test", "--list") == 0)
        #expect(listener.output == "tests.yaml:12: now\n")
        #expect(await listener.run("test", "--no-only") == 1)
        #expect(listener.errors.contains("tests.yaml:12: \"now\" is marked with \"only\""))
    }

    @Test func `an Envoy that is not here is told with the command that fetches it`() async throws {
        let listener = try listener()
        let status = await listener.run(
            "test", "tests.yaml", "--module", "filter.wasm", "--envoy", "1.12",
            environment: ["PATH": "/nowhere"])
        #expect(status == 1)
        #expect(
            listener.errors.contains(
                "Envoy 1.12 is not on this machine\n  help: run 'wasme envoy install 1.12'"))
        #expect(await listener.run("test", "tests.yaml", "--envoy", "new") == 64)
        #expect(listener.errors.contains("\"new\" is no version of Envoy"))
    }

    // MARK: In a real Envoy

    private func play(_ listener: Listener, _ arguments: String...) async -> Int32 {
        await listener.run(
            ["test", "tests.yaml", "--module", "filter.wasm"] + arguments, environment: Self.envoy)
    }

    /// A text without what differs from run to run.
    private func steady(_ text: String) -> String {
        text.replacing(/[0-9]+(\.[0-9]+)? (ms|s)\b/, with: "… ms").replacing(/Envoy [0-9.]+/, with: "Envoy …")
    }

    @Test(.requires(.envoy)) func `what passes is told in a line`() async throws {
        let listener = try listener()
        #expect(await play(listener) == 0, "\(listener.errors)\(listener.output)")
        #expect(
            steady(listener.output) == """
                filter in Envoy …
                  ok    passes requests  … ms
                  ok    answers as the server does  … ms
                  skip  later: not yet

                2 passed, 1 skipped in … ms

                """)
        #expect(listener.errors.isEmpty)
        let quiet = try self.listener()
        #expect(await play(quiet, "-q") == 0)
        #expect(steady(quiet.output) == "2 passed, 1 skipped in … ms\n")
    }

    @Test(.requires(.envoy)) func `what fails is told with its place, and a failure is the exit status`()
        async throws
    {
        let listener = try listener(
            Self.tests
                + "- {name: fails, request: {path: /a}, expect: {status: 500}}\n- {name: never, request: {}}\n"
        )
        #expect(await play(listener, "--fail-fast") == 1)
        #expect(
            listener.output.contains(
                "tests.yaml:12: status\n          expected  500\n          got       200\n"))
        #expect(listener.output.contains("curl -i http://127.0.0.1:10000/a"), "\(listener.output)")
        #expect(!listener.output.contains("never"))
        #expect(steady(listener.output).hasSuffix("2 passed, 1 failed, 1 skipped in … ms\n"))
    }

    @Test(.requires(.envoy)) func `CI gets a file, and people get lines`() async throws {
        let listener = try listener()
        #expect(await play(listener, "--format", "junit", "--output", "out.xml") == 0)
        #expect(listener.output.contains("2 passed"))
        let document = try JUnitDocument(
            String(decoding: try Files.read(listener.scratch.appending("out.xml")), as: UTF8.self))
        #expect(document.faults.isEmpty, "\(document.faults)")
        #expect(document.names == ["passes requests", "answers as the server does", "later"])
    }

    @Test(.requires(.envoy)) func `a module that this Envoy does not take is told once`() async throws {
        let listener = try listener(module: TinyFilter(flaw: .missingImport).bytes)
        #expect(await play(listener, "--format", "json") == 1)
        #expect(listener.output.contains("does not take the module"), "\(listener.output)")
        #expect(listener.output.contains("\"broken\": 1") && !listener.output.contains("passes requests"))
    }

    @Test(.requires(.envoy)) func `a connection needs a filter of connections`() async throws {
        let listener = try listener("tests:\n- name: a\n  connection: {send: [x]}\n")
        #expect(await play(listener) == 64)
        #expect(
            listener.errors.contains(
                "tests.yaml:2: \"a\": a connection, and \"filter\" is a filter of HTTP requests"))
    }
}
