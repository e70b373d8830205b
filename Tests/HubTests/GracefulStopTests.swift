// SPDX-License-Identifier: Apache-2.0

import Foundation
import HubHTTP
import OCI
import SystemPackage
import TestSupport
import Testing

/// A hub that is told to stop.
@Suite struct GracefulStopTests {
    /// Begins an upload of `count` bytes and sends the first of them.
    private func begin(_ wire: Wire, _ path: String, _ bytes: [UInt8], first: Int) throws {
        try wire.send(
            "PATCH \(path) HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: \(bytes.count)\r\n\r\n"
        )
        // The hub has the request once it says so.
        _ = try wire.interim()
        try wire.send(Array(bytes[..<first]))
    }

    @Test func `an upload under way ends, new connections are refused, and the process ends well`()
        async throws
    {
        let scratch = try ScratchDirectory("hub")
        let data = scratch.path.appending("data")
        let bytes = sampleBytes(300_000)
        let hub = try await HubProcess(data: data)
        let path = try await hub.client.startUpload(in: "acme/app")
        let port = hub.client.port
        let wire = try await onThread { UncheckedWire(try Wire(port: port)) }
        try await onThread { try self.begin(wire.wire, path, bytes, first: 1000) }
        async let status = hub.stop(SIGTERM)
        try await onThread {
            // Until nobody listens any more.
            let deadline = ContinuousClock.now + .seconds(10)
            while (try? Wire(port: port)) != nil, ContinuousClock.now < deadline { usleep(10_000) }
            #expect((try? Wire(port: port)) == nil)
            try wire.wire.send(Array(bytes[1000...]))
            #expect(try wire.wire.reply()?.status == 202)
            #expect(try wire.wire.isClosed())
        }
        #expect(await status == 0)
        // What was answered is there after the next start.
        let again = try await HubProcess(data: data)
        let digest = Digest(of: bytes)
        let reply = try await again.client.send("PUT", "\(path)?digest=\(digest)", body: [])
        #expect(reply.status == 201, "\(reply.text)")
        #expect(await again.stop(SIGTERM) == 0)
    }

    @Test func `who does not end in time is cut off`() async throws {
        let scratch = try ScratchDirectory("hub")
        let hub = try await HubProcess(
            data: scratch.path.appending("data"), environment: ["WASME_HUB_SHUTDOWN_GRACE": "1s"])
        let path = try await hub.client.startUpload(in: "acme/app")
        let port = hub.client.port
        let wire = try await onThread { UncheckedWire(try Wire(port: port)) }
        try await onThread { try self.begin(wire.wire, path, sampleBytes(1000), first: 10) }
        let start = ContinuousClock.now
        _ = await hub.stop(SIGTERM)
        #expect(ContinuousClock.now - start < .seconds(20))
        #expect(try await onThread { try wire.wire.reply()?.status } != 202)
    }

    @Test func `a hub that is about to stop is not ready`() async throws {
        let operation = HubOperation()
        try await withHub(operation: operation) { hub in
            #expect(try await hub.client.send("GET", "/readyz").status == 200)
            operation.stop()
            let reply = try await hub.client.send("GET", "/readyz")
            #expect(reply.status == 503)
            #expect(reply.text.contains(#""server":"it is about to stop""#), "\(reply.text)")
            #expect(try await hub.client.send("GET", "/healthz").status == 200)
        }
    }
}

/// A wire that one thread after the other uses.
private struct UncheckedWire: @unchecked Sendable {
    let wire: Wire
    init(_ wire: Wire) { self.wire = wire }
}
