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
        try await OCILayoutTests.put(text, as: names, into: store ?? self.store)
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
        #expect(!store.contains(Descriptor(of: Array("half".utf8), mediaType: .octetStream)))
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
        _ = try await put("one", as: ["x"])
        #expect(try store.manifest(document.descriptor) == document)
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

    @Test func `the beginning of a digest is enough, unless it fits several images`() async throws {
        let document = try await put("one", as: ["x:v1"])
        let hex = document.digest.hex
        for text in [String(hex.prefix(8)), "sha256:\(hex.prefix(4))", "sha256:\(hex)"] {
            #expect(try store.resolve(Reference(text)) == document.descriptor)
        }
        let name = String(hex.prefix(8))
        let named = try await put("two", as: [name])
        #expect(try store.resolve(Reference(name)) == named.descriptor, "a name comes first")
        var twin = document.descriptor
        var number = 0
        while twin == document.descriptor || twin.digest.hex.prefix(1) != hex.prefix(1) {
            number += 1
            twin = try await put("image \(number)", as: ["n:\(number)"]).descriptor
        }
        let error = #expect(throws: StoreError.self) {
            try store.resolve(Reference("sha256:\(hex.prefix(1))"))
        }
        #expect(error?.code == .ambiguous)
        #expect(error?.hint?.contains(document.digest.description) == true)
        #expect(error?.hint?.contains(twin.digest.description) == true)
    }

    @Test func `a transfer goes on where another broke off`() async throws {
        struct Break: Error {}
        let bytes = Array("0123456789".utf8)
        let blob = Descriptor(of: bytes, mediaType: .octetStream)
        await #expect(throws: Break.self) {
            try await store.ingest { ingest in
                try await ingest.receive(blob) { sink, beginning in
                    #expect(beginning == nil)
                    try bytes[..<4].withUnsafeBytes { try sink.write($0) }
                    throw Break()
                }
            }
        }
        #expect(!store.contains(blob))
        try await store.ingest { ingest in
            try await ingest.receive(blob) { sink, beginning in
                let begun = MemorySink(limit: 10)
                try copy(try #require(beginning), to: begun)
                #expect(begun.bytes == Array(bytes[..<4]))
                try bytes[4...].withUnsafeBytes { try sink.write($0) }
            }
            let document = try ManifestDocument(Manifest(config: blob, layers: []))
            try ingest.commit(document, as: [try Reference("x")])
        }
        #expect(try store.read(blob) == bytes)
        #expect(try Files.contents(store.root.appending("partial")).isEmpty)
    }

    @Test func `a beginning that turns out wrong is dropped and the blob comes anew`() async throws {
        let bytes = Array("0123456789".utf8)
        let blob = Descriptor(of: bytes, mediaType: .octetStream)
        try Files.createDirectory(store.root.appending("partial"))
        try Files.append("xxxx", to: store.root.appending("partial").appending("sha256-\(blob.digest.hex)"))
        try await store.ingest { ingest in
            try await ingest.receive(blob) { sink, beginning in
                let verifier = VerifyingSink(blob, into: MemorySink(limit: 10))
                if let beginning { try copy(beginning, to: verifier) }
                let rest = bytes[Int(beginning?.length ?? 0)...]
                try rest.withUnsafeBytes { try sink.write($0) }
                try rest.withUnsafeBytes { try verifier.write($0) }
                try verifier.finish()
            }
            try ingest.commit(
                try ManifestDocument(Manifest(config: blob, layers: [])), as: [try Reference("x")])
        }
        #expect(try store.read(blob) == bytes)
    }

    @Test func `two transfers of one blob do not write one file`() async throws {
        let bytes = Array("0123456789".utf8)
        let blob = Descriptor(of: bytes, mediaType: .octetStream)
        try await store.ingest { first in
            try await first.receive(blob) { sink, _ in
                try bytes[..<4].withUnsafeBytes { try sink.write($0) }
                try await store.ingest { second in
                    try await second.receive(blob) { sink, beginning in
                        #expect(beginning == nil)
                        try bytes.withUnsafeBytes { try sink.write($0) }
                    }
                    try second.commit(
                        try ManifestDocument(Manifest(config: blob, layers: [])),
                        as: [try Reference("second")])
                }
                try bytes[4...].withUnsafeBytes { try sink.write($0) }
            }
            try first.commit(
                try ManifestDocument(Manifest(config: blob, layers: [])), as: [try Reference("first")])
        }
        #expect(try store.list().map(\.name) == ["first:latest", "second:latest"])
        #expect(try store.verify().isEmpty)
    }
}
