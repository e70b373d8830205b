// SPDX-License-Identifier: Apache-2.0

import Archive
import Files
import Foundation
import ImageTransfer
import OCI
import SystemPackage
import TestSupport

/// An OCI image layout to be written to a tar, whole or with something wrong.
struct LayoutSketch {
    var marker: String? = #"{"imageLayoutVersion":"1.0.0"}"#
    var index: String?
    var files: [(path: String, bytes: [UInt8])] = []
    let image: ManifestDocument
    let layer: [UInt8]

    /// One image with one layer.
    init(name: String = "v1", layer: [UInt8] = Array("layer".utf8)) throws {
        self.layer = layer
        let config = Array("{}".utf8)
        image = try ManifestDocument(
            Manifest(
                config: Descriptor(of: config, mediaType: .imageConfig),
                layers: [Descriptor(of: layer, mediaType: .imageLayerTarGzip)]))
        for bytes in [config, layer, image.bytes] { add(bytes) }
        index = try Self.index([(image, name)])
    }

    static func path(_ digest: Digest) -> String { "blobs/\(digest.algorithm.rawValue)/\(digest.hex)" }

    static func index(_ images: [(ManifestDocument, String)]) throws -> String {
        let entries = images.map { document, name in
            var entry = document.descriptor
            entry.annotations = ["org.opencontainers.image.ref.name": name]
            return entry
        }
        return String(decoding: try canonicalJSON(Index(manifests: entries)), as: UTF8.self)
    }

    mutating func add(_ bytes: [UInt8]) { files.append((Self.path(Digest(of: bytes)), bytes)) }

    /// Puts other bytes in the place of a blob.
    mutating func replace(_ digest: Digest, _ bytes: [UInt8]?) {
        files.removeAll { $0.path == Self.path(digest) }
        if let bytes { files.append((Self.path(digest), bytes)) }
    }

    func write(to file: FilePath) throws {
        let sink = MemorySink(limit: .max)
        let tar = try TarWriter(sink)
        if let marker { try tar.add("oci-layout", Array(marker.utf8)) }
        if let index { try tar.add("index.json", Array(index.utf8)) }
        for file in files { try tar.add(file.path, file.bytes) }
        try tar.close()
        try Files.replace(file, with: sink.bytes)
    }
}
