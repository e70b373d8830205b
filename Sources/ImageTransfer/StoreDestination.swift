// SPDX-License-Identifier: Apache-2.0

import Files
package import OCI
package import OCILayout
import OCIRegistry

/// A store or a layout of somebody else's, as the place that an image is brought to.
package struct StoreDestination: ImageDestination {
    private let ingest: ImageIngest

    /// - Parameter ingest: what the blobs are taken into, until all are there.
    package init(_ ingest: ImageIngest) { self.ingest = ingest }

    package func take(
        _ blob: Descriptor, from source: any BlobAccess, _ report: @escaping @Sendable (TransferEvent) -> Void
    ) async throws {
        if ingest.contains(blob) { return report(.present(blob)) }
        try await ingest.receive(blob, from: source, report)
        report(.finished(blob))
    }

    package var identity: String { "store \(ingest.name)" }

    package func commit(_ images: [NamedImage]) async throws {
        var manifests: [(manifest: ManifestDocument, names: [String])] = []
        for (tree, names) in images {
            for manifest in tree.children + tree.referrers {
                _ = try ingest.add(manifest.bytes, mediaType: manifest.mediaType)
            }
            // Artifacts have no names of their own: they are found by their subjects.
            manifests += [(tree.root, names)] + tree.referrers.map { ($0, []) }
        }
        try ingest.commit(manifests)
    }
}

extension ImageIngest {
    /// Takes in a blob from wherever it is.
    func receive(
        _ blob: Descriptor, from source: any BlobAccess, _ report: @escaping @Sendable (TransferEvent) -> Void
    ) async throws {
        try await receive(blob) { (file: FileSink, beginning: FileSource?) in
            if let beginning { report(.resumed(blob, at: beginning.length)) }
            let sink = ObservedSink(file, from: beginning?.length ?? 0) { report(.moved(blob, $0)) }
            try await source.stream(blob, into: sink, after: beginning)
        }
    }
}
