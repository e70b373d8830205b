import ProxyWasm
import ProxyWasmTesting
import Testing

@testable import Gate

@Suite struct GateTests {
    @Test func `refuses a request without the token`() throws {
        let proxy = try HostEmulator(Gate.self, configuration: #"{"token":"s3cret"}"#)
        let exchange = proxy.exchange()
        #expect(exchange.localResponse?.status == 403)
    }

    @Test func `lets a request with the token pass, and keeps the token to itself`() throws {
        let proxy = try HostEmulator(Gate.self, configuration: #"{"token":"s3cret"}"#)
        let exchange = proxy.exchange(request: [":method": "GET", ":path": "/", "x-token": "s3cret"])
        #expect(exchange.localResponse == nil)
        #expect(exchange.requestHeaders["x-token"] == nil)
        #expect(exchange.responseHeaders["x-gate"] == "checked")
    }

    @Test func `needs a token in its configuration`() {
        #expect(throws: ConfigurationRefused.self) { try HostEmulator(Gate.self, configuration: "{}") }
    }
}
