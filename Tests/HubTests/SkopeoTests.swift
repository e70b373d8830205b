// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCI
import SystemPackage
import TestSupport
import Testing

/// Debian's skopeo, a client nobody of us wrote.
@Suite struct SkopeoTests {
    @Test(.requires(.skopeo))
    func `skopeo pushes, lists, pulls and mounts`() async throws {
        let scratch = try ScratchDirectory("hub")
        let layout = scratch.path.appending("layout")
        let image = try Self.writeLayout(layout)
        try await withHub { hub in
            let registry = "docker://127.0.0.1:\(hub.client.port)"
            func skopeo(_ arguments: String...) async throws -> String {
                let result = try await run(try #require(Tool.skopeo.path), arguments)
                #expect(result.status == 0, "\(result.stderr)")
                return result.stdout
            }
            for name in ["x/y:v1", "x/y:v2", "x/z:v1"] {
                _ = try await skopeo(
                    "copy", "--dest-tls-verify=false", "oci:\(layout):v1", "\(registry)/\(name)")
            }
            struct Tags: Decodable { let Tags: [String] }
            let tags = try await skopeo("list-tags", "--tls-verify=false", "\(registry)/x/y")
            #expect(try JSONDecoder().decode(Tags.self, from: Data(tags.utf8)).Tags == ["v1", "v2"])
            let back = scratch.path.appending("back")
            _ = try await skopeo("copy", "--src-tls-verify=false", "\(registry)/x/y:v2", "oci:\(back):v1")
            let index = try JSONDecoder().decode(
                Index.self, from: try Data(contentsOf: URL(filePath: back.appending("index.json").string)))
            #expect(index.manifests.map(\.digest) == [image.digest])
            for digest in image.blobs.map(\.digest) + [image.digest] {
                let file = "blobs/sha256/\(digest.hex)"
                let pushed = try Data(contentsOf: URL(filePath: layout.appending(file).string))
                #expect(try Data(contentsOf: URL(filePath: back.appending(file).string)) == pushed)
            }
            _ = try await skopeo("delete", "--tls-verify=false", "\(registry)/x/z:v1")
            #expect(try await hub.client.send("GET", "/v2/x/z/manifests/v1").status == 404)
        }
    }

    /// Writes an image layout as the specification describes it (image-spec 1.1, image-layout.md).
    static func writeLayout(_ path: FilePath) throws -> ManifestDocument {
        let blobs = path.appending("blobs/sha256")
        try FileManager.default.createDirectory(atPath: blobs.string, withIntermediateDirectories: true)
        func put(_ bytes: [UInt8], _ type: MediaType) throws -> Descriptor {
            let descriptor = Descriptor(of: bytes, mediaType: type)
            try Data(bytes).write(to: URL(filePath: blobs.appending(descriptor.digest.hex).string))
            return descriptor
        }
        let zeros = String(repeating: "0", count: 64)
        let config = try put(
            Array(
                #"{"architecture":"wasm","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:\#(zeros)"]}}"#
                    .utf8), .imageConfig)
        // Begins as gzip does, or skopeo would compress it; a copy moves bytes and looks no further.
        let layer = try put([0x1F, 0x8B, 0x08] + sampleBytes(300_000), .imageLayerTarGzip)
        let document = try ManifestDocument(Manifest(config: config, layers: [layer]))
        var descriptor = try put(document.bytes, .imageManifest)
        descriptor.annotations = ["org.opencontainers.image.ref.name": "v1"]
        try Data(try canonicalJSON(Index(manifests: [descriptor])))
            .write(to: URL(filePath: path.appending("index.json").string))
        try Data(#"{"imageLayoutVersion":"1.0.0"}"#.utf8)
            .write(to: URL(filePath: path.appending("oci-layout").string))
        return document
    }
}
