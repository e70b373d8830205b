// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import EnvoyControl
import Foundation
import TestSupport
import Testing

/// Some builds of Envoy have the Wasm filter and no engine to run it.
@Suite struct EnvoyEngineTests {
    private func info(_ node: String) throws -> EnvoyServerInfo {
        try JSONDecoder().decode(
            EnvoyServerInfo.self,
            from: Data(#"{"version": "c/1.38.3/Modified/RELEASE/BoringSSL", "state": "LIVE"\#(node)}"#.utf8))
    }

    @Test func `an Envoy without V8 is known by what it says of itself`() throws {
        let null = #"{"name": "envoy.wasm.runtime.null", "category": "envoy.wasm.runtime"}"#
        let v8 = #"{"name": "envoy.wasm.runtime.v8", "category": "envoy.wasm.runtime"}"#
        #expect(try info(#", "node": {"extensions": [\#(null)]}"#).lacksWasm)
        #expect(try !info(#", "node": {"extensions": [\#(null), \#(v8)]}"#).lacksWasm)
        // What does not list its extensions is not suspected.
        #expect(try !info("").lacksWasm)
        #expect(try !info(#", "node": {}"#).lacksWasm)
    }

    @Test(.requires(.envoy)) func `the Envoy of these tests has V8`() async throws {
        let envoy = EnvoyBinary(try #require(Tool.envoy.path))
        #expect(try await !envoy.lacksWasm(transport: CurlTransport()))
    }
}
