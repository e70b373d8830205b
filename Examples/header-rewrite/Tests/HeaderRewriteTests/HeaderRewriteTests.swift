// SPDX-License-Identifier: Apache-2.0

import ProxyWasm
import ProxyWasmTesting
import Testing

@testable import HeaderRewrite

@Suite struct HeaderRewriteTests {
    @Test func `applies rules in order`() throws {
        let proxy = try HostEmulator(
            HeaderRewrite.self,
            configuration: """
                {"request": [{"set": "x-a", "value": "1"}, {"add": "x-a", "value": "2"}, {"remove": "x-b"}]}
                """)
        let exchange = proxy.exchange(.request(headers: [HeaderField("x-a", "0"), HeaderField("x-b", "0")]))
        #expect(exchange.requestHeaders.values(of: "x-a") == ["1", "2"])
        #expect(exchange.requestHeaders["x-b"] == nil)
    }

    @Test func `puts attributes into values`() throws {
        let proxy = try HostEmulator(
            HeaderRewrite.self,
            configuration: #"{"response": [{"set": "x-zone", "value": "in %node.zone%, 100%%"}]}"#)
        #expect(proxy.exchange().responseHeaders["x-zone"] == nil)
        proxy.properties["node.zone"] = "eu-1"
        #expect(proxy.exchange().responseHeaders["x-zone"] == "in eu-1, 100%")
    }

    @Test func `leaves out a value that would end the header`() throws {
        let proxy = try HostEmulator(
            HeaderRewrite.self, configuration: #"{"response": [{"set": "x-a", "value": "%some.thing%"}]}"#)
        proxy.properties["some.thing"] = "a\r\nset-cookie: b"
        #expect(proxy.exchange().responseHeaders == [":status": "200"])
    }

    @Test(arguments: [
        #"{"requests": []}"#,
        #"{"request": {}}"#,
        #"{"request": [{"set": "x-a"}]}"#,
        #"{"request": [{"set": "not a token", "value": ""}]}"#,
        #"{"request": [{"remove": "x-a", "value": ""}]}"#,
        #"{"request": [{"add": "x-a", "value": "50%"}]}"#,
    ])
    func `refuses a bad configuration`(text: String) {
        #expect(throws: ConfigurationRefused.self) {
            try HostEmulator(HeaderRewrite.self, configuration: Bytes(text))
        }
    }
}
