// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import OCI
import Synchronization
import SystemPackage
import Testing

/// What nobody needs goes, and nothing else.
@Suite struct CollectionTests {
    /// No lease, and uploads are old at once: whatever is not needed at this moment goes.
    private static var eager: Registry.Limits {
        var limits = Registry.Limits()
        limits.blobLease = 0
        limits.uploadLifetime = -1
        return limits
    }

    @Test func `blobs go when no manifest of any repository needs them, small and large ones`() async throws {
        try await withHub(limits: Self.eager) { hub in
            let large = sampleBytes(100_000)
            let image = try await hub.client.pushImage(to: "a", tag: "v1", layer: large)
            try await hub.client.pushImage(to: "b", tag: "v1", layer: large)
            try await hub.client.push(sampleBytes(50_000, seed: 2), to: "a")
            try await hub.client.push(sampleBytes(50, seed: 3), to: "a")
            var collected = try await hub.registry.collect()
            #expect(collected.links == 2)
            #expect(collected.blobs == 2)
            #expect(collected.bytes == 50_050)
            #expect(hub.files("blobs").count == 1)
            _ = try await hub.client.send("DELETE", "/v2/a/manifests/\(image.digest)")
            collected = try await hub.registry.collect()
            #expect(collected.links == 2)
            #expect(collected.blobs == 0)
            for blob in image.blobs {
                #expect(try await hub.client.send("GET", "/v2/a/blobs/\(blob.digest)").status == 404)
                #expect(try await hub.client.send("GET", "/v2/b/blobs/\(blob.digest)").status == 200)
            }
            _ = try await hub.client.send("DELETE", "/v2/b/manifests/\(image.digest)")
            collected = try await hub.registry.collect()
            #expect(collected.blobs == 2)
            #expect(hub.files("blobs").isEmpty)
            #expect(try await hub.registry.collect() == Registry.Collected())
        }
    }

    @Test func `a blob stays for a while after its push, and longer if somebody looks at it`() async throws {
        let clock = Atomic<Int64>(1_000_000)
        try await withHub(now: { clock.load(ordering: .relaxed) }) { hub in
            let lease = hub.registry.limits.blobLease
            let seen = try await hub.client.push(sampleBytes(100), to: "a").digest
            let unseen = try await hub.client.push(sampleBytes(101), to: "a").digest
            for _ in 0..<3 {
                clock.add(lease * 2 / 3, ordering: .relaxed)
                #expect(try await hub.client.send("HEAD", "/v2/a/blobs/\(seen)").status == 200)
                try await hub.registry.collect()
            }
            #expect(try await hub.client.send("HEAD", "/v2/a/blobs/\(unseen)").status == 404)
            // A clock that jumps back takes nothing away.
            clock.store(0, ordering: .relaxed)
            #expect(try await hub.registry.collect() == Registry.Collected())
            #expect(try await hub.client.send("HEAD", "/v2/a/blobs/\(seen)").status == 200)
        }
    }

    @Test func `uploads that were left go, and the hub keeps only so many`() async throws {
        var limits = Self.eager
        limits.openUploads = 3
        try await withHub(limits: limits) { hub in
            var uploads: [String] = []
            for _ in 0..<3 { uploads.append(try await hub.client.startUpload(in: "a")) }
            _ = try await hub.client.send("PATCH", uploads[0], body: sampleBytes(100))
            #expect(hub.files("uploads").count == 1)
            let refused = try await hub.client.send("POST", "/v2/a/blobs/uploads/", body: [])
            #expect(refused.status == 429)
            #expect(refused.code == "TOOMANYREQUESTS")
            #expect(refused["Retry-After"] == "60")
            #expect(try await hub.registry.collect().uploads == 3)
            #expect(hub.files("uploads").isEmpty)
            for upload in uploads { #expect(try await hub.client.send("GET", upload).status == 404) }
            _ = try await hub.client.startUpload(in: "a")
        }
    }

    @Test func `ten thousand uploads that are opened and left cost no files`() async throws {
        try await withHub(limits: Self.eager) { hub in
            let registry = hub.registry
            let repository = try Repository("a")
            try await withThrowingTaskGroup { group in
                for _ in 0..<100 {
                    group.addTask {
                        for _ in 0..<100 { _ = try await registry.startUpload(in: repository) }
                    }
                }
                try await group.waitForAll()
            }
            #expect(hub.files("uploads").isEmpty)
            try await hub.client.pushImage(to: "a", tag: "v1")
            #expect(try await registry.collect().uploads == 10_000)
        }
    }

    @Test func `files that nothing knows of are found by a deep collection only`() async throws {
        try await withHub(limits: Self.eager) { hub in
            try await hub.client.pushImage(to: "a", tag: "v1", layer: sampleBytes(50_000))
            let stray = Digest(of: [1])
            let path = hub.folder.appending("blobs/sha256/\(stray.hex.prefix(2))/\(stray.hex)")
            try Data([1]).write(to: URL(filePath: path.string))
            #expect(try await hub.registry.collect().strays == 0)
            #expect(try await hub.registry.collect(isDeep: true).strays == 1)
            #expect(hub.files("blobs").count == 1)
        }
    }

    /// What the race counts.
    private final class Counts: Sendable {
        let acknowledged = Atomic(0)
        let refused = Atomic(0)
        let mounted = Atomic(0)
    }

    @Test func `beside pushes, mounts and deletes of the same content no acknowledged image is incomplete`()
        async throws
    {
        var limits = Registry.Limits()
        limits.blobLease = 0
        try await withHub(limits: limits) { hub in
            let counts = Counts()
            let seconds = ProcessInfo.processInfo.environment["WASME_RACE_SECONDS"].flatMap(Int.init) ?? 5
            let start = ContinuousClock.now
            @Sendable func isOver() -> Bool {
                let time = ContinuousClock.now - start
                let isEnough =
                    counts.acknowledged.load(ordering: .relaxed) > 40
                    && counts.mounted.load(ordering: .relaxed) > 0
                return time > .seconds(60) || (time > .seconds(seconds) && isEnough)
            }
            try await withThrowingTaskGroup { group in
                group.addTask {
                    while !isOver() {
                        try await hub.registry.collect(isDeep: true)
                        try await Task.sleep(for: .milliseconds(20))
                    }
                }
                for worker in 0..<4 {
                    group.addTask {
                        var round = worker
                        var last: Digest?
                        while !isOver() {
                            round += 1
                            last = try await Self.round(round, worker, hub.client, counts, deleting: last)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(counts.acknowledged.load(ordering: .relaxed) > 40)
            #expect(counts.mounted.load(ordering: .relaxed) > 0)
            for worker in 0..<4 {
                struct List: Decodable { let tags: [String]? }
                let reply = try await hub.client.send("GET", "/v2/race/w\(worker)/tags/list")
                for tag in try JSONDecoder().decode(List.self, from: Data(reply.body)).tags ?? [] {
                    #expect(
                        try await hub.client.send("GET", "/v2/race/w\(worker)/manifests/\(tag)").status == 200
                    )
                }
            }
        }
    }

    /// Pushes an image of content that others push and delete too, and checks it once it is acknowledged.
    ///
    /// The image of the round before is deleted first.
    private static func round(
        _ round: Int, _ worker: Int, _ client: Client, _ counts: Counts, deleting last: Digest?
    ) async throws -> Digest? {
        let repository = "race/w\(worker)"
        if let last {
            #expect(try await client.send("DELETE", "/v2/\(repository)/manifests/\(last)").status == 202)
        }
        var blobs: [Descriptor] = []
        for (size, seed) in [(40, round % 2), (30_000, round % 3)] {
            let bytes = sampleBytes(size, seed: UInt64(seed + 1))
            let descriptor = Descriptor(of: bytes, mediaType: .octetStream)
            let neighbour = "race/w\((worker + 1) % 4)"
            let mount = try await client.send(
                "POST", "/v2/\(repository)/blobs/uploads/?mount=\(descriptor.digest)&from=\(neighbour)",
                body: [])
            if mount.status == 201 {
                counts.mounted.add(1, ordering: .relaxed)
            } else {
                let upload = try #require(mount["Location"])
                let reply = try await client.send(
                    "PUT", "\(upload)?digest=\(descriptor.digest)", body: bytes)
                try #require(reply.status == 201, "\(reply.text)")
            }
            blobs.append(descriptor)
        }
        let document = try ManifestDocument(image(config: blobs[0], layers: [blobs[1]]))
        let reply = try await client.putManifest(document, to: repository, as: "r\(round % 5)")
        guard reply.status == 201 else {
            #expect(reply.code == "MANIFEST_BLOB_UNKNOWN", "\(reply.text)")
            counts.refused.add(1, ordering: .relaxed)
            return nil
        }
        counts.acknowledged.add(1, ordering: .relaxed)
        for blob in blobs {
            let content = try await client.send("GET", "/v2/\(repository)/blobs/\(blob.digest)")
            #expect(content.status == 200)
            #expect(Digest(of: content.body) == blob.digest)
        }
        return document.digest
    }
}
