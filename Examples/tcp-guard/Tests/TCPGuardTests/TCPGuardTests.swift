// SPDX-License-Identifier: Apache-2.0

import ProxyWasm
import ProxyWasmTesting
import Testing

@testable import TCPGuard

@Suite struct TCPGuardTests {
    private func proxy() throws -> HostEmulator {
        try HostEmulator(TCPGuard.self, configuration: #"{"allow": ["HELLO ", "BYE "]}"#)
    }

    @Test func `lets a connection pass that begins as allowed`() throws {
        let proxy = try proxy()
        let connection = proxy.connect()
        connection.sendFromClient("HEL")
        #expect(connection.serverBytes == "")
        connection.sendFromClient("LO you")
        #expect(connection.serverBytes == "HELLO you")
        connection.sendFromServer("hi")
        connection.sendFromClient("!")
        #expect(connection.serverBytes == "HELLO you!")
        #expect(proxy.counter("tcp_guard.accepted") == 1)
        #expect(proxy.counter("tcp_guard.received_bytes") == 10)
        #expect(proxy.counter("tcp_guard.sent_bytes") == 2)
    }

    @Test(arguments: ["HELP", "B YE", "\u{0}"]) func `closes any other`(bytes: String) throws {
        let proxy = try proxy()
        let connection = proxy.connect()
        connection.sendFromClient(Bytes(bytes))
        #expect(connection.isClosed)
        #expect(connection.serverBytes == "")
        #expect(proxy.counter("tcp_guard.refused") == 1)
    }

    @Test func `does not wait for what cannot come any more`() throws {
        let connection = try proxy().connect()
        connection.sendFromClient("HEL", endOfStream: true)
        #expect(connection.isClosed)
    }

    @Test(arguments: ["", "{}", #"{"allow": []}"#, #"{"allow": [""]}"#]) func `refuses a bad configuration`(
        text: String
    ) {
        #expect(throws: ConfigurationRefused.self) {
            try HostEmulator(TCPGuard.self, configuration: Bytes(text))
        }
    }
}
