// SPDX-License-Identifier: Apache-2.0

import Archive
import FilterImage
package import OCI
package import OCILayout

/// An image as a host's fetcher meets it.
package struct ImageFacts: Sendable {
    package var document: ManifestDocument
    /// The paths in the last layer, if that is a tar that could be read; nil if nobody looked.
    package var lastLayerFiles: [String]?
    /// Bytes of the module, if known.
    package var moduleSize: Int64?

    package init(_ document: ManifestDocument, lastLayerFiles: [String]? = nil, moduleSize: Int64? = nil) {
        self.document = document
        self.lastLayerFiles = lastLayerFiles
        self.moduleSize = moduleSize
    }

    /// Looks into a stored image's last layer, where the fetchers look.
    /// - Throws: `StoreError` if the layer is missing or damaged, `ArchiveError` if it is no archive.
    package init(_ document: ManifestDocument, in store: ImageStore) throws {
        self.init(document)
        guard case .manifest(let manifest) = document.content else { return }
        // What is raw in an artifact is as large as it says.
        moduleSize = manifest.layers.first { $0.mediaType == .wasmeContent }?.size
        guard let last = manifest.layers.last,
            [.imageLayerTarGzip, .dockerLayerTarGzip].contains(last.mediaType)
        else { return }
        var files: [(path: String, size: Int64)] = []
        let bytes = MemorySource(try store.read(last, limit: Self.maximumLayer))
        try TarReader().read(bytes, name: "layer \(last.digest)") { path, size in
            files.append((path, size))
            return nil
        }
        lastLayerFiles = files.map(\.path)
        moduleSize = files.first { Self.isModule($0.path) }?.size
    }

    /// Most bytes of a compressed layer that are looked at.
    private static let maximumLayer = 512 << 20

    /// The file in a tar layer that is the module (solo-io/wasm, spec-compat.md "Specification").
    static let moduleFile = "plugin.wasm"

    /// Whether a path is the module's: its last component counts, in whatever folder.
    static func isModule(_ path: String) -> Bool {
        path.split(separator: "/").last.map(String.init) == moduleFile
    }
}
