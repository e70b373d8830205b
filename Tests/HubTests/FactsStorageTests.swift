// SPDX-License-Identifier: Apache-2.0

import FilterImage
import Foundation
import GRDB
import Hub
import HubFacts
@testable import HubStorage
import Logging
import OCI
import SystemPackage
import TestSupport
import Testing

/// Facts are made of what was pushed and of nothing else, and come and go with it.
@Suite struct FactsStorageTests {
    /// All that is derived, as text, in the order of the pushes.
    private func dump(_ hub: TestHub) async throws -> [String] {
        try await hub.metadata.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM manifest_facts ORDER BY manifest_id").map { row in
                row.map { "\($0.0)=\($0.1)" }.joined(separator: "|")
            }
        }
    }

    private func settle(_ hub: TestHub) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try await hub.metadata.pendingCount() > 0 {
            try #require(ContinuousClock.now < deadline, "the hub does not come to an end of reading")
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private func pushAll(_ hub: TestHub) async throws {
        for isLarge in [false, true] {
            for (variant, image) in try FilterSketch.all(isLarge: isLarge) {
                try await hub.client.push(image, to: "acme/\(variant)", tag: isLarge ? "large" : "small")
            }
        }
        let broken = try FilterSketch.layer([("plugin.wasm", sampleBytes(300))])
        try await hub.client.push(
            try FilterSketch([(FilterSketch.tarGzip, broken)]), to: "acme/broken", tag: "v1")
        try await hub.client.pushImage(to: "acme/other", tag: "v1")
    }

    private func indexer(_ hub: TestHub) -> FactIndexer {
        FactIndexer(
            hub.registry, FilterReader(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test func `what is made anew is what the pushes made, to the byte`() async throws {
        try await withHub { hub in
            try await pushAll(hub)
            // Its module is a layer of no other image.
            try await hub.client.push(
                try FilterSketch(isLarge: true, value: "alone"), to: "acme/alone", tag: "v1")
            try await settle(hub)
            let pushed = try await dump(hub)
            #expect(pushed.count == 19)
            let files = Set(hub.files("blobs"))
            // Nothing of it is left, and neither are the modules that were taken out of layers.
            try await hub.metadata.execute("DELETE FROM manifest_facts")
            try await hub.registry.collect(isDeep: true)
            #expect(Set(hub.files("blobs")).isStrictSubset(of: files))
            #expect(try await indexer(hub).readEverything() >= 1)
            try await settle(hub)
            #expect(try await dump(hub) == pushed)
            #expect(Set(hub.files("blobs")) == files)
        }
    }

    @Test func `what was pushed and not read before the end of the process is read after the next start`()
        async throws
    {
        let scratch = try ScratchDirectory("hub")
        let data = scratch.path.appending("data")
        try await withHub(folder: data, reads: false) { hub in
            try await pushAll(hub)
            #expect(try await hub.metadata.pendingCount() == 18)
        }
        try await withHub(folder: data) { hub in
            #expect(try await hub.client.facts("acme/compat/small").kind == "filter")
            try await settle(hub)
            #expect(try await dump(hub).count == 18)
        }
    }

    @Test func `a folder from before there were facts gets them`() async throws {
        let scratch = try ScratchDirectory("hub")
        let data = scratch.path.appending("data")
        try await withHub(folder: data, reads: false) { hub in try await pushAll(hub) }
        let queue = try DatabaseQueue(path: DataLayout(data).database.string)
        try await queue.write { database in
            try database.execute(
                sql: """
                    DROP TRIGGER manifests_to_read; DROP TRIGGER manifest_references_came;
                    DROP TABLE manifest_facts; DROP TABLE pending_facts; DROP TABLE facts_revision;
                    DELETE FROM grdb_migrations WHERE identifier LIKE '%facts%';
                    """)
        }
        try queue.close()
        try await withHub(folder: data) { hub in
            try await settle(hub)
            #expect(try await dump(hub).count == 18)
            #expect(try await hub.client.facts("acme/compat/small").kind == "filter")
        }
    }

    @Test func `facts of an older reader are made anew`() async throws {
        try await withHub(reads: false) { hub in
            try await hub.client.push(try FilterSketch(), to: "acme/tiny", tag: "v1")
            #expect(try await indexer(hub).readEverything() == 1)
            try await hub.metadata.expectFacts(of: FilterReader().revision)
            #expect(try await hub.metadata.pendingCount() == 0)
            try await hub.metadata.expectFacts(of: "another")
            #expect(try await hub.metadata.pendingCount() == 1)
            // Meanwhile the old ones are there.
            #expect(try await hub.client.facts("acme/tiny/v1").kind == "filter")
        }
    }

    @Test func `what ended the process three times is given up, and nothing else is`() async throws {
        try await withHub(reads: false) { hub in
            try await hub.client.push(try FilterSketch(), to: "acme/good", tag: "v1")
            try await hub.client.push(try FilterSketch(.cncf), to: "acme/bad", tag: "v1")
            let pending = try await hub.metadata.pendingManifests(before: nil, limit: 10)
            #expect(pending.map(\.repository.path) == ["acme/bad", "acme/good"])
            for _ in 0..<3 { try await hub.metadata.beginReading([pending[0].id]) }
            #expect(try await indexer(hub).readPending() == 2)
            let facts = try await hub.client.facts("acme/bad/v1")
            #expect(facts.kind == "unreadable")
            #expect(facts.reason?.contains("reindex") == true)
            #expect(try await hub.client.facts("acme/good/v1").kind == "filter")
            // An operator may insist.
            #expect(try await indexer(hub).readEverything() == 2)
            #expect(try await hub.client.facts("acme/bad/v1").kind == "filter")
        }
    }

    @Test func `facts and modules go with the manifest, and not before`() async throws {
        var limits = Registry.Limits()
        limits.blobLease = 0
        try await withHub(limits: limits) { hub in
            let image = try FilterSketch(isLarge: true)
            let module = Digest(of: FilterSketch.module(isLarge: true))
            // Two images with one module.
            try await hub.client.push(image, to: "acme/one", tag: "v1")
            try await hub.client.push(image, to: "acme/two", tag: "v1")
            try await settle(hub)
            func isKept() -> Bool { hub.files("blobs").contains { $0.hasSuffix(module.hex) } }
            for (repository, isLast) in [("acme/one", false), ("acme/two", true)] {
                try await hub.registry.collect(isDeep: true)
                #expect(isKept())
                #expect(
                    try await hub.client.get("/modules/\(repository)/v1.wasm").body.count > 60_000)
                let path = "/v2/\(repository)/manifests/\(image.document.digest)"
                #expect(try await hub.client.send("DELETE", path).status == 202)
                #expect(try await hub.client.send("GET", "/modules/\(repository)/v1.wasm").status == 404)
                #expect(try await hub.client.send("GET", "/api/v1/facts/\(repository)/v1").status == 404)
                #expect(try await dump(hub).count == (isLast ? 0 : 1))
            }
            try await hub.registry.collect(isDeep: true)
            #expect(!isKept())
            #expect(hub.files("blobs").isEmpty)
        }
    }

    @Test func `a damaged module is named by scrub and mended by reading anew`() async throws {
        try await withHub { hub in
            try await hub.client.push(try FilterSketch(isLarge: true), to: "acme/tiny", tag: "v1")
            try await settle(hub)
            let module = Digest(of: FilterSketch.module(isLarge: true))
            let path = DataLayout(hub.folder).blob(module)
            let file = try FileHandle(forWritingTo: URL(filePath: path.string))
            try file.write(contentsOf: Data([1, 2, 3]))
            try file.close()
            let damage = try Scrub(hub.folder).run().damage
            #expect(damage.map(\.digest) == [module.description])
            #expect(damage.first?.images == ["acme/tiny:v1"])
            _ = try await indexer(hub).readEverything()
            try await settle(hub)
            #expect(try Scrub(hub.folder).run().damage.isEmpty)
            #expect(
                try await hub.client.send("GET", "/modules/acme/tiny/v1.wasm").body
                    == FilterSketch.module(isLarge: true))
        }
    }

    @Test func `an image that lacked its layer is read when the layer comes`() async throws {
        try await withHub { hub in
            try await hub.metadata.execute(
                #"INSERT INTO policies (scope, policy) VALUES ('*', '{"allowsSparse":true}')"#)
            let image = try FilterSketch()
            let reply = try await hub.client.putManifest(image.document, to: "acme/tiny", as: "v1")
            try #require(reply.status == 201, "\(reply.text)")
            #expect(try await hub.client.facts("acme/tiny/v1").kind == "unreadable")
            for (_, bytes) in image.blobs { try await hub.client.push(bytes, to: "acme/tiny") }
            try await settle(hub)
            // It was pending from the commit of the last layer on, so that nobody sees the old facts afterwards.
            #expect(try await hub.client.facts("acme/tiny/v1").kind == "filter")
        }
    }

    @Test func `storage that fails is no fact, and is tried again`() async throws {
        try await withHub(reads: false) { hub in
            let image = try FilterSketch(.cncf, isLarge: true)
            try await hub.client.push(image, to: "acme/tiny", tag: "v1")
            let path = DataLayout(hub.folder).blob(Digest(of: FilterSketch.module(isLarge: true))).string
            try FileManager.default.moveItem(atPath: path, toPath: path + ".away")
            let first = indexer(hub)
            #expect(try await first.readPending() == 1)
            #expect(try await hub.metadata.pendingCount() == 1)
            // Not at once.
            #expect(try await first.readPending() == 0)
            try FileManager.default.moveItem(atPath: path + ".away", toPath: path)
            #expect(try await indexer(hub).readPending() == 1)
            #expect(try await hub.client.facts("acme/tiny/v1").kind == "filter")
        }
    }

    @Test func `reading is beside the pushes, which do not wait for it`() async throws {
        try await withHub { hub in
            // A layer that takes a while to unpack.
            let zeros = [UInt8](repeating: 0, count: 100 << 20)
            let layer = try FilterSketch.layer([("a", zeros), ("plugin.wasm", FilterSketch.module())])
            let image = try FilterSketch([(FilterSketch.tarGzip, layer)])
            try await hub.client.push(image, to: "acme/slow", tag: "v1")
            let start = ContinuousClock.now
            for number in 0..<5 { try await hub.client.pushImage(to: "acme/quick", tag: "v\(number)") }
            let time = ContinuousClock.now - start
            #expect(try await hub.client.facts("acme/slow/v1").kind == "filter")
            #expect(time < .seconds(5))
        }
    }
}
