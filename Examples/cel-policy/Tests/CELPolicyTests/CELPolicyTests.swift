// SPDX-License-Identifier: Apache-2.0

import ProxyWasm
import ProxyWasmTesting
import Testing

@testable import CELPolicy

@Suite struct CELPolicyTests {
    /// A proxy that has expressions, of which each has the value that the test gives.
    private func proxy(_ value: Result<Bytes, HostError>) throws -> HostEmulator {
        func compile(_ text: Bytes) throws(HostError) -> Bytes {
            if text == "wrong" { throw HostError("compile", .badArgument) }
            return "token"
        }
        func evaluate(_ token: Bytes) throws(HostError) -> Bytes { try value.get() }
        let proxy = HostEmulator()
        proxy.foreignFunctions["expr_create"] = compile
        proxy.foreignFunctions["expr_evaluate"] = evaluate
        proxy.foreignFunctions["expr_delete"] = { _ in "" }
        proxy.register(CELPolicy.self)
        return proxy
    }

    @Test(arguments: [(Bytes([1]), nil), (Bytes([0]), 451), (Bytes("text"), 451)] as [(Bytes, UInt32?)])
    func `lets pass what is true`(value: Bytes, status: UInt32?) throws {
        let proxy = try proxy(.success(value))
        try proxy.configure(#"{"expression": "any", "status": 451}"#)
        #expect(proxy.exchange().localResponse?.status == status)
    }

    @Test func `refuses what has no value`() throws {
        let proxy = try proxy(.failure(HostError("evaluate", .internalFailure)))
        try proxy.configure(#"{"expression": "any"}"#)
        #expect(proxy.exchange().localResponse?.status == 403)
    }

    @Test func `refuses an expression that the proxy cannot compile`() throws {
        let proxy = try proxy(.success(Bytes([1])))
        #expect(throws: ConfigurationRefused.self) { try proxy.configure(#"{"expression": "wrong"}"#) }
    }
}
