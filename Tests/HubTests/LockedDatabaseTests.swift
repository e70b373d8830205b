// SPDX-License-Identifier: Apache-2.0

import GRDB
import Hub
import OCI
import Synchronization
import SystemPackage
import Testing

/// Somebody else holds the database, and the clock is not to be trusted.
@Suite struct LockedDatabaseTests {
    /// Does something while another connection keeps everybody from writing.
    private func holding<Result>(_ hub: TestHub, _ work: () async throws -> Result) async throws -> Result {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let other = try DatabaseQueue(
            path: hub.folder.appending("hub.sqlite").string, configuration: configuration)
        try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        let result: Swift.Result<Result, any Error>
        do {
            result = .success(try await work())
        } catch {
            result = .failure(error)
        }
        try await other.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        try other.close()
        return try result.get()
    }

    @Test func `while it is held reads go on, and pushes wait or are put off, and lose nothing`() async throws
    {
        try await withHub { hub in
            let old = try await hub.client.pushImage(to: "a", tag: "v1")
            let refused = try await holding(hub) {
                #expect(try await hub.client.send("GET", "/v2/a/manifests/v1").body == old.bytes)
                #expect(try await hub.client.send("GET", "/v2/a/tags/list").status == 200)
                return try await hub.client.putManifest(old, to: "a", as: "v2")
            }
            #expect(refused.status == 503, "\(refused.text)")
            #expect(refused["Retry-After"] == "1")
            #expect(try await hub.client.send("GET", "/v2/a/manifests/v2").status == 404)
            // One that lets go in time is waited for.
            let pushed = try await holding(hub) {
                let pushed = Task { [client = hub.client] in
                    try await client.putManifest(old, to: "a", as: "v3")
                }
                try await Task.sleep(for: .milliseconds(300))
                return pushed
            }
            #expect(try await pushed.value.status == 201)
            #expect(try await hub.client.putManifest(old, to: "a", as: "v2").status == 201)
        }
    }

    @Test(arguments: [-10 * 365 * 86_400, 10 * 365 * 86_400] as [Int64])
    func `a clock that jumps loses no image`(_ jump: Int64) async throws {
        let clock = Atomic<Int64>(1_700_000_000)
        try await withHub(now: { clock.load(ordering: .relaxed) }) { hub in
            let before = try await hub.client.pushImage(to: "a", tag: "before")
            let upload = try await hub.client.startUpload(in: "a")
            clock.add(jump, ordering: .relaxed)
            let after = try await hub.client.pushImage(
                to: "a", tag: "after", layer: sampleBytes(3000, seed: 9))
            try await hub.registry.collect(isDeep: true)
            for (tag, image) in [("before", before), ("after", after)] {
                #expect(try await hub.client.send("GET", "/v2/a/manifests/\(tag)").body == image.bytes)
                for blob in image.blobs {
                    #expect(try await hub.client.send("GET", "/v2/a/blobs/\(blob.digest)").status == 200)
                }
            }
            clock.add(-jump, ordering: .relaxed)
            try await hub.registry.collect(isDeep: true)
            #expect(try await hub.client.send("GET", "/v2/a/manifests/after").body == after.bytes)
            // An upload is forgotten in the future, and no earlier.
            #expect(try await hub.client.send("GET", upload).status == (jump > 0 ? 404 : 204))
        }
    }
}
