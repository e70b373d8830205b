// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCI
import SystemPackage
import TestSupport
import Testing

/// What the hub asks of the disk, and what it does when the disk says no; seen by strace.
@Suite(.serialized, .requires(.strace)) struct SyncTests {
    @Test func `an image is durable by four syncs of files and two of folders at most`() async throws {
        let scratch = try ScratchDirectory("hub")
        let trace = scratch.path.appending("trace")
        let hub = try await HubProcess(
            data: scratch.path.appending("data"),
            tracing: ["-y", "-e", "trace=fsync,fdatasync,rename,renameat,renameat2", "-o", trace.string])
        try await hub.client.pushImage(to: "a", tag: "first", layer: sampleBytes(100_000))
        let images = 8
        let before = try Self.lines(trace)
        for number in 0..<images {
            try await hub.client.pushImage(
                to: "a", tag: "t\(number)", layer: sampleBytes(100_000, seed: UInt64(number + 2)))
        }
        let lines = try Self.lines(trace).dropFirst(before.count)
        let syncs = lines.filter { $0.contains("sync(") }
        let folders = syncs.filter { line in
            ["/sha256/", "/sha512/"].contains { line.contains($0) } && !line.contains("/uploads/")
        }
        #expect(folders.count <= 2 * images, "\(folders.count)")
        #expect(syncs.count - folders.count <= 4 * images, "\(syncs.joined(separator: "\n"))")
        #expect(
            folders.count >= images && syncs.count - folders.count >= 3 * images, "the trace is not whole")
        try Self.expectOrder(Array(lines))
        #expect(await hub.stop(SIGTERM) == 0)
    }

    /// Bytes are synced before they get their name, and the name before the log.
    private static func expectOrder(_ lines: [String]) throws {
        var hasBytes = false
        var isNamed = false
        var isDurable = true
        for line in lines {
            if line.contains("sync("), line.contains("/uploads/") { hasBytes = true }
            if line.contains("rename"), line.contains("/blobs/") {
                #expect(hasBytes, "\(line)")
                (hasBytes, isNamed, isDurable) = (false, true, false)
            }
            if isNamed, line.contains("fsync("), line.contains("/blobs/") {
                (isNamed, isDurable) = (false, true)
            }
            if line.contains("sqlite-wal") { #expect(isDurable, "\(line)") }
        }
    }

    private static func lines(_ path: FilePath) throws -> [String] {
        try String(contentsOfFile: path.string, encoding: .utf8).split(separator: "\n").map(String.init)
    }

    struct Fault: Sendable, CustomTestStringConvertible {
        let call: String
        let error: String
        let number: Int
        var testDescription: String { "\(call) \(number): \(error)" }
    }

    static let faults = (1...2).flatMap { number in
        [
            ("fsync", "EIO"), ("fdatasync", "EIO"), ("fdatasync", "ENOSPC"), ("pwrite64", "ENOSPC"),
            ("pwrite64", "EIO"),
            ("rename", "EIO"), ("unlink", "EIO"),
        ].map { Fault(call: $0.0, error: $0.1, number: number) }
    }

    @Test(arguments: faults)
    func `whichever call fails, what was acknowledged is there and whole, and the hub goes on`(
        _ fault: Fault
    ) async throws {
        let scratch = try ScratchDirectory("hub")
        let data = scratch.path.appending("data")
        // The folder and its database are there before anything fails.
        let first = try await HubProcess(data: data)
        let old = try await first.client.pushImage(to: "a", tag: "old", layer: sampleBytes(30_000))
        #expect(await first.stop(SIGTERM) == 0)
        let hub: HubProcess
        do {
            hub = try await HubProcess(
                data: data,
                tracing: [
                    "-o", "/dev/null", "-e", "trace=\(fault.call)", "-e",
                    "inject=\(fault.call):error=\(fault.error):when=\(fault.number)",
                ])
        } catch {
            // It failed while it started, and said so.
            return try await Self.expectWhole(data, ["old": old])
        }
        var acknowledged = ["old": old]
        // Each thread of the hub meets the failure once.
        for number in 0..<40 where acknowledged.count < 4 {
            let tag = "t\(number)"
            let layer = sampleBytes(30_000 + number, seed: UInt64(number + 2))
            if let image = try await Self.push(hub.client, tag, layer) { acknowledged[tag] = image }
        }
        #expect(acknowledged.count == 4, "the hub does not go on")
        #expect(await hub.stop(SIGKILL) == -SIGKILL)
        try await Self.expectWhole(data, acknowledged)
    }

    /// Pushes an image, and returns it if the hub took it; the hub may refuse, but must answer.
    private static func push(
        _ client: Client, _ tag: String, _ layer: [UInt8]
    ) async throws -> ManifestDocument? {
        var blobs: [Descriptor] = []
        for bytes in [Array("{}".utf8), layer] {
            let descriptor = Descriptor(of: bytes, mediaType: .octetStream)
            let start = try await client.send("POST", "/v2/a/blobs/uploads/", body: [])
            guard let upload = start["Location"] else {
                #expect([500, 507].contains(start.status))
                return nil
            }
            let reply = try await client.send("PUT", "\(upload)?digest=\(descriptor.digest)", body: bytes)
            guard reply.status == 201 else {
                #expect([500, 507].contains(reply.status), "\(reply.text)")
                return nil
            }
            blobs.append(descriptor)
        }
        let document = try ManifestDocument(image(config: blobs[0], layers: [blobs[1]]))
        let reply = try await client.putManifest(document, to: "a", as: tag)
        if reply.status != 201 { #expect([500, 507].contains(reply.status), "\(reply.text)") }
        return reply.status == 201 ? document : nil
    }

    private static func expectWhole(_ data: FilePath, _ images: [String: ManifestDocument]) async throws {
        let hub = try await HubProcess(data: data)
        for (tag, image) in images {
            #expect(try await hub.client.send("GET", "/v2/a/manifests/\(tag)").body == image.bytes, "\(tag)")
            for blob in image.blobs {
                let content = try await hub.client.send("GET", "/v2/a/blobs/\(blob.digest)")
                #expect(Digest(of: content.body) == blob.digest, "\(tag)")
            }
        }
        try await hub.client.pushImage(to: "a", tag: "after", layer: sampleBytes(40_000))
        let scrub = try await HubProcess.run(["scrub", "--data", data.string])
        #expect(scrub.status == 0, "\(scrub.stdout)\(scrub.stderr)")
        #expect(await hub.stop(SIGTERM) == 0)
    }
}
