// SPDX-License-Identifier: Apache-2.0

import ProxyWasm
import ProxyWasmTesting
import Testing

@testable import RateLimit

@Suite struct RateLimitTests {
    @Test func `takes tokens and gives them back with time`() throws {
        let proxy = try HostEmulator(
            RateLimit.self, configuration: #"{"requests": 2, "perSeconds": 10, "burst": 2}"#)
        func status() -> UInt32? { proxy.exchange().localResponse?.status }
        #expect(status() == nil)
        #expect(status() == nil)
        let refused = proxy.exchange()
        #expect(refused.localResponse?.status == 429)
        #expect(refused.localResponse?.headers["retry-after"] == "5")
        proxy.advance(milliseconds: 5_000)
        #expect(status() == nil)
        #expect(status() == 429)
        proxy.advance(milliseconds: 60_000)
        #expect(status() == nil)
        #expect(status() == nil)
        #expect(status() == 429)
    }

    @Test func `shares its buckets with other threads`() throws {
        let memory = SharedMemory()
        var statuses: [UInt32?] = []
        for _ in 0..<3 {
            let thread = HostEmulator(sharedMemory: memory)
            thread.register(RateLimit.self)
            try thread.configure(#"{"requests": 2, "perSeconds": 3600}"#)
            statuses.append(thread.exchange().localResponse?.status)
        }
        #expect(statuses == [nil, nil, 429])
    }

    @Test func `tells clients apart by their header, or else by address without port`() throws {
        let byHeader = try HostEmulator(
            RateLimit.self, configuration: #"{"requests": 1, "perSeconds": 60, "header": "x-client"}"#)
        #expect(byHeader.exchange(.request(headers: [HeaderField("x-client", "a")])).localResponse == nil)
        #expect(byHeader.exchange(.request(headers: [HeaderField("x-client", "b")])).localResponse == nil)
        #expect(
            byHeader.exchange(.request(headers: [HeaderField("x-client", "a")])).localResponse?.status == 429)

        let byAddress = try HostEmulator(RateLimit.self, configuration: #"{"requests": 1, "perSeconds": 60}"#)
        byAddress.properties["source.address"] = "[2001:db8::1]:1000"
        #expect(byAddress.exchange().localResponse == nil)
        byAddress.properties["source.address"] = "[2001:db8::1]:2000"
        #expect(byAddress.exchange().localResponse?.status == 429)
        byAddress.properties["source.address"] = "[2001:db8::2]:1000"
        #expect(byAddress.exchange().localResponse == nil)
    }

    @Test func `does not make anybody wait for a clock that was set back`() throws {
        let memory = SharedMemory()
        let text: Bytes = #"{"requests": 1, "perSeconds": 10}"#
        let before = HostEmulator(sharedMemory: memory, time: 2_000_000_000_000_000_000)
        before.register(RateLimit.self)
        try before.configure(text)
        #expect(before.exchange().localResponse == nil)
        let after = HostEmulator(sharedMemory: memory, time: 1_000_000_000_000_000_000)
        after.register(RateLimit.self)
        try after.configure(text)
        #expect(after.exchange().localResponse?.headers["retry-after"] == "10")
    }
}
