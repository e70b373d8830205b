// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import TestSupport
import Testing

/// What is refused before it is a request is noticed all the same: in the log, and among the metrics.
@Suite struct RefusedRequestTests {
    @Test
    func `a slow head, a head that is too large, one connection too many and garbage are logged and counted`()
        async throws
    {
        let scratch = try ScratchDirectory("hub")
        let hub = try await HubProcess(
            data: scratch.path.appending("data"),
            environment: [
                "WASME_HUB_LOG_REQUESTS": "true", "WASME_HUB_LOG_FORMAT": "json",
                "WASME_HUB_LIMITS_HEAD_TIME": "1s", "WASME_HUB_LIMITS_HEADER_COUNT": "20",
                "WASME_HUB_LIMITS_CONNECTIONS_PER_ADDRESS": "2",
            ])
        let many = (0..<30).map { "X-\($0): a\r\n" }.joined()
        let replies = try await onThread { [port = hub.client.port] in
            var replies: [Reply?] = []
            for text in [
                "GET /v2/ HTTP/1.1\r\nHost: x\r\nX-Slow: ", "GET /v2/ HTTP/1.1\r\nHost: x\r\n\(many)\r\n",
                "hello\r\n\r\n",
            ] {
                let wire = try Wire(port: port)
                try wire.send(text)
                replies.append(try wire.reply())
                // So that the hub has seen the end of it before the next one comes.
                _ = try? wire.isClosed()
            }
            // A connection counts until the hub has seen its end, which may be after the client has.
            var kept: [Wire] = []
            let deadline = ContinuousClock.now + .seconds(60)
            while replies.count == 3, ContinuousClock.now < deadline {
                let wire = try Wire(port: port)
                try? wire.send("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n")
                guard let reply = try? wire.reply() else { continue }
                if reply.status == 503 { replies.append(reply) } else { kept.append(wire) }
            }
            return replies
        }
        #expect(replies.map { $0?.status } == [408, 431, 400, 503])
        var metrics = try? await hub.client.send("GET", "/metrics")
        let deadline = ContinuousClock.now + .seconds(60)
        while metrics?.status != 200, ContinuousClock.now < deadline {
            metrics = try? await hub.client.send("GET", "/metrics")
        }
        let text = try #require(metrics).text
        for status in [408, 431, 400, 503] {
            let sample =
                "wasme_hub_http_requests_total{route=\"other\",method=\"other\",code=\"\(status)\"} "
            #expect(text.contains(sample), "\(status)")
        }
        #expect(await hub.stop(SIGTERM) == 0)
        let lines = try hub.errorText.split(separator: "\n").filter { $0.hasPrefix("{") }.compactMap {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }.filter { $0["message"] as? String == "request" }
        for reply in replies {
            let reply = try #require(reply)
            // The answer names the line.
            let id = try #require(reply["X-Request-Id"])
            let line = try #require(lines.first { $0["id"] as? String == id }, "\(reply.status)")
            #expect(line["status"] as? Int == reply.status)
            #expect(line["address"] as? String == "127.0.0.1")
            #expect(line["route"] as? String == "other")
            #expect(line["path"] == nil)
            #expect(line["method"] == nil)
            if reply.status == 408 { #expect(try #require(line["ms"] as? Double) >= 1000) }
        }
    }

    @Test func `what is asked about a filter has a class of its own`() async throws {
        try await withHub { hub in
            try await hub.client.push(try FilterSketch(), to: "acme/tiny", tag: "v1")
            _ = try await hub.client.facts("acme/tiny/v1")
            _ = try await hub.client.send("GET", "/api/v1/facts/acme/tiny/none")
            let text = try await hub.client.send("GET", "/metrics").text
            #expect(
                text.contains("wasme_hub_http_requests_total{route=\"facts\",method=\"GET\",code=\"200\"} 1"))
            #expect(
                text.contains("wasme_hub_http_requests_total{route=\"facts\",method=\"GET\",code=\"404\"} 1"))
            #expect(!text.contains("route=\"management\""))
        }
    }
}
