// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import OCI
import OCILayout
import SystemPackage
import TestSupport
import Testing

@Suite struct StoreRemovalTests {
    let scratch: ScratchDirectory
    let store: ImageStore

    init() throws {
        scratch = try ScratchDirectory("removal")
        store = try ImageStore(scratch.appending("store"))
    }

    private var blobs: [String] {
        get throws { try Files.contents(store.root.appending("blobs").appending("sha256")) }
    }

    @Test func `with the last name goes the content, and no blob of another image`() async throws {
        let first = try await put("one", as: ["x:v1", "x:stable"], into: store)
        let second = try await put("two", as: ["x:v2"], into: store)
        let name = try store.remove([try Reference("x:v1")])
        #expect(name.names == ["x:v1"] && name.images.isEmpty && name.bytes == 0)
        let last = try store.remove([try Reference("x:stable")])
        #expect(last.images == [first.digest])
        #expect(Set(last.blobs) == Set([first.digest, try #require(first.blobs.last).digest]))
        #expect(last.bytes == Int64(first.bytes.count) + 3)
        #expect(try store.list().map(\.name) == ["x:v2"])
        #expect(try store.verify().isEmpty)
        #expect(try blobs.count == 3)
        #expect(!store.contains(first.descriptor) && store.contains(second.descriptor))
    }

    @Test func `one unknown image keeps all the others`() async throws {
        let document = try await put("one", as: ["x:v1"], into: store)
        let error = #expect(throws: StoreError.self) {
            try store.remove([try Reference("x:v1"), try Reference("y:v1"), try Reference("z")])
        }
        #expect(error?.message.contains(#"images "y:v1", "z" are not in the store"#) == true)
        #expect(error?.message.hasSuffix("nothing was removed") == true)
        #expect(try store.resolve(Reference("x:v1")) == document.descriptor)
    }

    @Test func `by its digest an image with several names goes with force only`() async throws {
        let document = try await put("one", as: ["x:v1", "y:v1"], into: store)
        let prefix = try Reference(String(document.digest.hex.prefix(10)))
        let error = #expect(throws: StoreError.self) { try store.remove([prefix]) }
        #expect(error?.code == .severalNames)
        #expect(error?.message.contains(#""x:v1", "y:v1""#) == true)
        let removal = try store.remove([prefix], force: true)
        #expect(removal.names == ["x:v1", "y:v1"])
        #expect(removal.images == [document.digest])
        #expect(try blobs.isEmpty)
    }

    @Test func `pruning keeps what has a name and what belongs to it`() async throws {
        let image = try await put("image", as: ["x:v1"], into: store)
        let bill = try await put("bill", as: [], into: store, subject: image.descriptor)
        let signature = try await put("signature", as: [], into: store, subject: bill.descriptor)
        let old = try await put("old", as: ["x:v0"], into: store)
        let stray = try await put("stray", as: [], into: store, subject: old.descriptor)
        try store.untag(["x:v0"])
        #expect(try store.list(all: true).count == 5)
        #expect(try store.referrers(of: image.digest).map(\.digest) == [bill.digest])
        let plan = try store.prune(dryRun: true)
        #expect(Set(plan.images) == [old.digest, stray.digest])
        #expect(store.contains(old.descriptor))
        let removal = try store.prune()
        #expect(removal.images == plan.images && removal.blobs == plan.blobs && removal.bytes == plan.bytes)
        #expect(removal.blobs.count == 4)
        #expect(
            Set(try store.list(all: true).map(\.descriptor.digest)) == [
                image.digest, bill.digest, signature.digest,
            ])
        #expect(try store.verify().isEmpty)
        // What belongs to an image goes with it.
        let gone = try store.remove([try Reference("x:v1")]).images
        #expect(Set(gone) == [image.digest, bill.digest, signature.digest])
        #expect(try blobs.isEmpty)
    }

    @Test func `pruning by age takes only what is old`() async throws {
        let image = try await put("old", as: ["x:v1"], into: store)
        _ = try await put("new", as: ["x:v1"], into: store)
        try Files.append("half", to: store.root.appending("partial").appending("sha256-\(image.digest.hex)"))
        #expect(try store.prune(olderThan: .seconds(3600)).images.isEmpty)
        #expect(try Files.contents(store.root.appending("partial")).count == 1)
        // An hour and a bit ago.
        let index = store.root.appending("index.json")
        let then = Date(timeIntervalSinceNow: -4000)
        let text = String(decoding: try Files.read(index), as: UTF8.self)
        let stamps = try store.list(all: true).compactMap(\.storedAt)
        let aged = stamps.reduce(text) { $0.replacingOccurrences(of: $1, with: then.formatted(.iso8601)) }
        try Files.replace(index, with: Array(aged.utf8))
        for name in try blobs {
            try FileManager.default.setAttributes(
                [.modificationDate: then],
                ofItemAtPath: store.root.appending("blobs").appending("sha256").appending(name).string)
        }
        let removal = try store.prune(olderThan: .seconds(3600))
        #expect(removal.images == [image.digest] && removal.leftovers == 0)
        #expect(try store.prune(named: true, olderThan: .seconds(8000)).names.isEmpty)
        #expect(try store.prune().leftovers == 1)
        #expect(try store.prune(named: true, olderThan: .seconds(3600)).names == ["x:v1"])
        #expect(try blobs.isEmpty)
    }

    @Test func `what a running ingest counts on is not removed`() async throws {
        let image = try await put("image", as: ["x:v1"], into: store)
        let layer = try #require(image.blobs.last)
        let again = try await store.ingest { ingest in
            let config = try ingest.add(Array("{\"a\": 1}".utf8), mediaType: .emptyJSON)
            #expect(ingest.contains(layer))
            #expect(try store.remove([try Reference("x:v1")]).images == [image.digest])
            #expect(try store.prune().images.isEmpty)
            #expect(store.contains(layer))
            let document = try ManifestDocument(Manifest(config: config, layers: [layer]))
            try ingest.commit(document, as: [try Reference("x:v2")])
            return document
        }
        #expect(try store.list().map(\.name) == ["x:v2"])
        #expect(try store.verify().isEmpty)
        #expect(store.contains(again.descriptor))
    }

    @Test func `a transfer that is under way is no leftover, one that broke off is`() async throws {
        struct Break: Error {}
        let blob = Descriptor(of: Array("0123456789".utf8), mediaType: .octetStream)
        await #expect(throws: Break.self) {
            try await store.ingest { ingest in
                try await ingest.receive(blob) { sink, _ in
                    try Array("01234".utf8).withUnsafeBytes { try sink.write($0) }
                    #expect(try store.prune().leftovers == 0)
                    throw Break()
                }
            }
        }
        let removal = try store.prune()
        #expect(removal.leftovers == 1 && removal.bytes == 5)
        #expect(try store.prune().leftovers == 0)
    }

    @Test func `names that are not there cannot be taken away, and an empty store has nothing to prune`()
        throws
    {
        #expect(throws: StoreError.self) { try store.untag(["x:v1"]) }
        #expect(throws: StoreError.self) { try store.remove([try Reference("x:v1")]) }
        #expect(try store.prune(named: true).blobs.isEmpty)
        #expect(Files.kind(store.root) == nil)
    }
}
