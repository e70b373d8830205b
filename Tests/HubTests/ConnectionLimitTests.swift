// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import HubHTTP
import OCI
import TestSupport
import Testing

/// Connections that are too many or too slow, and heads that are too large; over raw sockets.
@Suite struct ConnectionLimitTests {
    private func operation(_ change: (inout ConnectionLimits) -> Void) -> HubOperation {
        var limits = ConnectionLimits()
        change(&limits)
        return HubOperation(limits: limits)
    }

    @Test func `a head that does not come to an end is answered 408, and the connection closed`() async throws
    {
        try await withHub(operation: operation { $0.headTime = .milliseconds(300) }) { hub in
            let port = hub.client.port
            let reply = try await onThread {
                let wire = try Wire(port: port)
                try wire.send("GET /v2/ HTTP/1.1\r\nHost: x\r\nX-Slow: ")
                let reply = try wire.reply()
                return (reply?.status, reply?["Connection"], try wire.isClosed())
            }
            #expect(reply.0 == 408)
            #expect(reply.1 == "close")
            #expect(reply.2)
        }
    }

    @Test func `a head that comes byte by byte has no more time than any other`() async throws {
        try await withHub(operation: operation { $0.headTime = .milliseconds(500) }) { hub in
            let port = hub.client.port
            let status = try await onThread {
                let wire = try Wire(port: port)
                let clock = ContinuousClock.now
                do {
                    for byte in "GET /v2/ HTTP/1.1\r\nHost: x\r\n".utf8.map({ [$0] })
                        + [[UInt8]](repeating: [0x61], count: 400)
                    {
                        try wire.send(byte)
                        // The pace of the client is what is tested.
                        usleep(20_000)
                        if ContinuousClock.now - clock > .seconds(5) { break }
                    }
                } catch is BrokenConnection {}
                return try? wire.reply()?.status
            }
            // The answer may be lost: bytes that nobody read reset the connection.
            #expect(status == 408 || status == nil)
            let metrics = try await hub.client.send("GET", "/metrics").text
            #expect(metrics.contains(#"wasme_hub_connections_refused_total{reason="slow"} 1"#))
        }
    }

    @Test func `a body that does not go on is answered 408, and what came of it stays`() async throws {
        try await withHub(operation: operation { $0.bodyTime = .milliseconds(300) }) { hub in
            let path = try await hub.client.startUpload(in: "acme/app")
            let port = hub.client.port
            let (reply, isClosed) = try await onThread {
                let wire = try Wire(port: port)
                try wire.send("PATCH \(path) HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n0123456789")
                let reply = try wire.reply()
                return (reply, try wire.isClosed())
            }
            #expect(reply?.status == 408, "\(reply?.text ?? "")")
            #expect(reply?.code == "BLOB_UPLOAD_INVALID")
            #expect(isClosed)
            let status = try await hub.client.send("GET", path)
            #expect(status["Range"] == "0-9")
        }
    }

    @Test func `a request that keeps coming, and an answer that takes its time, are left alone`() async throws
    {
        let limits = operation {
            $0.headTime = .milliseconds(400)
            $0.bodyTime = .milliseconds(400)
        }
        try await withHub(operation: limits) { hub in
            let path = try await hub.client.startUpload(in: "acme/app")
            let port = hub.client.port
            let statuses = try await onThread {
                let wire = try Wire(port: port)
                var statuses: [Int?] = []
                try wire.send("PATCH \(path) HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n")
                for _ in 0..<12 {
                    try wire.send("x")
                    usleep(100_000)
                }
                statuses.append(try wire.reply()?.status)
                // Between requests other times count.
                usleep(900_000)
                try wire.send("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\nGET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n")
                for _ in 0..<2 { statuses.append(try wire.reply()?.status) }
                return statuses
            }
            #expect(statuses == [202, 200, 200])
        }
    }

    @Test func `heads with too many headers, or too long ones, are answered 431`() async throws {
        try await withHub(operation: operation { ($0.headerBytes, $0.headerCount) = (4096, 20) }) { hub in
            func head(_ headers: [String]) -> [UInt8] {
                Array(
                    ("GET /v2/ HTTP/1.1\r\nHost: x\r\n" + headers.map { "\($0)\r\n" }.joined() + "\r\n").utf8)
            }
            let few = (0..<15).map { "X-\($0): a" }
            #expect(try await hub.client.exchange(head(few))?.status == 200)
            for bad in [
                (0..<25).map { "X-\($0): a" }, ["X-Long: " + String(repeating: "a", count: 5000)],
                (0..<15).map { "X-\($0): " + String(repeating: "a", count: 300) },
            ] {
                let reply = try await hub.client.exchange(head(bad))
                #expect(reply?.status == 431)
            }
        }
    }

    @Test func `connections beyond the limit are answered 503, until others have gone`() async throws {
        for isTotal in [true, false] {
            let limits = operation { if isTotal { $0.connections = 3 } else { $0.connectionsPerAddress = 3 } }
            try await withHub(operation: limits) { hub in
                let port = hub.client.port
                let request = "GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n"
                let statuses = try await onThread {
                    var wires: [Wire] = []
                    var statuses: [Int?] = []
                    for _ in 0..<3 {
                        let wire = try Wire(port: port)
                        try wire.send(request)
                        statuses.append(try wire.reply()?.status)
                        wires.append(wire)
                    }
                    statuses.append(try Wire(port: port).reply()?.status)
                    return statuses
                }
                #expect(statuses == [200, 200, 200, 503])
                // The hub sees in its own time that they have gone.
                let deadline = ContinuousClock.now + .seconds(10)
                var status: Int?
                repeat {
                    status = try? await hub.client.send("GET", "/metrics").status
                } while status != 200 && ContinuousClock.now < deadline
                let text = try await hub.client.send("GET", "/metrics").text
                let reason = isTotal ? "total" : "address"
                let refused = try #require(text.firstMatch(of: /refused_total\{reason="(\w+)"\} [1-9]/))
                #expect(refused.1 == reason)
            }
        }
    }

    @Test func `requests beyond the limit are answered 503, and probes nevertheless`() async throws {
        try await withHub(operation: operation { $0.requests = 1 }) { hub in
            let path = try await hub.client.startUpload(in: "acme/app")
            let port = hub.client.port
            let (busy, probe, done) = try await onThread {
                let slow = try Wire(port: port)
                try slow.send(
                    "PATCH \(path) HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
                _ = try slow.interim()
                let client = Client(port: port)
                // The upload counts as soon as its head was read, which the interim answer shows.
                var busy: Reply
                let deadline = ContinuousClock.now + .seconds(10)
                repeat {
                    busy = try client.sendBlocking("GET", "/v2/")
                } while busy.status == 200
                    && ContinuousClock.now < deadline
                let probe = try client.sendBlocking("GET", "/healthz")
                try slow.send("done")
                return (busy, probe, try slow.reply()?.status)
            }
            #expect(busy.status == 503)
            #expect(busy["Retry-After"] == "1")
            #expect(busy.code == "TOOMANYREQUESTS")
            #expect(probe.status == 200)
            #expect(done == 202)
        }
    }

    @Test func `an upload for which there is no space is refused before it is sent`() async throws {
        var limits = Registry.Limits()
        limits.freeSpace = .max / 2
        try await withHub(limits: limits) { hub in
            let path = try await hub.client.startUpload(in: "acme/app")
            let digest = "sha256:" + String(repeating: "0", count: 64)
            for target in [
                "PATCH \(path)", "PUT \(path)?digest=\(digest)",
                "POST /v2/a/b/blobs/uploads/?digest=\(digest)",
            ] {
                // Not a byte of the body is ever sent.
                let reply = try await hub.client.exchange(
                    Array("\(target) HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n".utf8))
                #expect(reply?.status == 507, "\(target)")
                #expect(reply?.code == "INSUFFICIENT_STORAGE")
            }
            // A body of unknown length is refused when it comes.
            let reply = try await hub.client.send(
                "PATCH", path, ["Transfer-Encoding": "chunked"], body: chunked([sampleBytes(100_000)]))
            #expect(reply.status == 507)
        }
    }

    @Test func `an upload beyond a quota is refused before it is sent`() async throws {
        try await withHub { hub in
            let held = try await hub.client.push(sampleBytes(600), to: "acme/app")
            var policy = RepositoryPolicy()
            policy.quota = 1000
            try await hub.registry.acting(for: .host).setPolicy(policy, for: try PolicyScope("acme/*"))
            func post(_ digest: String, _ count: Int) async throws -> Reply? {
                try await hub.client.exchange(
                    Array(
                        "POST /v2/acme/app/blobs/uploads/?digest=\(digest) HTTP/1.1\r\nHost: x\r\nContent-Length: \(count)\r\n\r\n"
                            .utf8))
            }
            let refused = try await post("sha256:" + String(repeating: "0", count: 64), 500)
            #expect(refused?.status == 403)
            #expect(refused?.code == "DENIED")
            // What the repository holds takes no more room.
            let again = try await hub.client.push(sampleBytes(600), to: "acme/app")
            #expect(again.digest == held.digest)
            let path = try await hub.client.startUpload(in: "acme/app")
            let chunk = try await hub.client.exchange(
                Array("PATCH \(path) HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n".utf8))
            #expect(chunk?.status == 403)
            let fits = try await hub.client.send("PATCH", path, body: sampleBytes(300))
            #expect(fits.status == 202)
        }
    }
}
