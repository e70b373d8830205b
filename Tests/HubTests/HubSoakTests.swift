// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCI
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Many clients doing everything at once, for a while.
@Suite struct HubSoakTests {
    private static let clients = 64

    private final class Counter: Sendable {
        let value = Atomic(0)
    }

    private struct Usage {
        let descriptors: Int
        let kilobytes: Int

        init(_ pid: Int32) throws {
            descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
            let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
            let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
            kilobytes = line.flatMap { Int($0.filter(\.isNumber)) } ?? 0
        }
    }

    /// For `WASME_SOAK_SECONDS`, ten if that is not set.
    @Test func `sixty-four clients that do everything meet no error, and nothing piles up`() async throws {
        let scratch = try ScratchDirectory("soak")
        let data = scratch.path.appending("data")
        let hub = try await HubProcess(data: data)
        let seconds = ProcessInfo.processInfo.environment["WASME_SOAK_SECONDS"].flatMap(Double.init) ?? 10
        let shared = try await hub.client.pushImage(to: "shared", tag: "v1", layer: sampleBytes(60_000))
        // What is kept on purpose is there from the beginning: what is more at the end was not meant to stay.
        try await fillMemory(hub.client)
        for number in 0..<Self.clients { try await round(number, 0, hub.client, shared) }
        let before = try Usage(hub.pid)
        let count = Counter()
        let end = ContinuousClock.now + .seconds(seconds)
        let sizes = try await withThrowingTaskGroup { group in
            for number in 0..<Self.clients {
                group.addTask {
                    var round = 0
                    repeat {
                        round += 1
                        try await self.round(number, round, hub.client, shared)
                        count.value.add(1, ordering: .relaxed)
                    } while ContinuousClock.now < end
                    return [Int]()
                }
            }
            group.addTask {
                var sizes: [Int] = []
                repeat {
                    try await Task.sleep(for: .seconds(seconds / 20))
                    sizes.append(try Usage(hub.pid).kilobytes)
                } while ContinuousClock.now < end
                return sizes
            }
            return try await group.reduce([], +)
        }
        #expect(count.value.load(ordering: .relaxed) >= Self.clients)
        let deadline = ContinuousClock.now + .seconds(10)
        while try Usage(hub.pid).descriptors > before.descriptors + 8, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(50))
        }
        let after = try Usage(hub.pid)
        #expect(after.descriptors <= before.descriptors + 8, "\(before.descriptors) to \(after.descriptors)")
        #expect(
            (sizes + [after.kilobytes]).max() ?? 0 < before.kilobytes + 24_000,
            "\(before.kilobytes), \(sizes) kB")
        if seconds >= 60 {
            // The working set takes a while to settle; after that, more time takes no more memory.
            let half = sizes.dropFirst(sizes.count / 2)
            let (third, last) = (
                half.prefix(half.count / 2).max() ?? 0, half.suffix(half.count / 2).max() ?? 0
            )
            #expect(last < third + 4_000, "\(sizes) kB")
        }
        let complaints = hub.errorText.split(separator: "\n").filter { $0.contains("error") }
        #expect(complaints.isEmpty, "\(complaints.prefix(5))")
        #expect(await hub.stop(SIGTERM) == 0)
        let scrub = try await HubProcess.run(["scrub", "--data", data.string])
        #expect(scrub.status == 0, "\(scrub.stdout)")
    }

    /// Pulls more blobs than the hub keeps in memory.
    private func fillMemory(_ client: Client) async throws {
        for number in 0..<40 {
            let layer = sampleBytes(1 << 20, seed: UInt64(1_000_000 + number))
            let image = try await client.pushImage(to: "large", tag: "v\(number)", layer: layer)
            let blob = try #require(image.blobs.last)
            #expect(try await client.send("GET", "/v2/large/blobs/\(blob.digest)").body.count == layer.count)
        }
    }

    /// What one client does: each answer is the one that the specification asks for.
    private func round(_ number: Int, _ round: Int, _ client: Client, _ shared: ManifestDocument) async throws
    {
        let repository = "soak/c\(number)"
        let tag = "v\(round % 3)"
        let layer = sampleBytes(8_000 + number * 200, seed: UInt64(number * 1000 + round))
        let image = try await client.pushImage(to: repository, tag: tag, layer: layer)
        #expect(try await client.send("GET", "/v2/\(repository)/manifests/\(tag)").body == image.bytes)
        #expect(try await client.send("HEAD", "/v2/\(repository)/manifests/\(image.digest)").status == 200)
        let blob = try #require(image.blobs.last)
        let part = try await client.send(
            "GET", "/v2/\(repository)/blobs/\(blob.digest)", ["Range": "bytes=100-199"])
        #expect(part.status == 206 && part.body == Array(layer[100..<200]))
        #expect(try await client.send("GET", "/v2/\(repository)/tags/list?n=2").status == 200)
        let common = try #require(shared.blobs.last)
        let mount = try await client.send(
            "POST", "/v2/\(repository)/blobs/uploads/?mount=\(common.digest)&from=shared", body: [])
        #expect(mount.status == 201, "\(mount.text)")
        let artifact = try ManifestDocument(
            Manifest(
                artifactType: MediaType(rawValue: "application/vnd.example"),
                config: try await client.push(Array("{}".utf8), to: repository), layers: [],
                subject: image.descriptor))
        let put = try await client.putManifest(artifact, to: repository, as: artifact.digest.description)
        #expect(put.status == 201 && put["OCI-Subject"] == image.digest.description, "\(put.text)")
        let referrers = try await client.send("GET", "/v2/\(repository)/referrers/\(image.digest)")
        #expect(referrers.text.contains(artifact.digest.description))
        let upload = try await client.startUpload(in: repository)
        #expect(try await client.send("PATCH", upload, body: Array(layer[..<4000])).status == 202)
        #expect(try await client.send("DELETE", upload).status == 204)
        let gone = try await client.send("DELETE", "/v2/\(repository)/manifests/\(artifact.digest)")
        #expect(gone.status == 202, "\(gone.text)")
        if round % 4 == 3 {
            let deleted = try await client.send("DELETE", "/v2/\(repository)/manifests/\(image.digest)")
            #expect(deleted.status == 202, "\(deleted.text)")
            #expect(try await client.send("GET", "/v2/\(repository)/manifests/\(image.digest)").status == 404)
        }
        #expect(try await client.send("GET", "/v2/\(repository)/manifests/none").status == 404)
    }
}
