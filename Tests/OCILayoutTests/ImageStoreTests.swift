// SPDX-License-Identifier: Apache-2.0

import Files
import OCI
import OCILayout
import SystemPackage
import TestSupport
import Testing

@Suite struct ImageStoreTests {
    let scratch: ScratchDirectory
    let store: ImageStore

    init() throws {
        scratch = try ScratchDirectory("store")
        store = try ImageStore(scratch.appending("store"))
    }

    func put(
        _ text: String, as names: [String], into store: ImageStore? = nil
    ) async throws -> ManifestDocument {
        let references = try names.map { try Reference($0) }
        return try await (store ?? self.store).ingest { ingest in
            let config = try ingest.add(Array("{}".utf8), mediaType: .emptyJSON)
            let layer = try ingest.add(Array(text.utf8), mediaType: .imageLayerTarGzip)
            let document = try ManifestDocument(Manifest(config: config, layers: [layer]))
            try ingest.commit(document, as: references)
            return document
        }
    }

    @Test func `an image is found by tag, by digest and with both`() async throws {
        let document = try await put("one", as: ["localhost:5000/a/b:v1"])
        #expect(try store.resolve(Reference("localhost:5000/a/b:v1")) == document.descriptor)
        #expect(try store.resolve(Reference("localhost:5000/a/b@\(document.digest)")) == document.descriptor)
        #expect(
            try store.resolve(Reference("localhost:5000/a/b:other@\(document.digest)")) == document.descriptor
        )
        #expect(try store.manifest(document.descriptor) == document)
        #expect(throws: StoreError.self) { try store.resolve(Reference("localhost:5000/a/b:v2")) }
        #expect(throws: StoreError.self) {
            try store.resolve(Reference("localhost:5000/a/b:v1@\(Digest(of: Array("other".utf8)))"))
        }
    }

    @Test func `a name moves to a new image and the old one stays under its digest`() async throws {
        let first = try await put("one", as: ["x:v1", "x:stable"])
        let second = try await put("two", as: ["x:v1"])
        #expect(try store.list().map(\.name) == ["x:stable", "x:v1"])
        #expect(try store.resolve(Reference("x:v1")).digest == second.digest)
        #expect(try store.resolve(Reference("x:stable")).digest == first.digest)
        let third = try await put("three", as: ["x:stable"])
        #expect(try store.resolve(Reference("x:stable")).digest == third.digest)
        #expect(try store.resolve(Reference("x@\(first.digest)")).digest == first.digest)
    }

    @Test func `what came by digest alone is listed by it`() async throws {
        let digest = try await put("one", as: ["x:v1"]).digest
        let other = try ImageStore(scratch.appending("other"))
        _ = try await put("one", as: ["localhost/x@\(digest)"], into: other)
        #expect(try other.list().map(\.name) == ["localhost/x@\(digest)"])
        #expect(try other.resolve(Reference("localhost/x@\(digest)")).digest == digest)
    }

    @Test func `a failed ingest leaves nothing`() async throws {
        struct Stop: Error {}
        await #expect(throws: Stop.self) {
            try await store.ingest { ingest in
                _ = try ingest.add(Array("half".utf8), mediaType: .octetStream)
                throw Stop()
            }
        }
        #expect(!store.contains(Digest(of: Array("half".utf8))))
        #expect(try Files.contents(store.root.appending("ingest")).isEmpty)
        #expect(try store.list().isEmpty)
    }

    @Test func `a manifest is not stored without its blobs`() async throws {
        await #expect(throws: StoreError.self) {
            try await store.ingest { ingest in
                let missing = Descriptor(of: Array("missing".utf8), mediaType: .imageConfig)
                try ingest.commit(
                    try ManifestDocument(Manifest(config: missing, layers: [])), as: [try Reference("x")])
            }
        }
        #expect(try store.list().isEmpty)
    }

    @Test func `what a killed process left is cleared away`() async throws {
        let left = store.root.appending("ingest").appending("left")
        try Files.createDirectory(left)
        try Files.replace(left.appending("sha256-0"), with: [1, 2, 3])
        _ = try await put("one", as: ["x"])
        #expect(Files.kind(left) == nil)
    }

    @Test func `a damaged blob is told as such`() async throws {
        let document = try await put("one", as: ["x"])
        try Files.replace(store.path(document.digest), with: document.bytes.dropLast() + [0x20])
        let error = #expect(throws: StoreError.self) { try store.manifest(document.descriptor) }
        #expect(error?.message.contains("damaged") == true)
        #expect(error?.hint != nil)
    }

    @Test func `a folder with other things in it is not taken over`() throws {
        try scratch.write("other/notes.txt", "mine")
        #expect(throws: StoreError.self) { try ImageStore(scratch.appending("other")) }
        #expect(try Files.contents(scratch.appending("other")) == ["notes.txt"])
    }

    @Test func `many writers lose no name`() async throws {
        let store = store
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask {
                    _ = try await put(
                        "image \(number % 5)", as: ["x:\(number)"], into: ImageStore(store.root))
                }
            }
            try await group.waitForAll()
        }
        #expect(try store.list().count == 20)
    }

    @Test(.requires(.skopeo)) func `another tool reads the layout`() async throws {
        let document = try await put("one", as: ["x:v1"])
        let skopeo = try #require(Tool.skopeo.path)
        let outcome = try await run(skopeo, ["inspect", "--raw", "oci:\(store.root):x:v1"])
        #expect(outcome.status == 0, "\(outcome.stderr)")
        #expect(Array(outcome.stdout.utf8) == document.bytes)
    }
}
