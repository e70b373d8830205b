// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
@testable import HubStorage
import OCI
import SystemPackage
import TestSupport
import Testing

/// The commands that look after a data folder, beside a hub that serves it and without one.
@Suite struct StorageCommandTests {
    @Test func `scrub names what is damaged and which images need it`() async throws {
        let scratch = try ScratchDirectory("hub")
        let data = scratch.path.appending("data")
        let hub = try await HubProcess(data: data)
        let whole = try await hub.client.pushImage(to: "a/whole", tag: "v1", layer: sampleBytes(30_000))
        let broken = try await hub.client.pushImage(to: "a/broken", tag: "v1", layer: sampleBytes(30_001))
        let gone = try await hub.client.pushImage(to: "a/gone", tag: "v2", layer: sampleBytes(30_002))
        let fine = try await HubProcess.run(["scrub", "--data", data.string])
        #expect(fine.status == 0, "\(fine.stderr)")
        #expect(fine.stdout.hasSuffix("3 manifests read, nothing is damaged\n"))
        func path(_ image: ManifestDocument) throws -> FilePath {
            DataLayout(data).blob(try #require(image.blobs.last).digest)
        }
        let file = try FileHandle(forWritingTo: URL(filePath: try path(broken).string))
        try file.seek(toOffset: 100)
        try file.write(contentsOf: Data([0, 1, 2, 3]))
        try file.close()
        try FileManager.default.removeItem(atPath: try path(gone).string)
        struct Report: Decodable {
            struct Damage: Decodable {
                let kind: String
                let digest: String
                let images: [String]
            }
            let damage: [Damage]
        }
        let scrub = try await HubProcess.run(["scrub", "--data", data.string, "--format", "json"])
        #expect(scrub.status == 1)
        let damage = try JSONDecoder().decode(Report.self, from: Data(scrub.stdout.utf8)).damage
        #expect(
            Set(damage.map { "\($0.kind) \($0.images)" }) == [
                #"damagedBlob ["a/broken:v1"]"#, #"missingBlob ["a/gone:v2"]"#,
            ])
        #expect(
            Set(damage.map(\.digest)) == Set([broken, gone].compactMap { $0.blobs.last?.digest.description }))
        let text = try await HubProcess.run(["scrub", "--data", data.string])
        #expect(text.stdout.contains("  needed by a/broken:v1\n"))
        // A push of the same image mends it.
        try await hub.client.pushImage(to: "a/broken", tag: "v1", layer: sampleBytes(30_001))
        try await hub.client.pushImage(to: "a/gone", tag: "v2", layer: sampleBytes(30_002))
        #expect(try await HubProcess.run(["scrub", "--data", data.string]).status == 0)
        #expect(try await hub.client.send("GET", "/v2/a/whole/manifests/v1").body == whole.bytes)
    }

    @Test func `a backup of a hub that serves is a data folder, and becomes one again`() async throws {
        let scratch = try ScratchDirectory("hub")
        let data = scratch.path.appending("data")
        let backup = scratch.path.appending("backup")
        let hub = try await HubProcess(data: data)
        let image = try await hub.client.pushImage(to: "a", tag: "v1", layer: sampleBytes(30_000))
        let upload = try await hub.client.startUpload(in: "a")
        // Pushes go on meanwhile.
        let made = try await withThrowingTaskGroup { group in
            group.addTask {
                for number in 0..<20 {
                    try await hub.client.pushImage(
                        to: "b", tag: "t\(number)", layer: sampleBytes(20_000, seed: UInt64(number + 3)))
                }
                return nil as ProcessOutcome?
            }
            group.addTask { try await HubProcess.run(["backup", backup.string, "--data", data.string]) }
            var outcome: ProcessOutcome?
            for try await result in group { outcome = result ?? outcome }
            return outcome
        }
        #expect(made?.status == 0, "\(made?.stderr ?? "")")
        let again = try await HubProcess.run(["backup", backup.string, "--data", data.string])
        #expect(again.status == 64)
        #expect(again.stderr.contains("is not empty"))
        try await hub.client.pushImage(to: "a", tag: "later")
        #expect(await hub.stop(SIGTERM) == 0)
        let restored = scratch.path.appending("restored")
        let result = try await HubProcess.run(["restore", backup.string, "--data", restored.string])
        #expect(result.status == 0, "\(result.stderr)")
        #expect(try await HubProcess.run(["scrub", "--data", restored.string]).status == 0)
        let second = try await HubProcess(data: restored)
        #expect(try await second.client.send("GET", "/v2/a/manifests/v1").body == image.bytes)
        for blob in image.blobs {
            let content = try await second.client.send("GET", "/v2/a/blobs/\(blob.digest)")
            #expect(Digest(of: content.body) == blob.digest)
        }
        #expect(try await second.client.send("GET", "/v2/a/manifests/later").status == 404)
        #expect(try await second.client.send("GET", upload).status == 404)
        try await second.client.pushImage(to: "c", tag: "v1")
        #expect(await second.stop(SIGTERM) == 0)
    }

    @Test func `gc removes what nobody needs from a folder that no hub serves`() async throws {
        let scratch = try ScratchDirectory("hub")
        let data = scratch.path.appending("data")
        let hub = try await HubProcess(data: data)
        try await hub.client.pushImage(to: "a", tag: "v1", layer: sampleBytes(30_000))
        try await hub.client.push(sampleBytes(40_000), to: "a")
        let busy = try await HubProcess.run(["gc", "--data", data.string])
        #expect(busy.status == 1)
        #expect(busy.stderr.contains("is in use by another hub"))
        #expect(await hub.stop(SIGTERM) == 0)
        let early = try await HubProcess.run(["gc", "--data", data.string])
        #expect(early.stdout.hasPrefix("removed 0 blobs"))
        let collected = try await HubProcess.run(["gc", "--data", data.string, "--lease", "0"])
        #expect(collected.stdout.hasPrefix("removed 1 blobs (40000 bytes)"), "\(collected.stdout)")
        #expect(try await HubProcess.run(["scrub", "--data", data.string]).status == 0)
    }

    @Test func `a folder of another version is brought forward, or refused if it is newer`() async throws {
        let scratch = try ScratchDirectory("hub")
        let data = scratch.path.appending("data")
        let bytes = sampleBytes(1000)
        let digest = Digest(of: bytes)
        let layout = DataLayout(data)
        try FileManager.default.createDirectory(
            atPath: layout.blob(digest).removingLastComponent().string, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(filePath: layout.blob(digest).string))
        do {
            let queue = try DatabaseQueue(path: layout.database.string)
            try Schema.migrator.migrate(queue, upTo: "1: repositories, blobs, manifests, tags, uploads")
            try await queue.write { database in
                try database.execute(
                    sql: """
                        INSERT INTO repositories (id, name, created_at) VALUES (1, 'old', 1);
                        INSERT INTO blobs (digest, size, created_at) VALUES ('\(digest)', 1000, 1);
                        INSERT INTO repository_blobs (repository_id, digest, linked_at)
                            VALUES (1, '\(digest)', 2000000000);
                        INSERT INTO uploads (id, repository, algorithm, started_at)
                            VALUES ('\(String(repeating: "a", count: 32))', 'old', 'sha256', 2000000000);
                        """)
            }
            try queue.close()
        }
        try await withHub(folder: data) { hub in
            #expect(try await hub.client.send("GET", "/v2/old/blobs/\(digest)").body == bytes)
            let upload = "/v2/old/blobs/uploads/\(String(repeating: "a", count: 32))"
            #expect(try await hub.client.send("GET", upload).status == 204)
            #expect(try await hub.client.send("DELETE", upload).status == 204)
            try await hub.client.pushImage(to: "old", tag: "v1")
        }
        let queue = try DatabaseQueue(path: layout.database.string)
        let numbers = try queue.read { database in
            try Row.fetchOne(
                database, sql: "SELECT held_bytes, count FROM repositories, open_uploads WHERE name = 'old'")
        }
        #expect((numbers?["held_bytes"] as Int64?) ?? 0 > 3000)
        #expect(numbers?["count"] as Int64? == 0)
        try await queue.write {
            try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('99: of the future')")
        }
        try queue.close()
        for command in [["serve", "--listen", "127.0.0.1:0"], ["scrub"], ["gc"], ["backup", "\(data)-2"]] {
            let refused = try await HubProcess.run(command + ["--data", data.string])
            #expect(refused.status == 1, "\(command)")
            #expect(
                refused.stderr.contains("was written by a newer wasme-hub"), "\(command) \(refused.stderr)")
        }
    }
}
