// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Deployment
import EnvoyControl
import Files
import FilterImage
import Foundation
import HTTPTypes
import OCI
import OCILayout
import OCIRegistry
import SystemPackage
import TestSupport
import Testing

/// `wasme deploy envoy --prepare`, with real Envoys that start with what it wrote.
@Suite struct DeployPrepareTests {
    private let listener: Listener
    private let transport = CurlTransport()

    init() throws { listener = try Listener() }

    private var scratch: ScratchDirectory { listener.scratch }
    private var environment: [String: String] { ["WASME_ENVOY": Tool.envoy.path?.string ?? ""] }

    private static let manager =
        "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"

    /// A listener with a route of its own; lines without indentation.
    private static let publicListener = """
        name: public
        address: {socket_address: {address: 127.0.0.1, port_value: 0}}
        filter_chains:
        - filters:
          - name: http
            typed_config:
              "@type": \(manager)
              stat_prefix: public
              route_config:
                virtual_hosts:
                - name: all
                  domains: ["*"]
                  routes:
                  - {name: filtered, match: {path: /filtered}, direct_response: {status: 200}}
                  - {match: {prefix: /}, direct_response: {status: 200}}
              http_filters:
              # the router is always the last
              - name: envoy.filters.http.router
                typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
        """

    private static func item(_ first: String, _ text: String, indentation: String) -> String {
        first
            + text.split(separator: "\n").enumerated().map { ($0 == 0 ? "" : indentation) + $1 }.joined(
                separator: "\n") + "\n"
    }

    private static let bootstrap =
        "# ours\nadmin: {address: {socket_address: {address: 127.0.0.1, port_value: 9901}}}\nstatic_resources:\n  listeners:\n"
        + item("  - ", publicListener, indentation: "    ")

    private func prepare(_ arguments: String...) async -> Int32 {
        await listener.run(
            ["deploy", "envoy", "--prepare"] + arguments + ["--slot", "slot"], environment: environment)
    }

    private func text(_ name: String) throws -> String {
        String(decoding: try Files.read(scratch.appending(name)), as: UTF8.self)
    }

    /// What an Envoy answers: its status, and whether `TinyFilter` was there.
    private func get(
        _ path: String, _ envoy: EnvoyProcess, through transport: CurlTransport? = nil
    ) async throws -> (status: Int, isFiltered: Bool) {
        let transport = transport ?? self.transport
        let address = try #require(try await envoy.admin.listeners().first?.address)
        let request = HTTPRequest(method: .get, scheme: "http", authority: address.description, path: path)
        let response = try await transport.send(request, body: nil, options: HTTPTransportOptions()) { _ in
            MemorySink(limit: 1 << 20)
        }
        let name = try #require(HTTPField.Name("hello"))
        return (response.status.code, response.headerFields[name] == "world")
    }

    /// Puts `TinyFilter` into a place of the slot.
    private func install(at place: Int, _ envoy: EnvoyProcess) async throws {
        let module = scratch.appending("module.wasm")
        try Files.replace(module, with: TinyFilter().bytes)
        let slot = try SlotFolder(opening: scratch.appending("slot"))
        let outcome = try await slot.places[place].install(
            EnvoyPlugin(name: "tiny", modulePath: module), version: "1", on: envoy.admin)
        #expect(outcome == .accepted)
    }

    @Test(.requires(.envoy))
    func `an Envoy starts with a prepared bootstrap, and gets filters while it runs`()
        async throws
    {
        try scratch.write("envoy.yaml", Self.bootstrap)
        #expect(await prepare("envoy.yaml") == 0, "\(listener.errors)")
        #expect(listener.output.contains("prepared envoy.yaml (before: "))
        #expect(listener.output.contains("takes it"))
        #expect(listener.output.contains("--slot \(scratch.appending("slot")) --admin 127.0.0.1:9901"))
        #expect(try text("envoy.yaml.bak") == Self.bootstrap)
        let file = EnvoyConfiguration.file(scratch.appending("envoy.yaml"))
        let binary = EnvoyBinary(try #require(Tool.envoy.path))
        try await EnvoyProcess.run(binary, file, transport: transport) { envoy in
            #expect(try await get("/", envoy) == (200, false))
            try await install(at: 2, envoy)
            #expect(try await get("/", envoy) == (200, true))
        }
    }

    @Test(.requires(.envoy)) func `only the routes that were named pass a filter`() async throws {
        try scratch.write("envoy.yaml", Self.bootstrap)
        #expect(
            await prepare("envoy.yaml", "--places", "2", "--route", "filtered") == 0, "\(listener.errors)")
        #expect(listener.output.contains("for 1 route"))
        let file = EnvoyConfiguration.file(scratch.appending("envoy.yaml"))
        let binary = EnvoyBinary(try #require(Tool.envoy.path))
        try await EnvoyProcess.run(binary, file, transport: transport) { envoy in
            #expect(try await get("/filtered", envoy) == (200, false))
            try await install(at: 1, envoy)
            #expect(try await get("/filtered", envoy) == (200, true))
            #expect(try await get("/other", envoy) == (200, false))
        }
    }

    @Test(.requires(.envoy)) func `a running Envoy takes a slot through the file with its listeners`()
        async throws
    {
        let resource = "\"@type\": type.googleapis.com/envoy.config.listener.v3.Listener\n"
        try scratch.write(
            "lds.yaml",
            "# listeners\nresources:\n"
                + Self.item("- ", resource + Self.publicListener, indentation: "  "))
        let bootstrap = """
            node: {id: edge, cluster: edge}
            dynamic_resources:
              lds_config:
                resource_api_version: V3
                path_config_source: {path: \(scratch.appending("lds.yaml"))}

            """
        try scratch.write("envoy.yaml", bootstrap)
        #expect(await prepare("envoy.yaml") == 64)
        #expect(listener.errors.contains("lds.yaml"), "\(listener.errors)")
        #expect(Files.kind(scratch.appending("slot")) == nil)
        let binary = EnvoyBinary(try #require(Tool.envoy.path))
        try await EnvoyProcess.run(
            binary, .file(scratch.appending("envoy.yaml")), transport: transport
        ) { envoy in
            #expect(try await get("/", envoy).status == 200)
            #expect(await prepare("lds.yaml") == 0, "\(listener.errors)")
            #expect(listener.output.contains("an Envoy that watches this file has taken it"))
            let deadline = ContinuousClock.now + .seconds(30)
            while try await envoy.admin.statistics(
                matching: #"^extension_config_discovery\.http_filter\.wasme\.1\.update_success$"#
            ).values.first ?? 0 == 0, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(20))
            }
            try await install(at: 0, envoy)
            // A connection from before keeps the chain that it has.
            #expect(try await get("/", envoy, through: CurlTransport()) == (200, true))
        }
    }

    @Test(.requires(.envoy)) func `an Envoy in a container sees the slot elsewhere`() async throws {
        try scratch.write("envoy.yaml", Self.bootstrap)
        #expect(await prepare("envoy.yaml", "--slot-as", "/etc/envoy/slot", "-q") == 0, "\(listener.errors)")
        let prepared = try text("envoy.yaml")
        #expect(prepared.contains("path: /etc/envoy/slot/4.yaml"))
        #expect(!prepared.contains(scratch.path.string))
        #expect(listener.output == "\(scratch.appending("slot"))\n")
        #expect(await prepare("envoy.yaml", "--slot-as", "slot") == 64)
        #expect(listener.errors.contains("absolute"))
    }

    @Test func `older backups stay, and so do links and permissions`() async throws {
        let real = try scratch.write("real/envoy.yaml", Self.bootstrap)
        try #require(chmod(real.string, 0o640) == 0)
        try FileManager.default.createSymbolicLink(
            atPath: scratch.appending("envoy.yaml").string, withDestinationPath: "real/envoy.yaml")
        for places in [2, 2, 3] {
            #expect(await prepare("envoy.yaml", "--places", "\(places)") == 0, "\(listener.errors)")
        }
        #expect(listener.output.contains("envoy.yaml was prepared already"))
        #expect(
            Set(try Files.contents(scratch.appending("real")))
                == ["envoy.yaml", "envoy.yaml.bak", "envoy.yaml.bak.1"])
        #expect(try text("real/envoy.yaml.bak") == Self.bootstrap)
        #expect(try text("real/envoy.yaml.bak.1").contains("name: wasme.2\n"))
        #expect(try text("envoy.yaml").contains("name: wasme.3\n"))
        for name in ["envoy.yaml", "envoy.yaml.bak"] {
            let attributes = try FileManager.default.attributesOfItem(
                atPath: scratch.appending("real").appending(name).string)
            #expect(attributes[.posixPermissions] as? Int == 0o640)
        }
    }

    @Test func `what is only tried out or fails leaves nothing behind`() async throws {
        try scratch.write("envoy.yaml", Self.bootstrap)
        #expect(await prepare("envoy.yaml", "--dry-run") == 0)
        #expect(listener.output.contains(/\+ +- name: wasme\.1/), "\(listener.output)")
        #expect(listener.output.hasSuffix("would make the slot \(scratch.appending("slot"))\n"))
        try scratch.write("broken.yaml", "a: [")
        try scratch.write("old.yaml", "a:\n- name: envoy.http_connection_manager\n  config: {}\n")
        try scratch.write("file", "")
        for (arguments, status, part) in [
            (["broken.yaml"], 64, "line"), (["old.yaml"], 64, "v2 API at line 2"),
            (["missing.yaml"], 1, "missing.yaml"), (["envoy.yaml", "--places", "0"], 64, "0 places"),
            (["envoy.yaml", "--slot-name", "a.b"], 64, "name of a slot"),
            (["envoy.yaml", "--out", "file/out.yaml"], 1, "file"),
            (["envoy.yaml", "--listener", "nobody"], 64, "\"public\" (line "),
            (["envoy.yaml", "--network", "--route", "filtered"], 64, "no routes"),
        ] as [([String], Int32, String)] {
            let other = try Listener(sharing: scratch)
            let outcome = await other.run(
                ["deploy", "envoy", "--prepare"] + arguments + ["--slot", "slot"], environment: environment)
            #expect(outcome == status && other.errors.contains(part), "\(arguments): \(other.errors)")
            #expect(Files.kind(scratch.appending("slot")) == nil, "\(arguments)")
        }
        #expect(try text("envoy.yaml") == Self.bootstrap)
        #expect(Files.kind(scratch.appending("envoy.yaml.bak")) == nil)
    }

    @Test(.requires(.envoy)) func `what Envoy refused already is prepared, and said`() async throws {
        try scratch.write(
            "envoy.yaml",
            Self.bootstrap.replacing(
                "stat_prefix: public", with: "stat_prefix: public\n          no_such_field: 1"))
        #expect(await prepare("envoy.yaml") == 0)
        #expect(listener.errors.contains("also without the slot"), "\(listener.errors)")
        #expect(try text("envoy.yaml").contains("wasme.4"))
    }

    @Test func `elsewhere, and through pipes`() async throws {
        try scratch.write("envoy.yaml", Self.bootstrap)
        #expect(await prepare("envoy.yaml", "--out", "other.yaml") == 0)
        #expect(try text("envoy.yaml") == Self.bootstrap)
        let piped = try Listener(input: Self.bootstrap, sharing: scratch)
        #expect(
            await piped.run(
                ["deploy", "envoy", "--prepare", "-", "--slot", "slot"], environment: environment) == 0)
        #expect(try piped.output == text("other.yaml"))
    }

    @Test(arguments: [
        (["x:v1", "--places", "2"], "--prepare, which is missing"),
        (["x:v1", "--prepare", "e.yaml", "--slot", "s"], "takes no image"),
        (["--prepare", "e.yaml"], "needs --slot"), ([], "image is missing"),
        (["x:v1", "--listener", "a"], "--bootstrap"), (["x:v1", "--in-place"], "--bootstrap"),
    ]) func `options that do not go together are told so`(_ arguments: [String], _ part: String) async throws
    {
        #expect(await listener.run(["deploy", "envoy"] + arguments) == 64)
        #expect(listener.errors.contains(part), "\(listener.errors)")
    }

    @Test func `a filter goes into a bootstrap in place only where that is said`() async throws {
        let store = try ImageStore(scratch.appending("home/.local/share/wasme/store"))
        _ = try await FilterImage.pack(
            FilterContent(module: TinyFilter().bytes, runtime: RuntimeConfig(abiVersions: [], rootIDs: [])),
            as: [try Reference("tiny:v1")], into: store)
        try scratch.write("envoy.yaml", Self.bootstrap)
        let deploy = ["deploy", "envoy", "tiny:v1", "--bootstrap", "envoy.yaml", "--listener", "public"]
        #expect(await listener.run(deploy) == 0, "\(listener.errors)")
        #expect(try text("envoy.yaml") == Self.bootstrap)
        #expect(await listener.run(deploy + ["--dry-run"]) == 0)
        #expect(listener.output.contains("+++ envoy.yaml"))
        #expect(await listener.run(deploy + ["--in-place"]) == 0, "\(listener.errors)")
        #expect(try text("envoy.yaml").contains("name: wasme.tiny"))
        #expect(try text("envoy.yaml.bak") == Self.bootstrap)
    }
}
