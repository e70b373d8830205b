// SPDX-License-Identifier: Apache-2.0

package import OCI
package import OCILayout

/// Puts filters into images, and takes them out of every layout of image there is.
package enum FilterImage {
    static let moduleFile = "plugin.wasm"
    static let runtimeFile = "runtime-config.json"
    static let readmeFile = "README.md"
    static let licenceFile = "LICENSE"
    static let schemaFile = "config.schema.json"

    /// Packs a filter, stores it and gives it its names; the same content gives the same digest.
    /// - Parameters:
    ///   - content: the filter.
    ///   - references: the image's names.
    ///   - store: where it goes, all or nothing.
    /// - Returns: the manifest as it was stored.
    /// - Throws: `ArchiveError`, `StoreError` or `SystemError`.
    package static func pack(
        _ content: FilterContent, as references: [Reference], into store: ImageStore
    ) async throws -> ManifestDocument {
        let image = try compose(content)
        return try await store.ingest { ingest in
            for blob in image.blobs {
                _ = try ingest.add(
                    blob.bytes, mediaType: blob.descriptor.mediaType, annotations: blob.descriptor.annotations
                )
            }
            try ingest.commit(image.document, as: references)
            return image.document
        }
    }
}
