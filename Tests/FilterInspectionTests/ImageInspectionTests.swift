// SPDX-License-Identifier: Apache-2.0

import Archive
import FilterImage
import FilterInspection
import Foundation
import HostProfiles
import OCI
import TestSupport
import Testing
import WasmBinary

/// Images made in memory, of every layout, sound and broken.
@Suite struct ImageInspectionTests {
    @Test func `the module of a compat image is read whole, and found where fetchers look`() async throws {
        let image = try FilterImage.compose(
            FilterContent(
                module: TinyFilter().bytes,
                runtime: RuntimeConfig(abiVersions: ["v0.2.1"], rootIDs: ["a"]), readme: Array("hi".utf8)))
        let found = try await ImageInspection.read(image.document, from: ComposedBlobs(image.blobs))
        #expect(found.extent == .whole)
        #expect(found.module.whole?.bytes == TinyFilter().bytes)
        #expect(found.files?.sorted() == ["plugin.wasm", "runtime-config.json"])
        #expect(found.moduleSize == Int64(TinyFilter().bytes.count))
        #expect(found.layerProblem == nil)
        let report = try HostCatalog.bundled().report(found.subject, for: HostCatalog.usualTargets)
        #expect(report.isTaken, "\(report.entries.map(\.finding.message))")
    }

    @Test(arguments: [
        ("application/vnd.module.wasm.content.layer.v1+wasm", 2), ("application/wasm", 1),
        ("application/vnd.wasm.content.layer.v1+wasm", 1),
    ])
    func `a module that is a layer as it is`(type: String, layers: Int) async throws {
        var sketch = ImageSketch()
        sketch.add(TinyFilter().bytes, type)
        if layers == 2 { sketch.add(Array("{}".utf8), "application/vnd.module.wasm.config.v1+json") }
        let found = try await sketch.inspect()
        #expect(found.module.whole?.bytes == TinyFilter().bytes)
        let report = try HostCatalog.bundled().report(found.subject, for: [HostTarget("istio")])
        #expect(report.isTaken == (layers == 2), "\(report.entries.map(\.finding.message))")
    }

    @Test func `an index leads to its image for linux on amd64`() async throws {
        var sketch = ImageSketch()
        sketch.add(TinyFilter().bytes, "application/vnd.module.wasm.content.layer.v1+wasm")
        sketch.add(Array("{}".utf8), "application/vnd.module.wasm.config.v1+json")
        let child = try sketch.document
        for (platform, isTaken) in [
            (Platform(architecture: "amd64", os: "linux"), true),
            (Platform(architecture: "wasm", os: "wasip1"), false),
        ] {
            var entry = child.descriptor
            entry.platform = platform
            let index = try ManifestDocument(bytes: canonicalJSON(Index(manifests: [entry])))
            let found = try await ImageInspection.read(
                index, from: sketch.blobs(manifests: [child]))
            #expect(found.index?.digest == index.digest)
            #expect(found.document.digest == child.digest)
            #expect(found.module.whole != nil)
            let report = try HostCatalog.bundled().report(found.subject, for: [HostTarget("istio")])
            #expect(report.isTaken == isTaken)
            #expect(report.entries.contains { $0.finding.rule == .imageIndex })
        }
    }

    static let archiveType = MediaType.imageLayerTarGzip.rawValue

    @Test func `a layer that holds no module names what it holds`() async throws {
        var sketch = ImageSketch()
        sketch.add(try tarGzip([("filter.wasm", TinyFilter().bytes)]), Self.archiveType)
        let found = try await sketch.inspect()
        #expect(found.extent == .none)
        let messages = try messages(found)
        #expect(
            messages.contains { $0.contains("holds no file plugin.wasm, but \"filter.wasm\"") }, "\(messages)"
        )
    }

    @Test(arguments: [
        (Array("(module)".utf8), "WebAssembly text"),
        ([0x00, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0], "WebAssembly component"),
        (Array("<!doctype html><p>not found".utf8), "HTML page"), ([0x1f, 0x8b, 8, 0], "gzip stream"),
        ([0x7f, 0x45, 0x4c, 0x46], "native program"), ([], "empty file"),
        (Array(TinyFilter().bytes.dropLast(20)), "bytes are left"),
    ])
    func `what lies where the module should be is named`(bytes: [UInt8], words: String) async throws {
        for type in [Self.archiveType, "application/vnd.module.wasm.content.layer.v1+wasm"] {
            var sketch = ImageSketch()
            sketch.add(type == Self.archiveType ? try tarGzip([("plugin.wasm", bytes)]) : bytes, type)
            let messages = try messages(try await sketch.inspect())
            #expect(messages.contains { $0.contains(words) }, "\(messages)")
        }
    }

    @Test func `a layer that is not what its type says is named`() async throws {
        for (bytes, words) in [
            (TinyFilter().bytes, "is not compressed with gzip: it is a WebAssembly core module"),
            (Array("<html>".utf8), "it is an HTML page"), ([UInt8](), "it is an empty file"),
            ([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3], "is not a readable tar archive"),
            (
                Array(try tarGzip([("plugin.wasm", TinyFilter().bytes)]).prefix(100)),
                "not a readable tar archive"
            ),
        ] {
            var sketch = ImageSketch()
            sketch.add(bytes, Self.archiveType)
            let found = try await sketch.inspect()
            #expect(found.layerProblem?.contains(words) == true, "\(found.layerProblem ?? "none")")
            let report = try HostCatalog.bundled().report(found.subject, for: [HostTarget("istio")])
            #expect(
                report.entries.contains { $0.finding.rule == .imageLayer && $0.finding.severity == .error })
        }
    }

    @Test func `layers of other kinds, and no layers, are refused by name`() async throws {
        for type in [
            "application/octet-stream", "application/vnd.oci.image.layer.v1.tar+zstd", "text/plain", nil,
        ] {
            var sketch = ImageSketch()
            if let type { sketch.add(TinyFilter().bytes, type) }
            let found = try await sketch.inspect()
            #expect(found.extent == .none)
            for target in ["istio", "envoy"] {
                let report = try HostCatalog.bundled().report(found.subject, for: [HostTarget(target)])
                #expect(!report.isTaken)
            }
        }
    }

    @Test(.timeLimit(.minutes(2))) func `a bomb is found out before it goes off`() async throws {
        // A gigabyte of zeros behind a header that says so, in a megabyte.
        let bomb = try tarGzip([("plugin.wasm", [UInt8](repeating: 0, count: 600 << 20))])
        #expect(bomb.count < 2 << 20)
        for name in ["plugin.wasm", "other.bin"] {
            var sketch = ImageSketch()
            sketch.add(
                name == "plugin.wasm" ? bomb : try tarGzip([(name, [UInt8](repeating: 0, count: 600 << 20))]),
                Self.archiveType)
            let found = try await sketch.inspect()
            #expect(found.layerProblem?.contains("unpacks to more than") == true)
        }
    }

    private func messages(_ found: ImageInspection) throws -> [String] {
        try HostCatalog.bundled().report(found.subject, for: [HostTarget("istio")]).entries.map(
            \.finding.message)
    }
}

/// A gzip-compressed tar in memory.
func tarGzip(_ files: [(String, [UInt8])]) throws -> [UInt8] {
    let sink = MemorySink(limit: .max)
    _ = try TarGzipWriter.write(files.map { ArchiveFile(path: $0.0, bytes: $0.1) }, to: sink)
    return sink.bytes
}

/// An image drawn from its layers.
struct ImageSketch {
    var layers: [(descriptor: Descriptor, bytes: [UInt8])] = []
    let config = Descriptor(of: Array("{}".utf8), mediaType: .imageConfig)

    mutating func add(_ bytes: [UInt8], _ type: String) {
        layers.append((Descriptor(of: bytes, mediaType: MediaType(rawValue: type)), bytes))
    }

    var document: ManifestDocument {
        get throws { try ManifestDocument(Manifest(config: config, layers: layers.map(\.descriptor))) }
    }

    func blobs(manifests: [ManifestDocument] = []) -> SketchBlobs {
        SketchBlobs(blobs: ComposedBlobs(layers), manifests: manifests)
    }

    func inspect() async throws -> ImageInspection {
        try await ImageInspection.read(try document, from: blobs())
    }
}

/// The blobs of a sketch, with the manifests that an index names.
struct SketchBlobs: BlobAccess {
    let blobs: ComposedBlobs
    let manifests: [ManifestDocument]
    var isRemote: Bool { false }

    func manifest(_ descriptor: Descriptor) async throws -> ManifestDocument {
        try #require(manifests.first { $0.digest == descriptor.digest })
    }
    func stream(
        _ blob: Descriptor, into sink: any ByteSink, after beginning: (any ByteSource)?
    ) async throws {
        try await blobs.stream(blob, into: sink, after: beginning)
    }
    func referrers(of digest: Digest) async throws -> [Descriptor] { [] }
}

extension CheckSubject.Module {
    var whole: WasmModule? { if case .whole(let module) = self { module } else { nil } }
    var declarations: WasmModule? { if case .declarations(let module) = self { module } else { nil } }
}
