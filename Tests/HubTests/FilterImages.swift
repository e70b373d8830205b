// SPDX-License-Identifier: Apache-2.0

import Archive
import FilterImage
import Foundation
import Hub
import OCI
import TestSupport
import Testing

/// Images of filters in every layout that is read, made here.
struct FilterSketch: Sendable {
    let document: ManifestDocument
    let blobs: [(descriptor: Descriptor, bytes: [UInt8])]

    /// The tiny filter; a large one has a custom section that no small blob holds.
    static func module(isLarge: Bool = false, value: String = "world") -> [UInt8] {
        let module = TinyFilter(value: value).bytes
        guard isLarge else { return module }
        let content = [4] + Array("room".utf8) + sampleBytes(60_000)
        var size = content.count
        var length: [UInt8] = []
        repeat {
            length.append(UInt8(size & 0x7f) | (size > 0x7f ? 0x80 : 0))
            size >>= 7
        } while size > 0
        return module + [0] + length + content
    }

    static func content(isLarge: Bool = false, value: String = "world") -> FilterContent {
        FilterContent(
            module: module(isLarge: isLarge, value: value),
            runtime: RuntimeConfig(abiVersions: ["v0.2.1"], rootIDs: ["tiny"]),
            metadata: FilterMetadata(
                name: "tiny", version: "1.0.0", description: "Adds a header.", licence: "Apache-2.0",
                language: "bytes", type: "http"),
            configSchema: Array(
                #"{"type":"object","properties":{"header":{"type":"string","default":"hello"}}}"#.utf8),
            readme: Array("# Tiny\n<b>bold</b>".utf8), licence: Array("Do what you like.".utf8))
    }

    init(_ variant: ImageVariant = .compat, isLarge: Bool = false, value: String = "world") throws {
        let image = try FilterImage.compose(Self.content(isLarge: isLarge, value: value), as: variant)
        document = image.document
        blobs = image.blobs
    }

    /// The tiny filter with documents of its own.
    init(schema: String?, readme: String?, module: [UInt8] = Self.module()) throws {
        var content = Self.content()
        content.module = module
        content.configSchema = schema.map { Array($0.utf8) }
        content.readme = readme.map { Array($0.utf8) }
        try self.init(content)
    }

    init(document: ManifestDocument, blobs: [(descriptor: Descriptor, bytes: [UInt8])]) {
        self.document = document
        self.blobs = blobs
    }

    init(_ content: FilterContent) throws {
        let image = try FilterImage.compose(content, as: .compat)
        document = image.document
        blobs = image.blobs
    }

    /// An image of layers as they are.
    init(
        _ layers: [(type: String, bytes: [UInt8])], type: MediaType = .imageManifest,
        config: MediaType = .imageConfig, annotations: [String: String]? = nil
    ) throws {
        let all = layers.map { layer in
            (
                descriptor: Descriptor(of: layer.bytes, mediaType: MediaType(rawValue: layer.type)),
                bytes: layer.bytes
            )
        }
        let configBytes = Array("{}".utf8)
        let config = Descriptor(of: configBytes, mediaType: config)
        document = try ManifestDocument(
            Manifest(
                mediaType: type, config: config, layers: all.map(\.descriptor), annotations: annotations))
        blobs = all + [(config, configBytes)]
    }

    var access: ComposedBlobs { ComposedBlobs(blobs) }

    static let tarGzip = MediaType.imageLayerTarGzip.rawValue

    /// A layer of files.
    static func layer(_ files: [(String, [UInt8])]) throws -> [UInt8] {
        let sink = MemorySink(limit: .max)
        _ = try TarGzipWriter.write(files.map { ArchiveFile(path: $0, bytes: $1) }, to: sink)
        return sink.bytes
    }

    /// A layer that is not compressed.
    static func tar(_ files: [(String, [UInt8])]) throws -> [UInt8] {
        let sink = MemorySink(limit: .max)
        let writer = try TarWriter(sink)
        for (path, bytes) in files { try writer.add(path, bytes) }
        try writer.close()
        return sink.bytes
    }

    /// Bytes as a zstd frame whose blocks are not compressed (RFC 8878 §3.1.1).
    static func zstd(_ bytes: [UInt8]) -> [UInt8] {
        // A single segment whose size has four bytes.
        var frame: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd, 0b1010_0000]
        for shift in [0, 8, 16, 24] { frame.append(UInt8(bytes.count >> shift & 0xff)) }
        for start in stride(from: 0, to: bytes.count, by: 1 << 16) {
            let block = bytes[start..<min(start + 1 << 16, bytes.count)]
            let header = block.count << 3 | (start + block.count == bytes.count ? 1 : 0)
            for shift in [0, 8, 16] { frame.append(UInt8(header >> shift & 0xff)) }
            frame += block
        }
        return frame
    }

    /// Every layout, by the name that the facts give it.
    static func all(isLarge: Bool) throws -> [(variant: String, image: FilterSketch)] {
        let module = module(isLarge: isLarge)
        let files = [("plugin.wasm", module)]
        let tar = try tar(files)
        return [
            ("compat", try FilterSketch(isLarge: isLarge)),
            ("artifact", try FilterSketch(.artifact, isLarge: isLarge)),
            ("cncf", try FilterSketch(.cncf, isLarge: isLarge)),
            (
                "docker",
                try FilterSketch(
                    [(MediaType.dockerLayerTarGzip.rawValue, try layer(files))], type: .dockerManifest)
            ),
            ("zstd", try FilterSketch([("application/vnd.oci.image.layer.v1.tar+zstd", zstd(tar))])),
            ("tar", try FilterSketch([("application/vnd.oci.image.layer.v1.tar", tar)])),
            ("wasm-to-oci", try FilterSketch([(MediaType.kubewardenContent.rawValue, module)])),
            (
                "higress",
                try FilterSketch([
                    ("application/vnd.module.wasm.spec.v1+yaml", Array("name: tiny".utf8)),
                    ("application/vnd.module.wasm.doc.v1+markdown", Array("# Tiny".utf8)),
                    (tarGzip, try layer(files)),
                ])
            ),
        ]
    }
}

extension Client {
    /// Pushes an image with all its blobs.
    func push(
        _ image: FilterSketch, to repository: String, tag: String, _ headers: [String: String] = [:]
    ) async throws {
        for (descriptor, bytes) in image.blobs {
            let reply = try await send(
                "POST", "/v2/\(repository)/blobs/uploads/?digest=\(descriptor.digest)", headers, body: bytes)
            try #require(reply.status == 201, "\(reply.text)")
        }
        let reply = try await send(
            "PUT", "/v2/\(repository)/manifests/\(tag)",
            headers.merging(["Content-Type": image.document.mediaType.rawValue]) { $1 },
            body: image.document.bytes)
        try #require(reply.status == 201, "\(reply.text)")
    }

    /// Asks for what the hub may still have to read, as often as it says to ask again.
    func get(_ path: String, _ headers: [String: String] = [:]) async throws -> Reply {
        let deadline = ContinuousClock.now + .seconds(120)
        while true {
            let reply = try await send("GET", path, headers)
            // A page says so in words.
            let isReading =
                reply["Content-Type"]?.hasPrefix("text/html") == true
                && reply.text.contains("the hub is still reading it")
            guard reply.status == 503 || isReading, ContinuousClock.now < deadline else { return reply }
        }
    }

    /// What the hub knows of an image.
    func facts(_ image: String, _ headers: [String: String] = [:]) async throws -> Facts {
        let reply = try await get("/api/v1/facts/\(image)", headers)
        try #require(reply.status == 200, "\(reply.text)")
        return try JSONDecoder().decode(Facts.self, from: Data(reply.body))
    }
}

/// What others rely on in the answer of `/api/v1/facts`.
struct Facts: Decodable {
    struct Module: Decodable {
        let digest: String
        let size: Int
        let path: String?
    }
    struct Document: Decodable {
        struct Metadata: Decodable {
            let name: String?
            let description: String?
            let licence: String?
            let language: String?
            let rootIDs: [String]
        }
        struct Described: Decodable {
            struct Function: Decodable { let name: String }
            struct Memory: Decodable { let initial: Int }
            struct Ability: Decodable { let capability: String }
            let abiVersions: [String]
            let imports: [Function]
            let callbacks: [Function]
            let otherExports: [Function]
            let capabilities: [Ability]
            let memory: [Memory]
            let producers: [String]
        }
        struct Image: Decodable {
            let variant: String
            let digest: String
        }
        struct Text: Decodable {
            let text: String
            let isCut: Bool
        }
        struct Host: Decodable {
            struct Note: Decodable {
                let severity: String
                let rule: String
                let message: String
            }
            let host: String
            let from: String
            let to: String
            let isTaken: Bool
            let findings: [Note]
            let isCut: Bool
        }
        struct Setting: Decodable {
            let name: String
            let defaultValue: String?
        }
        let metadata: Metadata?
        let module: Described?
        let image: Image?
        let index: String?
        let configuration: [Setting]?
        let configSchema: Text?
        let readme: Text?
        let licence: Text?
        let hosts: [Host]?
    }

    let digest: String
    let kind: String
    let module: Module?
    let reason: String?
    let repository: String
    let facts: Document
}
