// SPDX-License-Identifier: Apache-2.0

import Archive
import Diagnostics
import Files
import Foundation
import ImageTransfer
import OCI
import OCILayout
import SystemPackage
import TestSupport
import Testing

@Suite struct ImageArchiveTests {
    let scratch: ScratchDirectory
    let store: ImageStore

    init() throws {
        scratch = try ScratchDirectory("archive")
        store = try ImageStore(scratch.appending("store"))
    }

    /// Takes every image of an archive into the store, as `wasme load` does.
    private func load(_ file: FilePath) async throws {
        let archive = try ImageArchive(file, scratch: scratch.path)
        var images: [(tree: ImageTree, names: [String])] = []
        for (_, entries) in archive.index.images {
            let document = try await archive.manifest(entries[0].descriptor)
            images.append((try await ImageTree(document, from: archive), entries.compactMap(\.name)))
        }
        try await store.ingest { [images] ingest in
            try await ImageTransfer().copy(images, from: archive, to: StoreDestination(ingest))
        }
    }

    private func load(_ sketch: LayoutSketch) async throws {
        let file = scratch.appending("\(Files.randomName()).tar")
        try sketch.write(to: file)
        try await load(file)
    }

    /// What is said of a broken archive, of which nothing may be left behind.
    private func refusal(_ sketch: LayoutSketch) async throws -> String {
        let error = await #expect(throws: (any Error).self) { try await load(sketch) }
        #expect(try store.list().isEmpty)
        return error.map { "\($0)" } ?? ""
    }

    @Test func `an archive is read as it was written`() async throws {
        let sketch = try LayoutSketch(name: "a/b:v1")
        try await load(sketch)
        #expect(try store.list().map(\.name) == ["a/b:v1"])
        #expect(try store.resolve(Reference("a/b:v1")).digest == sketch.image.digest)
    }

    @Test func `a compressed archive is read too, and leaves nothing behind`() async throws {
        let sketch = try LayoutSketch(name: "a/b:v1")
        let file = scratch.appending("a.tar")
        try sketch.write(to: file)
        let zipped = try await run(FilePath("/bin/gzip"), [file.string])
        try #require(zipped.status == 0)
        try await load(scratch.appending("a.tar.gz"))
        #expect(try store.resolve(Reference("a/b:v1")).digest == sketch.image.digest)
        #expect(try Files.contents(scratch.path).filter { $0.hasPrefix("wasme-archive") }.isEmpty)
    }

    @Test func `a bomb ends at a limit`() async throws {
        let file = scratch.appending("bomb")
        // 200 MB of zeros: more than any archive of images shrinks.
        let made = try await run(
            FilePath("/bin/sh"), ["-c", "head -c 200000000 /dev/zero | gzip -9 > '\(file)'"])
        try #require(made.status == 0)
        let error = await #expect(throws: ArchiveError.self) { try await load(file) }
        #expect(error?.code == .tooLarge)
        #expect(try Files.contents(scratch.path).filter { $0.hasPrefix("wasme-archive") }.isEmpty)
    }

    @Test func `a layout without its marks is named as such`() async throws {
        var sketch = try LayoutSketch()
        sketch.index = nil
        #expect(try await refusal(sketch).contains("has no index.json"))
        sketch = try LayoutSketch()
        sketch.marker = nil
        #expect(try await refusal(sketch).contains("has no oci-layout"))
        sketch = try LayoutSketch()
        sketch.marker = #"{"imageLayoutVersion":"2.0.0"}"#
        #expect(try await refusal(sketch).contains("version \"2.0.0\""))
        sketch = try LayoutSketch()
        sketch.index = "{"
        #expect(try await refusal(sketch).contains("is damaged"))
    }

    @Test func `a blob that is not what it is called is named`() async throws {
        var sketch = try LayoutSketch()
        let layer = Digest(of: sketch.layer)
        sketch.replace(layer, Array("LAYER".utf8))
        let message = try await refusal(sketch)
        #expect(message.contains("\(layer)") && message.contains("damaged"), "\(message)")
    }

    @Test func `a blob that is longer, missing or no file is named`() async throws {
        let layer = Digest(of: try LayoutSketch().layer)
        for (bytes, words) in [(Array("layer and more".utf8), "expected 5"), (nil, "is missing")] {
            var sketch = try LayoutSketch()
            sketch.replace(layer, bytes)
            let message = try await refusal(sketch)
            #expect(message.contains("\(layer)") && message.contains(words), "\(message)")
        }
    }

    @Test(.requires(.bsdtar)) func `a blob that is a link is named`() async throws {
        let sketch = try LayoutSketch()
        let layer = LayoutSketch.path(Digest(of: sketch.layer))
        for file in sketch.files where file.path != layer {
            let path = scratch.path.pushing(FilePath("layout/\(file.path)"))
            try Files.createDirectory(path.removingLastComponent())
            try Files.replace(path, with: file.bytes)
        }
        try scratch.write("layout/oci-layout", sketch.marker ?? "")
        try scratch.write("layout/index.json", sketch.index ?? "")
        let link = scratch.path.pushing(FilePath("layout/\(layer)"))
        try FileManager.default.createSymbolicLink(atPath: link.string, withDestinationPath: "/etc/passwd")
        let file = scratch.appending("links.tar")
        let made = try await run(
            try #require(Tool.bsdtar.path),
            ["-cf", file.string, "-C", scratch.appending("layout").string, "."])
        try #require(made.status == 0)
        let error = await #expect(throws: TransferError.self) { try await load(file) }
        #expect(error?.message.contains("is a symbolic link, not a file") == true)
    }

    @Test func `of a blob that is there twice the later counts`() async throws {
        var sketch = try LayoutSketch(name: "a:v1")
        let path = LayoutSketch.path(Digest(of: sketch.layer))
        sketch.files.insert((path, Array("first".utf8)), at: 0)
        sketch.files.append((path, Array("wrong".utf8)))
        #expect(try await refusal(sketch).contains("damaged"))
        sketch.files.removeLast()
        try await load(sketch)
        #expect(try store.list().count == 1)
    }

    @Test func `a manifest of five megabytes is not read`() async throws {
        var sketch = try LayoutSketch()
        let large = Descriptor(mediaType: .imageManifest, digest: sketch.image.digest, size: 5 << 20)
        sketch.replace(sketch.image.digest, [UInt8](repeating: 0x20, count: 5 << 20))
        sketch.index = String(decoding: try canonicalJSON(Index(manifests: [large])), as: UTF8.self)
        let message = try await refusal(sketch)
        #expect(message.contains("5242880 bytes, more than"), "\(message)")
    }

    @Test func `indexes that lie deep in one another are refused`() async throws {
        var sketch = try LayoutSketch()
        var inner = sketch.image
        for _ in 0..<12 {
            let bytes = try canonicalJSON(Index(manifests: [inner.descriptor]))
            inner = try ManifestDocument(bytes: bytes)
            sketch.add(bytes)
        }
        sketch.index = try LayoutSketch.index([(inner, "deep")])
        #expect(try await refusal(sketch).contains("deep in one another"))
    }

    @Test func `an index is copied with all its images`() async throws {
        var sketch = try LayoutSketch()
        let other = try LayoutSketch(layer: Array("other".utf8))
        sketch.files += other.files
        let bytes = try canonicalJSON(
            Index(manifests: [sketch.image.descriptor, other.image.descriptor]))
        sketch.add(bytes)
        let index = try ManifestDocument(bytes: bytes)
        sketch.index = try LayoutSketch.index([(index, "both:v1")])
        try await load(sketch)
        let root = try store.resolve(Reference("both:v1"))
        let tree = try await ImageTree(try store.manifest(root), from: store)
        #expect(tree.root == index)
        #expect(tree.children.map(\.digest) == [sketch.image.digest, other.image.digest])
        #expect(tree.blobs.count == 3)
    }

    @Test func `the same images give the same archive, wherever they come from`() async throws {
        let sketch = try LayoutSketch(name: "a/b:v1")
        try await load(sketch)
        func archive(_ store: ImageStore) async throws -> [UInt8] {
            let document = try store.manifest(store.resolve(Reference("a/b:v1")))
            let tree = try await ImageTree(document, from: store)
            let sink = MemorySink(limit: .max)
            try await store.ingest { spool in
                let archive = ArchiveDestination(spool: spool)
                try await ImageTransfer().copy([(tree, ["a/b:v1"])], from: store, to: archive)
                try archive.write(to: sink)
            }
            return sink.bytes
        }
        let first = try await archive(store)
        let file = scratch.appending("first.tar")
        try Files.replace(file, with: first)
        let second = try ImageStore(scratch.appending("second"))
        let read = try ImageArchive(file, scratch: scratch.path)
        let tree = try await ImageTree(sketch.image, from: read)
        try await second.ingest { ingest in
            try await ImageTransfer().copy([(tree, ["a/b:v1"])], from: read, to: StoreDestination(ingest))
        }
        #expect(try await archive(second) == first)
    }

    @Test func `what is attached goes along if it is wanted`() async throws {
        let sketch = try LayoutSketch(name: "a:v1")
        try await load(sketch)
        // A signature, and a note on the signature.
        let signature = try await attach(Array("signed".utf8), to: sketch.image)
        let note = try await attach(Array("noted".utf8), to: signature)
        let alone = try await ImageTree(sketch.image, from: store)
        #expect(alone.referrers.isEmpty)
        let tree = try await ImageTree(sketch.image, from: store, referrers: true)
        #expect(tree.referrers == [signature, note])
        let file = scratch.appending("signed.tar")
        let sink = try FileSink(file)
        try await store.ingest { spool in
            let archive = ArchiveDestination(spool: spool)
            try await ImageTransfer().copy([(tree, ["a:v1"])], from: store, to: archive)
            try archive.write(to: sink)
        }
        try sink.finish()
        let other = try ImageStore(scratch.appending("other"))
        let archive = try ImageArchive(file, scratch: scratch.path)
        #expect(archive.index.entries.map(\.name) == ["a:v1", nil, nil])
        #expect(try archive.index.resolve(.init()).descriptor.digest == sketch.image.digest)
        let back = try await ImageTree(sketch.image, from: archive, referrers: true)
        try await other.ingest { ingest in
            try await ImageTransfer().copy([(back, ["a:v1"])], from: archive, to: StoreDestination(ingest))
        }
        #expect(try other.referrers(of: sketch.image.digest).map(\.digest) == [signature.digest])
        #expect(try other.referrers(of: signature.digest).map(\.digest) == [note.digest])
    }

    private func attach(_ bytes: [UInt8], to subject: ManifestDocument) async throws -> ManifestDocument {
        try await store.ingest { ingest in
            let config = try ingest.add(Array("{}".utf8), mediaType: .emptyJSON)
            let layer = try ingest.add(bytes, mediaType: .octetStream)
            let document = try ManifestDocument(
                Manifest(
                    artifactType: MediaType(rawValue: "application/vnd.example.note"), config: config,
                    layers: [layer], subject: subject.descriptor))
            try ingest.commit(document, names: [])
            return document
        }
    }

    /// In a turn of its own: it keeps a thread busy for as long as it may.
    @Suite struct MutationTests {
        @Test func `damaged archives are refused, or are what their digests say`() async throws {
            let scratch = try ImageArchiveTests().scratch
            let file = scratch.appending("seed.tar")
            try LayoutSketch(name: "a:v1").write(to: file)
            try Fuzzer("oci-archive", corpus: [try Files.read(file)]).run { bytes in
                let path = scratch.appending("fuzzed.tar")
                try Files.remove(path)
                let sink = try FileSink(path)
                try bytes.withUnsafeBytes { try sink.write($0) }
                // Not to the disk each time: what is looked at is the reading.
                try sink.finish(durably: false)
                guard let archive = try? ImageArchive(path, scratch: scratch.path) else { return nil }
                for entry in archive.index.entries {
                    guard let source = try? archive.openLocally(entry.descriptor) else { continue }
                    let sink = MemorySink(limit: 1 << 20)
                    _ = try? copy(source, to: sink)
                    if sink.bytes.count > bytes.count { return "a blob longer than the archive" }
                }
                return nil
            }
        }
    }
}
