// SPDX-License-Identifier: Apache-2.0

import OCI
import OCILayout

/// Stores an image of one layer.
func put(
    _ text: String, as names: [String], into store: ImageStore, subject: Descriptor? = nil,
    annotations: [String: String]? = nil
) async throws -> ManifestDocument {
    try await store.ingest { ingest in
        let config = try ingest.add(Array("{}".utf8), mediaType: .emptyJSON)
        let layer = try ingest.add(Array(text.utf8), mediaType: .imageLayerTarGzip)
        let document = try ManifestDocument(
            Manifest(config: config, layers: [layer], subject: subject, annotations: annotations))
        try ingest.commit(document, as: try names.map { try Reference($0) })
        return document
    }
}
