// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

/// The way of a filter, with the real binaries, the real toolchain and a real Envoy.
@Suite struct NewcomerTests {
    @Test(.requires(.swift), .requires(.envoy), .requires(.curl))
    func `a filter goes from init through the hub to a live Envoy`() async throws {
        let newcomer = try await BuiltFilter.shared.value
        let (hub, address) = try await newcomer.startHub()
        let image = "\(address)/demo/add-header:v1"
        try await newcomer.does("tag", "add-header:v1", image)
        let pushed = try await newcomer.does("push", image, "-q")
        let second = newcomer.scratch.appending("second").string
        let pulled = try await newcomer.does("pull", image, "--store", second, "-q")
        #expect(pulled == pushed)
        let (envoy, live) = try await newcomer.startEnvoy(image, "--store", second)
        #expect(try await newcomer.head(live).contains("hello: world"))
        envoy.signal(SIGINT)
        #expect(await envoy.wait().status == 130)
        hub.signal(SIGTERM)
        #expect(await hub.wait().status == 0)
    }

    @Test(.requires(.swift), .requires(.envoy), .requires(.curl))
    func `a changed configuration is live after the next deployment`() async throws {
        let newcomer = try await BuiltFilter.shared.value
        for (header, value) in [("x-first", "one"), ("x-second", "two \\u00e9")] {
            let (envoy, live) = try await newcomer.startEnvoy(
                "add-header:v1", "--config", #"{"header": "\#(header)", "value": "\#(value)"}"#)
            let head = try await newcomer.head(live)
            #expect(
                head.contains("\(header): \(value.replacingOccurrences(of: "\\u00e9", with: "é"))"), "\(head)"
            )
            #expect(!head.contains("hello: world"))
            envoy.signal(SIGTERM)
            _ = await envoy.wait()
        }
    }

    @Test(.requires(.swift), .requires(.envoy))
    func `a configuration that breaks the schema is refused before anything is written`() async throws {
        let newcomer = try await BuiltFilter.shared.value
        let out = newcomer.scratch.appending("refused.yaml")
        for config in [#"{"header": 1}"#, #"{"heder": "x"}"#, #"{"header": "no spaces"}"#, "not json"] {
            let outcome = try await newcomer.wasme(
                "deploy", "envoy", "add-header:v1", "--config", config, "--out", out.string)
            #expect(outcome.status == 64 || outcome.status == 1, "\(config): \(outcome.stderr)")
            #expect(outcome.stderr.contains("help: "), "\(outcome.stderr)")
            #expect(Files.kind(out) == nil)
        }
    }

    @Test(.requires(.swift)) func `a configuration that the schema requires must be given`() async throws {
        let newcomer = try await BuiltFilter.shared.value
        // A module that is there already, packed by a project of another kind.
        let modules = newcomer.home.appending("modules")
        try await newcomer.does(
            "deploy", "envoy", "add-header:v1", "--out", newcomer.scratch.appending("x.yaml").string)
        // Another test may be writing one under a hidden name.
        let module = try #require(try Files.contents(modules).first { !$0.hasPrefix(".") })
        try newcomer.scratch.write(
            "strict/wasme.yaml",
            """
            name: strict
            language: other
            version: 0.1.0
            module: {rootIds: [add_header], type: http}
            build: {command: [cp, "\(modules.appending(module))", strict.wasm], output: strict.wasm}
            config: {schema: schema.json, example: {header: x}}

            """)
        try newcomer.scratch.write("strict/schema.json", #"{"type": "object", "required": ["header"]}"#)
        try await newcomer.does("build", "strict", "-t", "strict:v1")
        let refused = try await newcomer.wasme("deploy", "envoy", "strict:v1")
        #expect(refused.status == 64)
        #expect(refused.stderr.contains("\"strict:v1\" needs a configuration"), "\(refused.stderr)")
        #expect(
            try await newcomer.does("deploy", "envoy", "strict:v1", "--config", #"{"header": "x"}"#).contains(
                "add_header"))
    }

    @Test(.requires(.swift)) func `the same sources give the same digest in another folder`() async throws {
        let newcomer = try await BuiltFilter.shared.value
        try await newcomer.does(
            "init", "elsewhere/deeper/again", "--language", "swift", "--name", "add-header")
        let again = try await newcomer.does("build", "elsewhere/deeper/again", "-t", "again:v1", "-q")
        let first = try await newcomer.does("build", "add-header", "-t", "add-header:twice", "-q")
        #expect(again == first)
        #expect(first.hasPrefix("sha256:"))
    }

    @Test(.requires(.swift)) func `the scaffold's own unit tests pass`() async throws {
        let newcomer = try Newcomer()
        try await newcomer.does("init", "tested", "--language", "swift")
        let outcome = try await run(
            try #require(Tool.swift.path), ["test"], in: newcomer.scratch.appending("tested"))
        #expect(outcome.status == 0, "\(outcome.stdout)\(outcome.stderr)")
    }

    @Test(.requires(.swift), .requires(.envoy))
    func `the user's own bootstrap gets the filter and keeps the rest`()
        async throws
    {
        let newcomer = try await BuiltFilter.shared.value
        let bootstrap = """
            # my own Envoy
            static_resources:
              listeners:
              - name: front   # the one there is
                address: {socket_address: {address: 127.0.0.1, port_value: 0}}
                filter_chains:
                - filters:
                  - name: envoy.filters.network.http_connection_manager
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                      stat_prefix: front
                      route_config:
                        virtual_hosts:
                        - {name: all, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 200, body: {inline_string: mine}}}]}
                      http_filters:
                      - name: envoy.filters.http.router
                        typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}

            """
        let file = try newcomer.scratch.write("mine.yaml", bootstrap)
        let out = newcomer.scratch.appending("patched.yaml")
        try await newcomer.does(
            "deploy", "envoy", "add-header:v1", "--bootstrap", file.string, "--out", out.string)
        let patched = try String(contentsOfFile: out.string, encoding: .utf8)
        #expect(try String(contentsOfFile: file.string, encoding: .utf8) == bootstrap)
        var rest = bootstrap.split(separator: "\n")[...]
        for line in patched.split(separator: "\n") where line == rest.first { rest = rest.dropFirst() }
        #expect(rest.isEmpty, "lines were lost: \(rest)")
        let checked = try await run(
            try #require(Tool.envoy.path), ["--mode", "validate", "-c", out.string, "--disable-hot-restart"])
        #expect(checked.status == 0, "\(checked.stderr)")
    }

    @Test(.requires(.swift), .requires(.envoy), .requires(.curl), .requires(.wrk))
    func `two hundred thousand requests leave Envoy's memory where it was`() async throws {
        let newcomer = try await BuiltFilter.shared.value
        let (envoy, live) = try await newcomer.startEnvoy("add-header:v1")
        let admin = try #require(envoy.stdout.split(separator: "\n").first { $0.hasPrefix("admin at ") })
        let pid = try #require(admin.split(separator: " ").last.flatMap { Int32($0.dropLast()) })
        var load = Load(address: live, pid: pid)
        try await load.send(20_000)
        let before = try load.residentKilobytes()
        try await load.send(200_000)
        let after = try load.residentKilobytes()
        #expect(
            Double(after) < Double(before) * 1.05,
            "\(before) KB after 20,000 requests, \(after) KB after \(load.sent)")
    }
}
