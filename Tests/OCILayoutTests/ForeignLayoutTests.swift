// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import OCI
import OCILayout
import SystemPackage
import TestSupport
import Testing

/// Layouts that other tools wrote, and what they make of ours.
@Suite struct ForeignLayoutTests {
    let scratch: ScratchDirectory
    let store: ImageStore

    init() throws {
        scratch = try ScratchDirectory("foreign")
        store = try ImageStore(scratch.appending("store"))
    }

    private func does(_ tool: Tool, _ arguments: String...) async throws -> String {
        let outcome = try await run(try #require(tool.path), arguments)
        try #require(outcome.status == 0, "\(tool.name) \(arguments): \(outcome.stderr)")
        return outcome.stdout
    }

    /// Everything below a folder, with when it last changed.
    private func state(_ folder: FilePath) throws -> [String: Double] {
        let names = try FileManager.default.subpathsOfDirectory(atPath: folder.string)
        let times = names.map { Files.modified(folder.pushing(FilePath($0))) ?? 0 }
        return Dictionary(uniqueKeysWithValues: zip(names, times))
    }

    @Test(.requires(.skopeo)) func `a layout of skopeo is read and left as it is`() async throws {
        let document = try await put("one", as: ["x:v1"], into: store)
        let other = try await put("two", as: ["x:v2"], into: store)
        let folder = scratch.appending("skopeo")
        _ = try await does(.skopeo, "copy", "oci:\(store.root):x:v1", "oci:\(folder):v1")
        let before = try state(folder)
        let layout = try ImageStore(reading: folder)
        #expect(try layout.resolve(name: nil) == document.descriptor)
        #expect(try layout.resolve(name: "v1") == document.descriptor)
        #expect(try layout.resolve(Reference("v1")) == document.descriptor)
        #expect(try layout.list().map(\.facts?.size) == [5])
        #expect(try layout.verify().isEmpty)
        #expect(throws: StoreError.self) { try layout.untag(["v1"]) }
        await #expect(throws: StoreError.self) { try await layout.ingest { _ in } }
        #expect(try state(folder) == before)
        _ = try await does(.skopeo, "copy", "oci:\(store.root):x:v2", "oci:\(folder):v2")
        let error = #expect(throws: StoreError.self) { try layout.resolve(name: nil) }
        #expect(error?.code == .ambiguous)
        #expect(error?.hint == #"name one of them: "v1", "v2""#)
        #expect(try layout.resolve(name: "v2") == other.descriptor)
        #expect(throws: StoreError.self) { try layout.resolve(name: "v3") }
    }

    @Test(.requires(.skopeo)) func `skopeo writes into our store, and both go on`() async throws {
        let document = try await put("one", as: ["x:v1"], into: store)
        let folder = scratch.appending("elsewhere")
        let there = try ImageStore(folder)
        let other = try await put("two", as: ["y:v1"], into: there)
        _ = try await does(.skopeo, "copy", "oci:\(folder):y:v1", "oci:\(store.root):localhost:5000/y:v1")
        #expect(try store.list().map(\.name) == ["localhost:5000/y:v1", "x:v1"])
        #expect(try store.resolve(Reference("localhost:5000/y:v1")).digest == other.digest)
        #expect(try store.prune().blobs.isEmpty)
        #expect(try store.remove([try Reference("localhost:5000/y:v1")]).images == [other.digest])
        #expect(try store.resolve(Reference("x:v1")) == document.descriptor)
        #expect(try store.verify().isEmpty)
    }

    @Test(.requires(.umoci)) func `umoci reads our store, changes it and collects its garbage`() async throws
    {
        let document = try await put("one", as: ["v1"], into: store)
        try store.tag(document.descriptor, names: ["plain"])
        let other = try await put("two", as: ["x:v2"], into: store)
        try store.untag(["x:v2"])
        #expect(try await does(.umoci, "list", "--layout", store.root.string).contains("plain"))
        _ = try await does(.umoci, "tag", "--image", "\(store.root):plain", "second")
        _ = try await does(.umoci, "remove", "--image", "\(store.root):plain")
        _ = try await does(.umoci, "gc", "--layout", store.root.string)
        #expect(try store.resolve(name: "second").digest == document.digest)
        #expect(try store.verify().isEmpty)
        _ = try await put("three", as: ["x:v3"], into: store)
        #expect(try store.list().compactMap(\.name) == ["second", "v1:latest", "x:v3"])
        _ = try store.prune()
        #expect(try store.verify().isEmpty)
        #expect(!store.contains(other.descriptor))
    }

    @Test(.requires(.umoci)) func `a layout of umoci is read`() async throws {
        let folder = scratch.appending("umoci").string
        _ = try await does(.umoci, "init", "--layout", folder)
        let layout = try ImageStore(reading: FilePath(folder))
        #expect(try layout.list().isEmpty)
        #expect(throws: StoreError.self) { try layout.resolve(name: nil) }
        _ = try await does(.umoci, "new", "--image", "\(folder):fresh")
        let image = try layout.resolve(name: "fresh")
        guard case .manifest = try layout.manifest(image).content else {
            Issue.record("not a manifest")
            return
        }
        #expect(try layout.list().first?.facts?.created != nil)
    }

    @Test func `an index among the images leads to the one that it holds`() async throws {
        let document = try await put("one", as: ["x:v1"], into: store)
        var attestation = try await put("attestation", as: ["x:attestation"], into: store).descriptor
        attestation.annotations = ["vnd.docker.reference.type": "attestation-manifest"]
        let bytes = try canonicalJSON(Index(manifests: [document.descriptor, attestation]))
        let index = try ManifestDocument(bytes: bytes)
        try await store.ingest { try $0.commit(index, names: ["built"]) }
        try store.untag(["x:v1"])
        _ = try store.remove([try Reference("x:attestation")])
        #expect(try store.resolve(Reference("built")).digest != index.digest)
        #expect(try store.resolve(name: "built") == document.descriptor)
        #expect(try store.resolve(Reference("x@\(index.digest)")).digest == index.digest)
        _ = try store.prune()
        #expect(try store.resolve(Reference(String(document.digest.hex.prefix(12)))) == document.descriptor)
        #expect(try store.verify().isEmpty)
    }

    @Test func `a store of an earlier wasme is read, and goes on`() async throws {
        let document = try await put("one", as: ["x:v1"], into: store)
        let index = store.root.appending("index.json")
        // As it was written before facts stood in the entries.
        let old = """
            {"manifests":[{"annotations":{"dev.wasme.stored-at":"2026-01-02T03:04:05Z",\
            "org.opencontainers.image.ref.name":"x:v1"},"digest":"\(document.digest)",\
            "mediaType":"application/vnd.oci.image.manifest.v1+json","size":\(document.bytes.count)}],\
            "mediaType":"application/vnd.oci.image.index.v1+json","schemaVersion":2}
            """
        try Files.replace(index, with: Array(old.utf8))
        try Files.remove(store.root.appending("partial"))
        let image = try #require(try store.list().first)
        #expect(image.facts?.size == 5 && image.storedAt == "2026-01-02T03:04:05Z")
        _ = try await put("two", as: ["x:v2"], into: store)
        #expect(try store.list().count == 2)
        try store.tag(document.descriptor, as: [try Reference("x:v1")])
        let text = String(decoding: try Files.read(index), as: UTF8.self)
        #expect(text.matches(of: /dev\.wasme\.size/).count == 2)
    }

    @Test func `a list needs no manifest, and giving what is given writes nothing`() async throws {
        let document = try await put(
            "one", as: ["x:v1"], into: store,
            annotations: [
                "module.wasm.runtime/abi_version": "v0.2.0, v0.2.1",
                "org.opencontainers.image.created": "2026-02-03T04:05:06Z",
            ])
        let index = store.root.appending("index.json")
        let before = Files.modified(index)
        _ = try await put(
            "one", as: ["x:v1"], into: store, annotations: document.annotations)
        try store.tag(document.descriptor, as: [try Reference("x:v1")])
        #expect(Files.modified(index) == before)
        try Files.remove(store.path(document.digest))
        let facts = try #require(try store.list().first?.facts)
        #expect(facts.size == 5 && facts.abiVersions == ["v0.2.0", "v0.2.1"])
        #expect(facts.created == "2026-02-03T04:05:06Z")
    }
}

extension ManifestDocument {
    var annotations: [String: String]? {
        guard case .manifest(let manifest) = content else { return nil }
        return manifest.annotations
    }
}
