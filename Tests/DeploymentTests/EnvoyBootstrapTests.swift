// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Deployment
import EnvoyControl
import Files
import Foundation
import HTTPTypes
import OCI
import OCIRegistry
import SystemPackage
import TestSupport
import Testing

@Suite struct EnvoyBootstrapTests {
    let scratch: ScratchDirectory

    init() throws { scratch = try ScratchDirectory("bootstrap") }

    /// What differs from the defaults, by the name of the golden.
    static let settings: [(String, @Sendable (inout EnvoyBootstrap.Settings) throws -> Void)] = [
        ("direct", { _ in }),
        ("upstream-name", { $0.upstream = try HostPort("backend.local:80") }),
        ("upstream-address", { $0.upstream = try HostPort("[::1]:8000") }),
        (
            "addresses",
            {
                $0.listener = try HostPort("0.0.0.0:80")
                $0.admin = try HostPort("localhost:19000")
                $0.sharesPort = false
            }
        ),
    ]

    @Test(arguments: settings.map(\.0)) func `a bootstrap from nothing is as expected`(_ name: String) throws
    {
        var settings = EnvoyBootstrap.Settings()
        try Self.settings.first { $0.0 == name }?.1(&settings)
        try expectGolden(
            EnvoyBootstrap.render(Samples.filter(), settings), "Deployment/render/\(name).yaml")
    }

    @Test(.requires(.envoy), arguments: settings.map(\.0))
    func `Envoy takes every bootstrap from nothing`(_ name: String) async throws {
        var settings = EnvoyBootstrap.Settings()
        try Self.settings.first { $0.0 == name }?.1(&settings)
        try await expectAccepted(EnvoyBootstrap.render(Samples.filter(), settings), in: scratch)
    }

    @Test func `a name cannot be listened on`() throws {
        var settings = EnvoyBootstrap.Settings()
        settings.listener = try HostPort("example.com:80")
        let error = try #require(throws: DeploymentError.self) {
            try EnvoyBootstrap.render(Samples.filter(), settings)
        }
        #expect(error.code == .invalid && error.message.contains("\"example.com:80\" (listener)"))
    }

    @Test(arguments: ["", "a b", "a\n- x", "ä", String(repeating: "a", count: 64)])
    func `an id that Envoy could not carry is refused`(_ id: String) {
        #expect(throws: DeploymentError.self) { try Samples.filter(id: id) }
    }

    @Test func `a relative module is refused`() {
        #expect(throws: DeploymentError.self) { try Samples.filter(module: "module.wasm") }
    }

    @Test(
        .requires(.envoy),
        arguments: [
            #"{"header": "hello"}"#, "{\n  \"a\": \"it's\",\r\n\t\"ü\": \"\\u00fc 🦆\"\n}\n",
            "{\n  \"a\": 1\n}\n", " {} ",
            #"{"a": "{{x}} # % \\ \" ' \n"}"#, "\n\n{}\n\n",
        ])
    func `Envoy gets the configuration byte for byte`(_ configuration: String) async throws {
        struct Plugin: Decodable {
            struct Holder: Decodable { let value: String }
            let configuration: Holder
        }
        let module = scratch.appending("module.wasm")
        try Files.replace(module, with: TinyFilter().bytes)
        var settings = EnvoyBootstrap.Settings()
        settings.listener = try HostPort("127.0.0.1:0")
        let filter = try Samples.filter(configuration: configuration, module: module)
        let text = try EnvoyBootstrap.render(filter, settings)
        let transport = CurlTransport()
        let dump = try await EnvoyProcess.run(envoyUnderTest(), .text(text), transport: transport) { envoy in
            let request = HTTPRequest(
                method: .get, scheme: "http", authority: envoy.admin.address.description, path: "/config_dump"
            )
            let body = Collected()
            _ = try await transport.send(request, body: nil, options: HTTPTransportOptions()) { _ in body }
            return body.sink.bytes
        }
        #expect(Self.strings(try JSONSerialization.jsonObject(with: Data(dump))).contains(configuration))
    }

    /// All strings of a JSON document.
    static func strings(_ value: Any) -> Set<String> {
        switch value {
        case let text as String: [text]
        case let list as [Any]: list.reduce(into: []) { $0.formUnion(strings($1)) }
        case let map as [String: Any]: map.values.reduce(into: []) { $0.formUnion(strings($1)) }
        default: []
        }
    }

    @Test(.requires(.envoy)) func `a deployed filter serves, with and without an upstream`() async throws {
        let module = TinyFilter(header: "x-filter", value: "here").bytes
        let path = scratch.appending("modules").appending(EnvoyFilter.moduleName(module))
        let filter = try Samples.filter(module: path)
        let transport = CurlTransport()
        var settings = EnvoyBootstrap.Settings()
        settings.listener = try HostPort("127.0.0.1:0")
        let file = scratch.appending("envoy.yaml")
        func deploy() throws {
            let plan = DeploymentPlan.envoy(
                filter, module: module, bootstrap: file, text: try EnvoyBootstrap.render(filter, settings))
            try plan.write(to: .apply)
        }
        try deploy()
        try await EnvoyProcess.run(envoyUnderTest(), .file(file), transport: transport) { behind in
            let first = try await get(behind.listeners[0].address, transport)
            #expect(first.response.status == .ok)
            #expect(first.response.headerFields[try #require(HTTPField.Name("x-filter"))] == "here")
            #expect(first.body == EnvoyBootstrap.answerWithoutUpstream)
            #expect(try await behind.admin.proveLoaded().isLoaded)

            var settings = EnvoyBootstrap.Settings()
            settings.listener = try HostPort("127.0.0.1:0")
            settings.upstream = behind.listeners[0].address
            let front = try EnvoyBootstrap.render(filter, settings)
            try await EnvoyProcess.run(envoyUnderTest(), .text(front), transport: transport) { envoy in
                let second = try await get(envoy.listeners[0].address, transport)
                #expect(
                    second.response.headerFields[values: try #require(HTTPField.Name("x-filter"))].count == 2)
                #expect(second.body == EnvoyBootstrap.answerWithoutUpstream)
            }
        }
    }

    private func get(
        _ address: HostPort, _ transport: CurlTransport
    ) async throws -> (response: HTTPResponse, body: String) {
        let request = HTTPRequest(method: .get, scheme: "http", authority: address.description, path: "/")
        let body = Collected()
        let response = try await transport.send(request, body: nil, options: HTTPTransportOptions()) { _ in
            body
        }
        return (response, String(decoding: body.sink.bytes, as: UTF8.self))
    }
}

/// Collects an answer; the exchange owns it until it has returned.
private final class Collected: ByteSink, @unchecked Sendable {
    let sink = MemorySink(limit: 16 << 20)
    func write(_ bytes: UnsafeRawBufferPointer) throws { try sink.write(bytes) }
}
