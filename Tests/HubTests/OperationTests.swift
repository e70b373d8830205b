// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Foundation
import HTTPTypes
import Hub
import HubHTTP
import HubStorage
import OCI
import SystemPackage
import TestSupport
import Testing

/// What operators and their tools ask a hub.
@Suite struct OperationTests {
    /// The value of a metric; nil if it is not there.
    private func value(_ name: String, _ labels: String = "", in text: String) -> Double? {
        let key = labels.isEmpty ? "\(name) " : "\(name){\(labels)} "
        return text.split(separator: "\n").first { $0.hasPrefix(key) }.flatMap {
            Double($0.dropFirst(key.count))
        }
    }

    @Test func `a hub that works is alive and ready, and says so without a log-in`() async throws {
        try await withTown { town in
            for path in ["/healthz", "/readyz"] {
                let reply = try await town.hub.client.send("GET", path)
                #expect(reply.status == 200, "\(reply.text)")
                #expect(reply["Cache-Control"] == "no-store")
                #expect(try await town.hub.client.send("HEAD", path).status == 200)
                #expect(try await town.hub.client.send("POST", path, body: []).status == 405)
            }
        }
    }

    @Test func `a hub that cannot write, or has too little space, is not ready`() async throws {
        try await withHub { hub in
            let uploads = hub.folder.appending("uploads")
            try FileManager.default.moveItem(atPath: uploads.string, toPath: uploads.string + ".away")
            let reply = try await hub.client.send("GET", "/readyz")
            #expect(reply.status == 503)
            #expect(reply.text.contains(#""storage":"nothing can be written""#), "\(reply.text)")
            #expect(try await hub.client.send("GET", "/healthz").status == 200)
            try FileManager.default.moveItem(atPath: uploads.string + ".away", toPath: uploads.string)
            #expect(try await hub.client.send("GET", "/readyz").status == 200)
        }
        var limits = Registry.Limits()
        limits.freeSpace = .max
        try await withHub(limits: limits) { hub in
            let reply = try await hub.client.send("GET", "/readyz")
            #expect(reply.status == 503)
            #expect(reply.text.contains(#""space":"#), "\(reply.text)")
        }
    }

    @Test func `a hub whose database does not answer is not ready`() async throws {
        try await withHub { hub in
            try await hub.metadata.execute("DROP TABLE open_uploads")
            let reply = try await hub.client.send("GET", "/readyz")
            #expect(reply.status == 503)
            #expect(reply.text.contains(#""database":"it does not answer""#), "\(reply.text)")
        }
    }

    @Test func `metrics say what was done`() async throws {
        let operation = HubOperation(metrics: HubMetrics())
        try await withHub(policy: AuthorizationTests.closed, operation: operation) { hub in
            let town = try await Town(hub)
            let root = Town.basic("root", "secret")
            let manifest = try #require(
                try await hub.client.send("GET", "/v2/acme/secret/manifests/v1", root)[
                    "Docker-Content-Digest"])
            for path in ["manifests/\(manifest)", "manifests/none", "blobs/\(Digest(of: Array("{}".utf8)))"] {
                _ = try await hub.client.send("GET", "/v2/acme/secret/\(path)", root)
            }
            _ = try await hub.client.send("GET", "/v2/", Town.basic("root", "wrong"))
            _ = try await hub.client.send("POST", "/v2/acme/secret/blobs/uploads/", root, body: [])
            _ = town
            let reply = try await hub.client.send("GET", "/metrics")
            #expect(reply.status == 200)
            #expect(reply["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
            let text = reply.text
            let requests = "wasme_hub_http_requests_total"
            #expect(value(requests, #"route="manifest",method="GET",code="200""#, in: text) == 2)
            #expect(value(requests, #"route="manifest",method="GET",code="404""#, in: text) == 1)
            #expect(value(requests, #"route="blob",method="GET",code="200""#, in: text) == 1)
            #expect(value(requests, #"route="base",method="GET",code="401""#, in: text) == 1)
            let duration = "wasme_hub_http_request_duration_seconds"
            #expect(value("\(duration)_count", #"route="manifest",method="GET""#, in: text) == 3)
            #expect(value("\(duration)_bucket", #"route="manifest",method="GET",le="+Inf""#, in: text) == 3)
            #expect(value("wasme_hub_http_response_body_bytes_total", #"route="blob""#, in: text) == 2)
            #expect(value("wasme_hub_http_requests_in_flight", in: text) == 1)
            #expect(value("wasme_hub_login_failures_total", in: text) == 1)
            #expect(value("wasme_hub_uploads_open", in: text) == 1)
            #expect(value("wasme_hub_repositories", in: text) == 2)
            #expect(try #require(value("wasme_hub_blobs", in: text)) > 0)
            #expect(try #require(value("wasme_hub_storage_free_bytes", in: text)) > 0)
            #expect(value("wasme_hub_build_info", #"version="\#(Release.version)""#, in: text) == 1)
            #expect(try #require(value("process_resident_memory_bytes", in: text)) > 1_000_000)
            let start = try #require(value("process_start_time_seconds", in: text))
            #expect(abs(Date().timeIntervalSince1970 - start) < 24 * 3600)
            // What is private is in no label.
            #expect(!text.contains("acme"))
        }
    }

    @Test(.requires(.promtool)) func `Prometheus' own tool finds nothing wrong with the metrics`()
        async throws
    {
        try await withHub { hub in
            try await hub.client.pushImage(to: "acme/app", tag: "v1")
            let text = try await hub.client.send("GET", "/metrics").text
            let promtool = try #require(Tool.promtool.path)
            let outcome = try await run(promtool, ["check", "metrics"], input: text)
            #expect(outcome.status == 0, "\(outcome.stdout)\(outcome.stderr)")
            #expect(outcome.stderr.isEmpty, "\(outcome.stderr)")
        }
    }

    @Test func `metrics are for this machine and for administrators`() async throws {
        try await withTown { town in
            let client = town.hub.client
            let local = try await client.send("GET", "/metrics")
            #expect(local.status == 200)
            for name in ["X-Forwarded-For", "Forwarded"] {
                let from = [name: "for=203.0.113.7"]
                let stranger = try await client.send("GET", "/metrics", from)
                #expect(stranger.status == 401)
                for (user, status) in [("rea", 403), ("ada", 403), ("root", 200)] {
                    let headers = Town.basic(user, "secret").merging(from) { $1 }
                    let reply = try await client.send("GET", "/metrics", headers)
                    #expect(reply.status == status, "\(user)")
                }
            }
        }
        try await withHub(operation: HubOperation(servesMetrics: false)) { hub in
            let reply = try await hub.client.send("GET", "/metrics")
            #expect(reply.status == 404)
        }
    }

    @Test func `no request is lost or counted twice, whichever threads count`() async {
        let metrics = RequestMetrics()
        await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    for status in [200, 404, 999, -5] {
                        for _ in 0..<2500 {
                            metrics.begin()
                            metrics.end(
                                RequestOutcome(
                                    route: .blob, method: .get, status: status, nanoseconds: 1_000_000,
                                    received: 1, sent: 2))
                        }
                    }
                }
            }
        }
        #expect(metrics.inFlight == 0)
        #expect(metrics.counted == 80_000)
    }

    @Test func `a request keeps the name that it came with, if that can stand in a log`() async throws {
        try await withHub { hub in
            let kept = try await hub.client.send("GET", "/v2/", ["X-Request-Id": "trace-7.a:b/c"])
            #expect(kept["X-Request-Id"] == "trace-7.a:b/c")
            var seen: Set<String> = []
            for text in ["", "a b", "a\"b", String(repeating: "x", count: 129), "naïve"] {
                let reply = try await hub.client.send("GET", "/v2/", ["X-Request-Id": text])
                let id = try #require(reply["X-Request-Id"])
                #expect(id != text)
                #expect(seen.insert(id).inserted)
            }
        }
    }
}
