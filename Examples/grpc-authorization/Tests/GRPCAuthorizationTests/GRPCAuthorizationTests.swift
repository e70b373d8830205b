// SPDX-License-Identifier: Apache-2.0

import ProxyWasm
import ProxyWasmTesting
import Testing

@testable import GRPCAuthorization

@Suite struct GRPCAuthorizationTests {
    private func proxy() throws -> HostEmulator {
        try HostEmulator(GRPCAuthorization.self, configuration: #"{"cluster": "authorization"}"#)
    }

    @Test func `asks, and lets the request pass`() throws {
        let proxy = try proxy()
        let exchange = proxy.exchange(
            .request(headers: [HeaderField("authorization", "t"), HeaderField("x-user", "mallory")]))
        #expect(exchange.outcome == .requestPaused)
        let call = try #require(proxy.grpcCalls.first)
        #expect(call.service == "example.Authorization")
        #expect(call.messages == ["\u{0A}\u{03}GET\u{12}\u{01}/\u{1A}\u{01}t"])
        call.send("\u{0A}\u{05}alice")
        #expect(exchange.requestHeaders["x-user"] == "alice")
        #expect(exchange.outcome == .complete)
    }

    @Test(
        arguments: [(.unauthenticated, 401), (.permissionDenied, 403), (.unavailable, 503)]
            as [(GRPCStatus, UInt32)])
    func `refuses by status`(status: GRPCStatus, expected: UInt32) throws {
        let proxy = try proxy()
        let exchange = proxy.exchange()
        try #require(proxy.grpcCalls.first).finish(status, message: "no")
        #expect(exchange.localResponse?.status == expected)
    }

    @Test(arguments: ["\u{0A}", "\u{0A}\u{05}ab", "\u{07}", "\u{FF}"])
    func `does not take just any bytes for a message`(bytes: String) throws {
        let proxy = try proxy()
        let exchange = proxy.exchange()
        try #require(proxy.grpcCalls.first).send(Bytes(bytes))
        #expect(exchange.localResponse?.status == 503)
    }

    @Test func `skips fields that it does not know`() throws {
        let message = Bytes([0x10, 0x96, 0x01, 0x1A, 1, 7, 0x25, 1, 2, 3, 4, 0x0A, 1, 0x61])
        #expect(CheckResponse(message)?.user == "a")
    }
}
