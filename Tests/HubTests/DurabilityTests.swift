// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Hub
import HubStorage
import OCI
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// What was acknowledged is there after any end of the process.
@Suite(.serialized) struct DurabilityTests {
    /// One image that the hub answered 201 for.
    private struct Acknowledged: Sendable {
        let repository: String
        let tag: String
        let document: ManifestDocument
    }

    /// What four clients were told, together.
    private final class Ledger: Sendable {
        private let images = Mutex<[Acknowledged]>([])
        var all: [Acknowledged] { images.withLock(\.self) }

        /// Adds an image and says how many there are now.
        func add(_ image: Acknowledged) -> Int {
            images.withLock { images in
                images.append(image)
                return images.count
            }
        }
    }

    @Test func `kill -9 in the middle of pushes loses nothing acknowledged and shows nothing half done`()
        async throws
    {
        let scratch = try ScratchDirectory("hub")
        let data = scratch.path.appending("data")
        let ledger = Ledger()
        let rounds = ProcessInfo.processInfo.environment["WASME_KILL_ROUNDS"].flatMap(Int.init) ?? 5
        for round in 0..<rounds {
            let hub = try await HubProcess(data: data)
            let partial = sampleBytes(40_000, seed: UInt64(round + 1000))
            let upload = try await hub.client.startUpload(in: "chunked")
            _ = try await hub.client.send("PATCH", upload, body: Array(partial[..<25_000]))
            let start = ledger.all.count
            let goal = start + .random(in: 1...50)
            await withTaskGroup { group in
                for worker in 0..<4 {
                    group.addTask {
                        // Ends with the connection that the kill breaks.
                        for number in 0... {
                            let tag = "r\(round)-\(number)"
                            let layer = sampleBytes(
                                10_000 + number, seed: UInt64(round * 100_000 + worker * 10_000 + number))
                            guard
                                let document = try? await hub.client.pushImage(
                                    to: "kill/w\(worker)", tag: tag, layer: layer)
                            else { return }
                            let count = ledger.add(
                                Acknowledged(repository: "kill/w\(worker)", tag: tag, document: document))
                            guard count == goal else { continue }
                            // At any moment of the pushes of the others.
                            try? await Task.sleep(for: .microseconds(.random(in: 0...20_000)))
                            kill(hub.pid, SIGKILL)
                        }
                    }
                }
            }
            #expect(await hub.stop(SIGKILL) == -SIGKILL)
            let next = try await HubProcess(data: data)
            // Those of this round, and some from before; all of them after the last.
            let images = ledger.all
            let recent = images.suffix(goal - start + 4) + images.shuffled().prefix(30)
            let isLast = round == rounds - 1
            try await verify(next.client, isLast ? images : Array(recent), data, openUploads: 1)
            #expect(try await next.client.send("GET", upload)["Range"] == "0-24999")
            let done = try await next.client.send(
                "PUT", "\(upload)?digest=\(Digest(of: partial))", body: Array(partial[25_000...]))
            #expect(done.status == 201)
            #expect(await next.stop(SIGTERM) == 0)
        }
        let scrub = try await HubProcess.run(["scrub", "--data", data.string])
        #expect(scrub.status == 0, "\(scrub.stdout)")
        let database = try DatabaseQueue(path: data.appending("hub.sqlite").string)
        let check = try await database.read { try String.fetchAll($0, sql: "PRAGMA integrity_check") }
        #expect(check == ["ok"])
        let orphans = try await database.read { try Row.fetchAll($0, sql: "PRAGMA foreign_key_check").count }
        #expect(orphans == 0)
    }

    private func verify(
        _ client: Client, _ images: [Acknowledged], _ data: FilePath, openUploads: Int
    ) async throws {
        for image in images {
            let path = "/v2/\(image.repository)"
            let reply = try await client.send("GET", "\(path)/manifests/\(image.tag)")
            #expect(reply.body == image.document.bytes)
            for blob in image.document.blobs {
                let content = try await client.send("GET", "\(path)/blobs/\(blob.digest)")
                #expect(Digest(of: content.body) == blob.digest)
            }
        }
        struct List: Decodable { let tags: [String] }
        for repository in Set(images.map(\.repository)) {
            let list = try await client.send("GET", "/v2/\(repository)/tags/list")
            for tag in try JSONDecoder().decode(List.self, from: Data(list.body)).tags {
                #expect(
                    try await client.send("HEAD", "/v2/\(repository)/manifests/\(tag)").status == 200,
                    "\(tag)")
            }
        }
        let blobs = data.appending("blobs/sha256").string
        for folder in try FileManager.default.contentsOfDirectory(atPath: blobs) {
            for name in try FileManager.default.contentsOfDirectory(atPath: "\(blobs)/\(folder)") {
                let content = try Data(contentsOf: URL(filePath: "\(blobs)/\(folder)/\(name)"))
                #expect(Digest(of: content).hex == name)
            }
        }
        let uploads = try FileManager.default.contentsOfDirectory(atPath: data.appending("uploads").string)
        #expect(uploads.count == openUploads)
    }

    @Test func `the database waits for the disk`() async throws {
        // Reading what was pushed commits too, and need not wait: what it writes can be made again.
        try await withHub(reads: false) { hub in
            try await hub.client.pushImage(to: "a", tag: "v1")
            let settings = try await hub.metadata.settings()
            #expect(settings == ["wal", "2", "1"])
        }
    }

    @Test func `the hub goes on after it ran out of space`() async throws {
        let scratch = try ScratchDirectory("hub")
        let hub = try await HubProcess(
            data: scratch.path.appending("data"),
            fileSizeLimit: 2048)
        let large = sampleBytes(3 << 20)
        let upload = try await hub.client.startUpload(in: "a")
        _ = try await hub.client.send("PATCH", upload, body: Array(large[..<1000]))
        for (method, path) in [
            ("POST", "/v2/a/blobs/uploads/?digest=\(Digest(of: large))"), ("PATCH", upload),
        ] {
            let reply = try await hub.client.send(method, path, body: large)
            #expect(reply.status == 507)
            #expect(reply.code == "INSUFFICIENT_STORAGE")
            #expect(
                !reply.text.contains(scratch.path.string), "paths of the hub are not the client's business")
        }
        #expect(try await hub.client.send("GET", upload)["Range"] == "0-999")
        let uploads = try FileManager.default.contentsOfDirectory(
            atPath: scratch.path.appending("data/uploads").string)
        #expect(uploads.count == 1)
        try await hub.client.pushImage(to: "a", tag: "v1")
        #expect(await hub.stop(SIGTERM) == 0)
    }

    @Test func `what a crash left of unknown uploads is removed at the start`() async throws {
        let scratch = try ScratchDirectory("hub")
        let data = scratch.path.appending("data")
        let upload = try await withHub(folder: data) { hub in
            try Data([1, 2, 3]).write(to: URL(filePath: data.appending("uploads/0123").string))
            let upload = try await hub.client.startUpload(in: "a")
            _ = try await hub.client.send("PATCH", upload, body: [1, 2])
            return upload
        }
        try await withHub(folder: data) { hub in
            #expect(hub.files("uploads") == [String(upload.suffix(32))])
            let status = try await hub.client.send("GET", upload)
            #expect(status.status == 204)
        }
    }

    @Test func `many pushes at once all arrive`() async throws {
        try await withHub { hub in
            try await withThrowingTaskGroup { group in
                for number in 0..<40 {
                    group.addTask {
                        try await hub.client.pushImage(
                            to: "a", tag: "t\(number)", layer: sampleBytes(1000, seed: UInt64(number / 2)))
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await hub.metadata.taggedImages(in: try Repository("a"), limit: 100).count == 40)
        }
    }
}
