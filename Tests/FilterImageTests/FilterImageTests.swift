// SPDX-License-Identifier: Apache-2.0

import Archive
import FilterImage
import Foundation
import OCI
import OCILayout
import SystemPackage
import TestSupport
import Testing

@Suite struct FilterImageTests {
    let scratch: ScratchDirectory
    let store: ImageStore
    let content = FilterContent(
        module: [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
        runtime: RuntimeConfig(abiVersions: ["v0.2.1"], rootIDs: ["add_header"]),
        metadata: FilterMetadata(
            name: "add-header", version: "0.1.0", description: "d", language: "swift", type: "http"),
        configSchema: Array(#"{"type":"object"}"#.utf8), readme: Array("# hi".utf8))

    init() throws {
        scratch = try ScratchDirectory("image")
        store = try ImageStore(scratch.appending("store"))
    }

    @Test func `the same filter gives the same digest in another store`() async throws {
        let other = try ImageStore(scratch.appending("other"))
        let first = try await FilterImage.pack(content, as: [try Reference("x:1")], into: store)
        let second = try await FilterImage.pack(content, as: [try Reference("y:2")], into: other)
        #expect(first == second)
    }

    @Test func `an image is what istio-agent and Envoy Gateway take`() async throws {
        let document = try await FilterImage.pack(content, as: [try Reference("x:1")], into: store)
        guard case .manifest(let manifest) = document.content else { throw Unexpected() }
        #expect(document.mediaType == .imageManifest)
        #expect(manifest.config.mediaType == .imageConfig)
        #expect(manifest.annotations?["module.wasm.image/variant"] == "compat")
        let last = try #require(manifest.layers.last)
        #expect(last.mediaType == .imageLayerTarGzip)
        var names: [String] = []
        try TarReader().read(MemorySource(store.read(last)), name: "layer") { path, _ in
            names.append(path)
            return nil
        }
        #expect(names == ["plugin.wasm", "runtime-config.json"])
        // Each diff_id is the digest of the uncompressed layer.
        let config =
            try JSONSerialization.jsonObject(with: Data(store.read(manifest.config))) as? [String: Any]
        let rootfs = try #require(config?["rootfs"] as? [String: Any])
        #expect((rootfs["diff_ids"] as? [String])?.count == manifest.layers.count)
    }

    @Test func `what was packed is unpacked`() async throws {
        let document = try await FilterImage.pack(content, as: [try Reference("x:1")], into: store)
        let back = try await FilterImage.unpack(document, from: store)
        #expect(back.module == content.module)
        #expect(back.runtime == content.runtime)
        #expect(back.metadata == content.metadata)
        #expect(back.configSchema == content.configSchema)
        #expect(back.readme == content.readme)
        #expect(back.licence == nil)
    }

    @Test func `an image of the original wasme is read`() async throws {
        let runtime = Array(
            #"{"type":"envoy_proxy","abi_versions":["v0.2.1"],"config":{"root_ids":["r"]}}"#.utf8)
        let document = try await store.ingest { ingest in
            let config = try ingest.add(runtime, mediaType: .wasmeConfig)
            let module = try ingest.add(content.module, mediaType: .wasmeContent)
            let document = try ManifestDocument(
                Manifest(mediaType: nil, config: config, layers: [config, module]))
            try ingest.commit(document, as: [try Reference("old:1")])
            return document
        }
        let back = try await FilterImage.unpack(document, from: store)
        #expect(back.module == content.module)
        #expect(back.runtime == RuntimeConfig(abiVersions: ["v0.2.1"], rootIDs: ["r"]))
    }

    @Test func `an image without a module is told as such`() async throws {
        let document = try await store.ingest { ingest in
            let config = try ingest.add(Array("{}".utf8), mediaType: .imageConfig)
            let layer = try ingest.add(Array("x".utf8), mediaType: .octetStream)
            let document = try ManifestDocument(Manifest(config: config, layers: [layer]))
            try ingest.commit(document, as: [try Reference("other:1")])
            return document
        }
        let error = await #expect(throws: FilterImageError.self) {
            try await FilterImage.unpack(document, from: store)
        }
        #expect(error?.message.contains("application/octet-stream") == true)
    }

    @Test(.requires(.umoci)) func `a container tool unpacks the image`() async throws {
        let document = try await FilterImage.pack(content, as: [try Reference("x:1")], into: store)
        let bundle = scratch.appending("bundle")
        // umoci takes tags without a colon only, so it gets a layout of its own.
        let layout = try ImageStore(scratch.appending("layout"))
        _ = try await FilterImage.pack(content, as: [try Reference("x:1")], into: layout)
        let index = scratch.appending("layout").appending("index.json")
        let renamed = try String(contentsOfFile: index.string, encoding: .utf8)
            .replacingOccurrences(of: "\"x:1\"", with: "\"v1\"")
        try renamed.write(toFile: index.string, atomically: true, encoding: .utf8)
        let outcome = try await run(
            try #require(Tool.umoci.path),
            ["unpack", "--rootless", "--image", "\(layout.root):v1", bundle.string])
        #expect(outcome.status == 0, "\(outcome.stderr)")
        let module = try Data(
            contentsOf: URL(filePath: bundle.appending("rootfs").appending("plugin.wasm").string))
        #expect(Array(module) == content.module)
        #expect(store.contains(document.descriptor))
    }

    struct Unexpected: Error {}
}
