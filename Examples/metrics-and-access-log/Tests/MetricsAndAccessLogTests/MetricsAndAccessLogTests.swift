// SPDX-License-Identifier: Apache-2.0

import ProxyWasm
import ProxyWasmTesting
import Testing

@testable import MetricsAndAccessLog

@Suite struct MetricsAndAccessLogTests {
    @Test func `counts by route and status`() throws {
        let proxy = try HostEmulator(MetricsAndAccessLog.self)
        proxy.properties["xds.route_name"] = "shop"
        for status: Bytes in ["200", "204", "503"] {
            proxy.exchange(response: [":status": status]).end()
        }
        #expect(proxy.counter("http.requests.shop.2xx") == 2)
        #expect(proxy.counter("http.requests.shop.5xx") == 1)
        #expect(proxy.histogram("http.duration_us")?.count == 3)
        #expect(proxy.gauge("http.in_flight") == 0)
    }

    @Test func `knows how many requests are under way`() throws {
        let proxy = try HostEmulator(MetricsAndAccessLog.self)
        let exchange = proxy.begin()
        exchange.sendRequestHeaders(HTTPMessage.request().headers)
        #expect(proxy.gauge("http.in_flight") == 1)
        exchange.disconnect()
        #expect(proxy.gauge("http.in_flight") == 0)
    }

    @Test func `logs one line, and none for what is skipped`() throws {
        let proxy = try HostEmulator(
            MetricsAndAccessLog.self, configuration: #"{"service": "a\nb", "skip": ["/healthz"]}"#)
        proxy.exchange(.request("GET", "/healthz?x")).end()
        #expect(proxy.messages(at: .info).isEmpty)
        proxy.exchange(.request("GET", "/a?secret=1")).end()
        let line = try #require(proxy.messages(at: .info).last)
        #expect(line.hasPrefix(#"{"service":"a\u000ab","method":"GET","path":"/a","status":200"#), "\(line)")
    }

    @Test func `writes JSON whatever the bytes`() {
        var line = JSONLine()
        line.add("a", Bytes([0x22, 0x5C, 0x01, 0xFF, 0x7A]))
        line.add("b", -3)
        line.add("c", nil as Bytes?)
        #expect(line.finish() == #"{"a":"\"\\\u0001\#u{FFFD}z","b":-3}"#)
        #expect(JSONLine().finish() == "{}")
    }
}
