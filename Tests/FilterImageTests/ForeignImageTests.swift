// SPDX-License-Identifier: Apache-2.0

import Archive
import FilterImage
import Files
import Foundation
import OCI
import SystemPackage
import TestSupport
import Testing

/// Images that other tools write, sound ones and hostile ones.
@Suite struct ForeignImageTests {
    let scratch: ScratchDirectory
    static let module = TinyFilter().bytes

    init() throws { scratch = try ScratchDirectory("foreign") }

    /// An image of some layers.
    struct Sketch {
        var config = Descriptor(of: Array("{}".utf8), mediaType: .imageConfig)
        var type = MediaType.imageManifest
        var blobs: [(descriptor: Descriptor, bytes: [UInt8])] = [
            (Descriptor(of: Array("{}".utf8), mediaType: .imageConfig), Array("{}".utf8))
        ]
        private var layers: [Descriptor] = []

        mutating func add(_ bytes: [UInt8], _ type: String) {
            layers.append(Descriptor(of: bytes, mediaType: MediaType(rawValue: type)))
            blobs.append((layers[layers.count - 1], bytes))
        }

        func unpack() async throws -> FilterContent {
            let document = try ManifestDocument(
                canonicalJSON(Manifest(mediaType: type, config: config, layers: layers)), type)
            return try await FilterImage.unpack(document, from: ComposedBlobs(blobs))
        }
    }

    static let tarGzip = "application/vnd.oci.image.layer.v1.tar+gzip"

    private func layer(_ files: [(String, [UInt8])]) throws -> [UInt8] {
        let sink = MemorySink(limit: .max)
        _ = try TarGzipWriter.write(files.map { ArchiveFile(path: $0, bytes: $1) }, to: sink)
        return sink.bytes
    }

    @Test func `Docker's manifests are read`() async throws {
        var sketch = Sketch()
        sketch.type = .dockerManifest
        sketch.add(
            try layer([("plugin.wasm", Self.module)]), "application/vnd.docker.image.rootfs.diff.tar.gzip")
        #expect(try await sketch.unpack().module == Self.module)
    }

    @Test(
        .requires(.bsdtar),
        arguments: [("--uncompressed", "tar"), ("--zstd", "tar+zstd"), ("--gzip", "tar+gzip")])
    func `layers are read plain and with every compression`(_ option: String, _ suffix: String) async throws {
        try Files.createDirectory(scratch.appending("in"))
        try Files.replace(scratch.appending("in").appending("plugin.wasm"), with: Self.module)
        let file = scratch.appending("layer")
        let options = option == "--uncompressed" ? [] : [option]
        let outcome = try await run(
            try #require(Tool.bsdtar.path),
            options + ["-cf", file.string, "-C", scratch.appending("in").string, "."])
        try #require(outcome.status == 0, "\(outcome.stderr)")
        var sketch = Sketch()
        sketch.add(try Files.read(file), "application/vnd.oci.image.layer.v1.\(suffix)")
        #expect(try await sketch.unpack().module == Self.module)
    }

    @Test(arguments: [
        "application/wasm", "application/vnd.wasm.content.layer.v1+wasm",
        "application/vnd.module.wasm.content.layer.v1+wasm",
    ])
    func `a module as it is, is read`(_ type: String) async throws {
        var sketch = Sketch()
        sketch.add(Self.module, type)
        #expect(try await sketch.unpack().module == Self.module)
    }

    @Test func `Higress' documents are read from their layers`() async throws {
        var sketch = Sketch()
        for (text, type) in [
            ("spec", "spec.v1+yaml"), ("read me", "doc.v1+markdown"), ("zh", "doc.v1.zh+markdown"),
            ("picture", "icon.v1+png"),
        ] {
            sketch.add(Array(text.utf8), "application/vnd.module.wasm.\(type)")
        }
        sketch.add(try layer([("plugin.wasm", Self.module)]), Self.tarGzip)
        let content = try await sketch.unpack()
        #expect(content.module == Self.module)
        #expect(content.readme.map { String(decoding: $0, as: UTF8.self) } == "read me")
        #expect(content.icon?.fileName == "icon.png")
        #expect(Set(content.otherDocuments.keys) == ["spec.yaml", "README_ZH.md"])
    }

    @Test func `the three layers of Built On Envoy are read`() async throws {
        var sketch = Sketch()
        sketch.add(try layer([("plugin.wasm", Self.module)]), Self.tarGzip)
        sketch.add(try layer([("manifest.yaml", Array("name: x".utf8))]), Self.tarGzip)
        sketch.add(try layer([("config.schema.json", Array("{}".utf8))]), Self.tarGzip)
        let content = try await sketch.unpack()
        #expect(content.module == Self.module)
        #expect(content.configSchema == Array("{}".utf8))
        #expect(content.otherDocuments["manifest.yaml"] == Array("name: x".utf8))
    }

    @Test func `both spellings of the runtime configuration are read`() async throws {
        for json in [
            #"{"type":"envoy_proxy","abiVersions":["v0.2.1"],"config":{"rootIds":["r"]}}"#,
            #"{"type":"envoy_proxy","abi_versions":["v0.2.1"],"config":{"root_ids":["r"]}}"#,
        ] {
            var sketch = Sketch()
            sketch.add(
                try layer([("plugin.wasm", Self.module), ("runtime-config.json", Array(json.utf8))]),
                Self.tarGzip)
            #expect(
                try await sketch.unpack().runtime == RuntimeConfig(abiVersions: ["v0.2.1"], rootIDs: ["r"]),
                "\(json)")
        }
    }

    // MARK: - Hostile layers

    /// What is said of a layer that is made by a shell script in an empty folder, as the file `layer`.
    private func refusal(of script: String, type: String = tarGzip) async throws -> String {
        let folder = scratch.appending("hostile")
        try Files.createDirectory(folder)
        try Files.replace(folder.appending("module"), with: Self.module)
        let outcome = try await run(FilePath("/bin/sh"), ["-ec", script], in: folder)
        try #require(outcome.status == 0, "\(outcome.stderr)")
        var sketch = Sketch()
        sketch.add(try Files.read(folder.appending("layer"), limit: 1 << 30), type)
        let started = ContinuousClock.now
        let error = await #expect(throws: FilterImageError.self) { try await sketch.unpack() }
        #expect(ContinuousClock.now - started < .seconds(30))
        return error.map { "\($0)" } ?? ""
    }

    @Test func `a link in the module's place is told as such`() async throws {
        let symbolic = try await refusal(of: "ln -s /etc/passwd plugin.wasm; tar -czf layer plugin.wasm")
        #expect(symbolic.contains("plugin.wasm is a symbolic link, and hosts read files only"), "\(symbolic)")
    }

    @Test func `hard links, pipes and folders in its place are too`() async throws {
        for (script, words) in [
            ("ln module plugin.wasm; tar -czf layer module plugin.wasm", "a hard link"),
            ("mkfifo plugin.wasm; tar -czf layer plugin.wasm", "a pipe"),
            ("mkdir plugin.wasm; tar -czf layer plugin.wasm", "a folder"),
        ] {
            let message = try await refusal(of: "rm -rf plugin.wasm; " + script)
            #expect(message.contains(words), "\(message)")
        }
    }

    @Test func `a sparse file of 10 GB is not read`() async throws {
        let message = try await refusal(of: "truncate -s 10G plugin.wasm; tar -czSf layer plugin.wasm")
        #expect(message.contains("unpacks to more than"), "\(message)")
    }

    @Test func `a bomb ends at the limit`() async throws {
        let message = try await refusal(
            of: "truncate -s 600M zero; tar -cf - zero | gzip -1 > layer; rm zero")
        #expect(message.contains("unpacks to more than"), "\(message)")
        #expect(
            message.contains("cannot unpack layer sha256:") && message.contains("of image sha256:"),
            "\(message)")
    }

    @Test func `very many entries end at a limit`() async throws {
        let message = try await refusal(
            of: "mkdir many; cd many; seq 100000 | xargs touch; cd ..; tar -czf layer many; rm -rf many")
        #expect(message.contains("more than 10000 entries"), "\(message)")
    }

    @Test func `a stream that is cut off is damaged`() async throws {
        let message = try await refusal(
            of: "cp module plugin.wasm; tar -czf whole plugin.wasm; head -c 200 whole > layer")
        #expect(message.contains("not a readable tar archive"), "\(message)")
    }

    @Test func `a module larger than any host takes is not read`() async throws {
        let message = try await refusal(
            of: "truncate -s 300M plugin.wasm; tar -czf layer plugin.wasm; rm plugin.wasm")
        #expect(message.contains("more than 268435456 bytes"), "\(message)")
    }

    @Test func `odd paths lead nowhere, and the module is found by its name`() async throws {
        for path in [
            "/plugin.wasm", "./plugin.wasm", "../../plugin.wasm", "a/../plugin.wasm", "\u{202e}/plugin.wasm",
        ] {
            var sketch = Sketch()
            sketch.add(try layer([(path, Self.module)]), Self.tarGzip)
            #expect(try await sketch.unpack().module == Self.module, "\(path)")
        }
    }

    @Test func `of a file that is there often the last counts`() async throws {
        let folder = scratch.appending("twice")
        try Files.createDirectory(folder)
        try Files.replace(folder.appending("second"), with: Self.module)
        let outcome = try await run(
            FilePath("/bin/sh"),
            [
                "-ec",
                "echo first > plugin.wasm; tar -cf l plugin.wasm; cp second plugin.wasm; tar -rf l plugin.wasm; gzip l",
            ], in: folder)
        try #require(outcome.status == 0, "\(outcome.stderr)")
        var sketch = Sketch()
        sketch.add(try Files.read(folder.appending("l.gz")), Self.tarGzip)
        #expect(try await sketch.unpack().module == Self.module)
    }

    @Test func `what follows the end of an archive is nobody's`() async throws {
        var sketch = Sketch()
        sketch.add(try layer([("plugin.wasm", Self.module)]) + Array("garbage".utf8), Self.tarGzip)
        // Either way is sound; what may not happen is a crash or another module.
        if let content = try? await sketch.unpack() { #expect(content.module == Self.module) }
    }

    /// In a turn of its own: it keeps a thread busy for as long as it may.
    @Suite struct MutationTests {
        @Test func `damaged layers are refused, or give a module`() throws {
            let whole = try ForeignImageTests().layer([
                ("plugin.wasm", ForeignImageTests.module), ("README.md", Array("x".utf8)),
            ])
            let plain = MemorySink(limit: .max)
            let tar = try TarWriter(plain)
            try tar.add("plugin.wasm", ForeignImageTests.module)
            try tar.close()
            try Fuzzer("layer", corpus: [whole, plain.bytes]).run { bytes in
                var files = 0
                var size = 0
                _ = try? TarReader().read(MemorySource(bytes), name: "it") { _, _ in
                    files += 1
                    let sink = CountingSink { size += $0 }
                    return sink
                }
                return files > 10_000 || size > 512 << 20 ? "\(files) files of \(size) bytes" : nil
            }
        }
    }
}

private final class CountingSink: ByteSink {
    private let count: (Int) -> Void
    init(_ count: @escaping (Int) -> Void) { self.count = count }
    func write(_ bytes: UnsafeRawBufferPointer) { count(bytes.count) }
}

extension ManifestDocument {
    fileprivate init(_ bytes: [UInt8], _ type: MediaType) throws(ManifestError) {
        try self.init(bytes: bytes, mediaType: type)
    }
}
