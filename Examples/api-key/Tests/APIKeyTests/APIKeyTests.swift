// SPDX-License-Identifier: Apache-2.0

import ProxyWasm
import ProxyWasmTesting
import Testing

@testable import APIKey

@Suite struct APIKeyTests {
    private func request(_ key: Bytes) -> HTTPMessage { .request(headers: [HeaderField("x-api-key", key)]) }

    @Test func `remembers a good key for its time to live`() throws {
        let proxy = try HostEmulator(APIKey.self, configuration: #"{"cluster": "keys", "ttlSeconds": 10}"#)
        let first = proxy.exchange(request("k1"))
        #expect(first.outcome == .requestPaused)
        let call = try #require(proxy.pendingCalls.first)
        #expect(call.headers["x-api-key"] == "k1")
        call.respond(headers: ["x-consumer": "alice"])
        #expect(first.requestHeaders["x-consumer"] == "alice")

        proxy.advance(milliseconds: 9_000)
        #expect(proxy.exchange(request("k1")).requestHeaders["x-consumer"] == "alice")
        #expect(proxy.pendingCalls.isEmpty)

        proxy.advance(milliseconds: 2_000)
        #expect(proxy.exchange(request("k1")).outcome == .requestPaused)
        #expect(proxy.pendingCalls.count == 1)
    }

    @Test func `does not remember a wrong key`() throws {
        let proxy = try HostEmulator(APIKey.self, configuration: #"{"cluster": "keys"}"#)
        for _ in 0..<2 {
            let exchange = proxy.exchange(request("wrong"))
            try #require(proxy.pendingCalls.first).respond(status: 401)
            #expect(exchange.localResponse?.status == 403)
        }
    }

    @Test func `answers without asking where there is no key`() throws {
        let proxy = try HostEmulator(APIKey.self, configuration: #"{"cluster": "keys"}"#)
        #expect(proxy.exchange().localResponse?.status == 401)
        #expect(proxy.pendingCalls.isEmpty)
    }

    @Test(arguments: [false, true]) func `fails as configured`(failsOpen: Bool) throws {
        let proxy = try HostEmulator(
            APIKey.self,
            configuration: #"{"cluster": "keys", "failOpen": \#(failsOpen), "timeoutMilliseconds": 50}"#)
        let expected: UInt32? = failsOpen ? nil : 503
        let failed = proxy.exchange(request("k"))
        try #require(proxy.pendingCalls.first).fail()
        #expect(failed.localResponse?.status == expected)
        let late = proxy.exchange(request("k"))
        proxy.advance(milliseconds: 50)
        #expect(late.localResponse?.status == expected)
        proxy.clusters = []
        #expect(proxy.exchange(request("k")).localResponse?.status == expected)
    }

    @Test func `leaves nothing behind when the client goes away`() throws {
        let proxy = try HostEmulator(APIKey.self, configuration: #"{"cluster": "keys"}"#)
        let exchange = proxy.exchange(request("k"))
        exchange.disconnect()
        proxy.pendingCalls.first?.respond()
        try proxy.assertNoLeaks()
    }
}
