// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import EnvoyControl
import Files
import Foundation
import HTTPTypes
import HostProfiles
import OCIRegistry
import TestSupport
import Testing
import WasmBinary

@Suite struct CapabilitiesTests {
    @Test func `imports and exports tell what a filter can do`() throws {
        let module = try WasmModule(
            ModuleSketch(
                imports: [
                    .init("env", "proxy_http_call", "iiiiiiiiii:i"),
                    .init("env", "proxy_get_buffer_bytes", "iiiii:i"),
                    .init("env", "proxy_set_shared_data", "iiiii:i"),
                    .init("env", "proxy_define_metric", "iiii:i"),
                    .init("wasi_snapshot_preview1", "fd_write", "iiii:i"),
                    .init("env", "pthread_equal", "ii:i"),
                ],
                functions: [.init("proxy_on_request_body", "iii:i"), .init("_initialize", ":")]
            ).bytes)
        let capabilities = Capabilities(module)
        #expect(
            capabilities.all.map(\.words) == [
                "sees request bodies", "reads bodies", "makes HTTP calls", "writes shared data",
                "sets metrics",
                "writes logs",
            ])
        #expect(
            capabilities.allowed == [
                "fd_write", "proxy_define_metric", "proxy_get_buffer_bytes", "proxy_http_call",
                "proxy_on_request_body", "proxy_set_shared_data",
            ])
    }

    @Test func `reading a configuration is not reading bodies`() throws {
        let module = try WasmModule(
            ModuleSketch(
                imports: [.init("env", "proxy_get_buffer_bytes", "iiiii:i")],
                functions: [.init("proxy_on_configure", "ii:i")]
            ).bytes)
        #expect(Capabilities(module).all == [.readsConfiguration])
    }

    @Test func `a filter that does nothing is not allowed everything`() throws {
        let capabilities = Capabilities(try WasmModule(ModuleSketch().bytes))
        #expect(capabilities.all.isEmpty)
        // An empty list would mean "all".
        #expect(capabilities.allowed == ["none"])
        #expect(capabilities.restriction == ["allowed_capabilities": ["none": [:]]])
    }

    @Test func `each capability has words of its own`() {
        let words = Capability.allCases.map(\.words)
        #expect(Set(words).count == words.count)
    }

    /// Runs a filter under a restriction.
    /// - Returns: the headers of an answer, and what Envoy said of restricted calls.
    func run(
        _ bytes: [UInt8], allowing restriction: [String: [String: [String: String]]]
    ) async throws -> (headers: [String: String], restricted: [String]) {
        let scratch = try ScratchDirectory("capabilities")
        let file = scratch.appending("module.wasm")
        try Files.replace(file, with: bytes)
        let json = String(decoding: try JSONEncoder().encode(restriction), as: UTF8.self)
        let bootstrap = """
            static_resources: {listeners: [{name: l, address: {socket_address: {address: 127.0.0.1, port_value: 0}},
             enable_reuse_port: false, filter_chains: [{filters: [{name: hcm, typed_config: {
             "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager,
             stat_prefix: p, route_config: {virtual_hosts: [{name: all, domains: ["*"],
              routes: [{match: {prefix: /}, direct_response: {status: 200}}]}]}, http_filters: [
             {name: w, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm,
             config: {vm_config: {runtime: envoy.wasm.runtime.v8, code: {local: {filename: "\(file)"}}},
              capability_restriction_config: \(json)}}},
             {name: r, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
             ]}}]}]}]}
            """
        var options = EnvoyOptions()
        options.concurrency = 1
        options.logLevel = "error"
        let transport = CurlTransport()
        return try await EnvoyProcess.run(
            EnvoyBinary(#require(Tool.envoy.path)), .text(bootstrap), options: options, transport: transport
        ) { envoy in
            let address = try #require(envoy.listeners.first?.address)
            let request = HTTPRequest(
                method: .get, scheme: "http", authority: address.description, path: "/")
            let response = try await transport.send(request, body: nil, options: HTTPTransportOptions()) {
                _ in
                nil
            }
            let headers = response.headerFields.map { ($0.name.canonicalName, $0.value) }
            let texts = try envoy.logMessages().map(\.text).filter { $0.contains("restricted") }
            return (Dictionary(headers) { first, _ in first }, texts)
        }
    }

    @Test(.requires(.envoy)) func `exactly what a filter needs lets it work in Envoy`() async throws {
        let bytes = TinyFilter().bytes
        let capabilities = Capabilities(try WasmModule(bytes))
        #expect(
            capabilities.allowed == [
                "proxy_add_header_map_value", "proxy_on_configure", "proxy_on_response_headers",
                "proxy_on_vm_start",
            ])
        let whole = try await run(bytes, allowing: capabilities.restriction)
        #expect(whole.headers["hello"] == "world")
        #expect(whole.restricted.isEmpty)
        var restriction = capabilities.restriction
        restriction["allowed_capabilities"]?["proxy_add_header_map_value"] = nil
        let withoutCall = try await run(bytes, allowing: restriction)
        #expect(withoutCall.headers["hello"] == nil)
        #expect(
            withoutCall.restricted.contains {
                $0.hasSuffix("restricted proxy-wasm capability: proxy_add_header_map_value")
            })
        restriction = capabilities.restriction
        restriction["allowed_capabilities"]?["proxy_on_response_headers"] = nil
        let withoutCallback = try await run(bytes, allowing: restriction)
        #expect(withoutCallback.headers["hello"] == nil)
        #expect(withoutCallback.restricted.isEmpty)
    }

    @Test(.requires(.envoy)) func `WASI calls need their names in the list too`() async throws {
        let sketch = ModuleSketch(
            imports: [.init("wasi_snapshot_preview1", "random_get", "ii:i")],
            functions: [.init("proxy_on_vm_start", "ii:i", calls: 0)])
        let capabilities = Capabilities(try WasmModule(sketch.bytes))
        #expect(capabilities.allowed == ["proxy_on_vm_start", "random_get"])
        #expect(try await run(sketch.bytes, allowing: capabilities.restriction).restricted.isEmpty)
        let without = try await run(
            sketch.bytes, allowing: ["allowed_capabilities": ["proxy_on_vm_start": [:]]])
        #expect(without.restricted.contains { $0.hasSuffix("restricted WASI capability: random_get") })
    }

    @Test(.requires(.envoy)) func `the name for nothing allows nothing`() async throws {
        let bytes = TinyFilter().bytes
        let nothing = Capabilities(try WasmModule(ModuleSketch().bytes)).restriction
        #expect(try await run(bytes, allowing: nothing).headers["hello"] == nil)
        // And this is why there is a name: an empty list allows everything.
        #expect(try await run(bytes, allowing: ["allowed_capabilities": [:]]).headers["hello"] == "world")
    }
}
