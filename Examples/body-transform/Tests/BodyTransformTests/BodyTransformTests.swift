// SPDX-License-Identifier: Apache-2.0

import ProxyWasm
import ProxyWasmTesting
import Testing

@testable import BodyTransform

@Suite struct BodyTransformTests {
    @Test(arguments: ["buffered", "streaming"]) func `finds a text wherever it is cut`(mode: String) throws {
        let proxy = try HostEmulator(
            BodyTransform.self,
            configuration: #"{"response": {"mode": "\#(mode)", "find": "aab", "replacement": "-"}}"#)
        let body = "aaab aab aa b aabaab a"
        for cut in 0...body.utf8.count {
            let bytes = Bytes(body)
            let exchange = proxy.exchange(
                .request(), response: .response(body: [bytes[0..<cut], bytes[cut..<bytes.endIndex]]))
            #expect(exchange.response.body == "a- - aa b -- a", "\(exchange)")
        }
    }

    @Test func `keeps a part only while it may go on`() throws {
        let proxy = try HostEmulator(
            BodyTransform.self, configuration: #"{"request": {"mode": "streaming", "find": "secret"}}"#)
        let exchange = proxy.begin()
        exchange.sendRequestHeaders(HTTPMessage.request().headers, endOfStream: false)
        exchange.sendRequestBody("plain")
        #expect(exchange.request.body == "plain")
        exchange.sendRequestBody("a sec")
        #expect(exchange.keptRequestBytes == 5)
        exchange.sendRequestBody("ret b")
        #expect(exchange.request.body == "plaina  b")
        #expect(exchange.keptRequestBytes == 0)
    }

    @Test(arguments: ["buffered", "streaming"]) func `treats what trailers end`(mode: String) throws {
        let proxy = try HostEmulator(
            BodyTransform.self,
            configuration: #"{"request": {"mode": "\#(mode)", "find": "xy", "replacement": "-"}}"#)
        let exchange = proxy.exchange(.request(body: ["1xy2x"], trailers: ["x-sum": "7"]))
        #expect(exchange.request.body == "1-2x", "\(exchange)")
        #expect(exchange.request.trailers == ["x-sum": "7"])
    }

    @Test func `does not tell a length that has changed`() throws {
        let proxy = try HostEmulator(
            BodyTransform.self, configuration: #"{"response": {"find": "a", "replacement": "bb"}}"#)
        let exchange = proxy.exchange(
            .request(), response: .response(headers: [HeaderField("content-length", "1")], body: ["a"]))
        #expect(exchange.responseHeaders["content-length"] == nil)
        #expect(exchange.response.body == "bb")
    }

    @Test(arguments: [
        #"{"request": {}}"#, #"{"request": {"find": ""}}"#, #"{"request": {"find": "a", "mode": "x"}}"#,
    ])
    func `refuses a bad configuration`(text: String) {
        #expect(throws: ConfigurationRefused.self) {
            try HostEmulator(BodyTransform.self, configuration: Bytes(text))
        }
    }
}
