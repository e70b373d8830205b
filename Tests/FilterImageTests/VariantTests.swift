// SPDX-License-Identifier: Apache-2.0

import Archive
import FilterImage
import Foundation
import OCI
import TestSupport
import Testing

/// Filters as images of every layout, and back.
@Suite struct VariantTests {
    static let content: FilterContent = {
        var content = FilterContent(
            module: TinyFilter().bytes,
            runtime: RuntimeConfig(abiVersions: ["v0.2.1"], rootIDs: ["add_header", "other, one"]),
            metadata: FilterMetadata(
                name: "add-header", version: "0.1.0", description: "d <&> \"é\"", language: "swift",
                type: "http"),
            configSchema: Array(#"{"type":"object"}"#.utf8), readme: Array("# hi".utf8),
            licence: Array("free".utf8), icon: try? FilterIcon(Array("<svg/>".utf8), named: "icon.svg"),
            annotations: [
                "org.opencontainers.image.revision": "abc",
                "org.opencontainers.image.created": "2026-01-02T03:04:05Z",
            ])
        content.otherDocuments["spec.yaml"] = Array("apiVersion: 1.0.0".utf8)
        return content
    }()

    private func unpacked(_ image: FilterImage.Composed) async throws -> FilterContent {
        try await FilterImage.unpack(image.document, from: image.access)
    }

    @Test func `compat carries all there is`() async throws {
        let back = try await unpacked(FilterImage.compose(Self.content))
        #expect(back.icon == Self.content.icon)
        #expect(back.otherDocuments == Self.content.otherDocuments)
        #expect(back.annotations == Self.content.annotations)
        #expect(try FilterImage.compose(back).document == FilterImage.compose(Self.content).document)
    }

    @Test(arguments: [ImageVariant.artifact, .cncf])
    func `another layout and back is the same filter`(_ variant: ImageVariant) async throws {
        let there = try FilterImage.compose(Self.content, as: variant)
        #expect(there.document == (try FilterImage.compose(Self.content, as: variant)).document)
        let back = try await unpacked(there)
        #expect(back.module == Self.content.module)
        #expect(back.runtime == Self.content.runtime)
        #expect(back.metadata == Self.content.metadata)
        #expect(back.annotations == Self.content.annotations)
        #expect(try FilterImage.compose(back, as: variant).document == there.document)
        // What it has no place for, and only that, is told.
        #expect(
            FilterImage.leftOut(Self.content, in: variant)
                == ["LICENSE", "README.md", "config.schema.json", "icon.svg", "spec.yaml"])
        #expect(FilterImage.leftOut(Self.content, in: .compat).isEmpty)
        var plain = Self.content
        (plain.readme, plain.licence, plain.configSchema, plain.icon, plain.otherDocuments) = (
            nil, nil, nil, nil, [:]
        )
        #expect(try FilterImage.compose(back).document == FilterImage.compose(plain).document)
    }

    @Test func `an artifact is what the original wasme pushed, to the byte`() throws {
        let content = FilterContent(
            module: [1, 2, 3], runtime: RuntimeConfig(abiVersions: ["v0-a", "v0.2.1"], rootIDs: ["r"]))
        let image = try FilterImage.compose(content, as: .artifact)
        let config = try #require(image.blobs.first?.descriptor)
        let layer = try #require(image.blobs.last?.descriptor)
        let first =
            #"{"mediaType":"application/vnd.module.wasm.config.v1+json","digest":"\#(config.digest)","size":\#(config.size),"annotations":{"org.opencontainers.image.title":"runtime-config.json"}}"#
        let second =
            #"{"mediaType":"application/vnd.module.wasm.content.layer.v1+wasm","digest":"\#(layer.digest)","size":3,"annotations":{"org.opencontainers.image.title":"filter.wasm"}}"#
        let notes =
            #"{"module.wasm.runtime/abi_version":"v0-a,v0.2.1","module.wasm.runtime/type":"envoy_proxy"}"#
        #expect(
            String(decoding: image.document.bytes, as: UTF8.self)
                == #"{"schemaVersion":2,"config":\#(first),"layers":[\#(first),\#(second)],"annotations":\#(notes)}"#
        )
    }

    @Test func `a CNCF artifact's configuration is what wkg wants`() throws {
        let image = try FilterImage.compose(Self.content, as: .cncf)
        guard case .manifest(let manifest) = image.document.content else { throw Unexpected() }
        #expect(manifest.config.mediaType.rawValue == "application/vnd.wasm.config.v0+json")
        #expect(manifest.layers.map(\.mediaType.rawValue) == ["application/wasm"])
        let config = try #require(image.blobs.last?.bytes)
        let value = try #require(try JSONSerialization.jsonObject(with: Data(config)) as? [String: Any])
        #expect(value["architecture"] as? String == "wasm")
        #expect(value["os"] as? String == "wasip1")
        #expect(value["layerDigests"] as? [String] == manifest.layers.map(\.digest.description))
        #expect(value["created"] as? String == "2026-01-02T03:04:05Z")
        // It must be there, also when nothing is known.
        let unknown = try FilterImage.compose(
            FilterContent(module: [1], runtime: RuntimeConfig(abiVersions: [], rootIDs: [])), as: .cncf)
        let text = String(decoding: try #require(unknown.blobs.last?.bytes), as: UTF8.self)
        #expect(text.contains(#""created":"1970-01-01T00:00:00Z""#))
    }

    @Test func `an icon is a picture and nothing else`() throws {
        let png: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13] + Array("IHDR".utf8)
        func side(_ number: UInt8) -> [UInt8] { [0, 0, number, 0] }
        #expect(try FilterIcon(png + side(1) + side(1), named: "i").fileName == "icon.png")
        #expect(
            try FilterIcon(Array("<?xml version=\"1.0\"?><svg/>".utf8), named: "i").fileName == "icon.svg")
        for (bytes, words) in [
            (png + side(9) + side(1), "pixels"), (png, "header"),
            (Array("GIF89a".utf8), "neither PNG nor SVG"),
            (Array("<svg><SCRIPT>x</SCRIPT></svg>".utf8), "<script"),
            (Array("<svg><a xlink:href=\"https://x\"/></svg>".utf8), "href=\"http"),
            (Array("<!DOCTYPE svg><svg/>".utf8), "<!doctype"),
            (Array("<svg>".utf8) + [UInt8](repeating: 32, count: FilterIcon.maximumSize), "more than"),
        ] {
            let error = #expect(throws: FilterImageError.self) { try FilterIcon(bytes, named: "i") }
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        }
    }

    struct Unexpected: Error {}
}
