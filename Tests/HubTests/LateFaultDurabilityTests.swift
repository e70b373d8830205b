// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCI
import SystemPackage
import TestSupport
import Testing

/// The disk says no to a running hub: each call that it makes, at each place in a push.
@Suite(.requires(.strace)) struct LateFaultDurabilityTests {
    struct Fault: Sendable, CustomTestStringConvertible {
        let call: String
        let error: String
        var testDescription: String { "\(call): \(error)" }
    }

    static let faults = [
        ("openat", "EMFILE"), ("openat", "EIO"), ("pwrite64", "ENOSPC"), ("ftruncate", "EIO"),
        ("fdatasync", "EIO"),
        ("fsync", "EIO"), ("rename", "ENOSPC"), ("unlink", "EIO"), ("pread64", "EIO"),
        ("newfstatat,fstat,statx", "EIO"),
    ].map { Fault(call: $0.0, error: $0.1) }

    /// Refuses one call of every thread of a running process, and the next two in later rounds.
    private func inject(_ fault: Fault, _ number: Int, into pid: Int32) async throws -> BackgroundProcess {
        let tracer = try BackgroundProcess(
            try #require(Tool.strace.path),
            [
                "-f", "-p", "\(pid)", "-o", "/dev/null", "-e", "trace=\(fault.call)", "-e",
                "inject=\(fault.call):error=\(fault.error):when=\(number)",
            ])
        try tracer.start()
        let deadline = ContinuousClock.now + .seconds(60)
        while !tracer.stderr.contains("attached") {
            try #require(tracer.isRunning && ContinuousClock.now < deadline, "\(tracer.stderr)")
            try await Task.sleep(for: .milliseconds(5))
        }
        return tracer
    }

    @Test(arguments: faults)
    func `a call that fails in the middle costs that request at most`(_ fault: Fault) async throws {
        let scratch = try ScratchDirectory("faults")
        let data = scratch.path.appending("data")
        let hub = try await HubProcess(data: data)
        var acknowledged: [String: ManifestDocument] = [:]
        acknowledged["old"] = try await hub.client.pushImage(to: "a", tag: "old", layer: sampleBytes(30_000))
        for number in 1...3 {
            let tracer = try await inject(fault, number, into: hub.pid)
            for attempt in 0..<3 {
                let tag = "t\(number)-\(attempt)"
                let layer = sampleBytes(30_000 + attempt, seed: UInt64(number * 10 + attempt))
                if let image = try await push(hub.client, tag, layer) { acknowledged[tag] = image }
                // A delete in between, of what nobody counts on.
                let gone = try await hub.client.send("DELETE", "/v2/a/manifests/none-\(attempt)")
                #expect([404, 500, 503, 507].contains(gone.status), "\(gone.text)")
            }
            // Foundation starts processes with most signals blocked; who is traced goes on alone.
            await tracer.stop(SIGKILL)
        }
        // Without the tracer everything works.
        for number in 0..<3 {
            let tag = "after-\(number)"
            acknowledged[tag] = try await hub.client.pushImage(
                to: "a", tag: tag, layer: sampleBytes(30_000, seed: UInt64(number + 100)))
        }
        #expect(await hub.stop(SIGKILL) == -SIGKILL)
        let next = try await HubProcess(data: data)
        for (tag, image) in acknowledged {
            #expect(try await next.client.send("GET", "/v2/a/manifests/\(tag)").body == image.bytes, "\(tag)")
            for blob in image.blobs {
                let content = try await next.client.send("GET", "/v2/a/blobs/\(blob.digest)")
                #expect(Digest(of: content.body) == blob.digest, "\(tag)")
            }
        }
        let scrub = try await HubProcess.run(["scrub", "--data", data.string])
        #expect(scrub.status == 0, "\(scrub.stdout)\(scrub.stderr)")
        #expect(await next.stop(SIGTERM) == 0)
    }

    /// Pushes an image in chunks, and returns it if the hub took it; the hub may refuse, but must answer.
    private func push(_ client: Client, _ tag: String, _ layer: [UInt8]) async throws -> ManifestDocument? {
        var blobs: [Descriptor] = []
        for bytes in [Array("{}".utf8), layer] {
            let descriptor = Descriptor(of: bytes, mediaType: .octetStream)
            let start = try await client.send("POST", "/v2/a/blobs/uploads/", body: [])
            guard let upload = start["Location"] else { return refused(start) }
            let half = bytes.count / 2
            let patch = try await client.send("PATCH", upload, body: Array(bytes[..<half]))
            guard patch.status == 202 else { return refused(patch) }
            let reply = try await client.send(
                "PUT", "\(upload)?digest=\(descriptor.digest)", body: Array(bytes[half...]))
            guard reply.status == 201 else { return refused(reply) }
            blobs.append(descriptor)
        }
        let document = try ManifestDocument(image(config: blobs[0], layers: [blobs[1]]))
        let reply = try await client.putManifest(document, to: "a", as: tag)
        guard reply.status == 201 else { return refused(reply) }
        let seen = try await client.send("GET", "/v2/a/manifests/\(tag)")
        #expect(seen.body == document.bytes || [500, 503, 507].contains(seen.status), "\(seen.text)")
        return document
    }

    private func refused(_ reply: Reply) -> ManifestDocument? {
        #expect([500, 503, 507].contains(reply.status), "\(reply.status): \(reply.text)")
        return nil
    }
}
