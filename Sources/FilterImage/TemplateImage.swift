// SPDX-License-Identifier: Apache-2.0

private import Archive
package import OCI
package import OCILayout

/// Puts project templates into registries, and takes them out: an OCI artifact with one archive as its only layer
/// (image-spec 1.1, manifest.md "Guidelines for Artifact Usage").
package enum TemplateImage {
    /// What such an artifact is.
    package static let artifactType = MediaType(rawValue: "application/vnd.wasme.template.v1")
    /// What its layer is.
    package static let layerType = MediaType(rawValue: "application/vnd.wasme.template.content.v1.tar+gzip")

    /// Packs a template, stores it and gives it its names; the same files give the same digest.
    /// - Parameters:
    ///   - content: the files.
    ///   - annotations: what the manifest says of it.
    ///   - references: its names.
    ///   - store: where it goes, all or nothing.
    /// - Returns: the manifest as it was stored.
    /// - Throws: `ArchiveError`, `StoreError` or `SystemError`.
    package static func pack(
        _ content: TemplateContent, annotations: [String: String], as references: [Reference],
        into store: ImageStore
    ) async throws -> ManifestDocument {
        let sink = MemorySink(limit: .max)
        _ = try TarGzipWriter.write(
            content.files.map { ArchiveFile(path: $0.key, bytes: $0.value) }, to: sink)
        let bytes = sink.bytes
        return try await store.ingest { ingest in
            _ = try ingest.add(Array("{}".utf8), mediaType: .emptyJSON)
            let layer = try ingest.add(bytes, mediaType: layerType)
            let document = try ManifestDocument(
                Manifest(
                    artifactType: artifactType, config: .empty, layers: [layer], annotations: annotations))
            try ingest.commit(document, as: references)
            return document
        }
    }

    /// Takes the files out of an artifact.
    /// - Parameters:
    ///   - document: the manifest.
    ///   - blobs: where the layer is.
    ///   - name: what errors call it.
    /// - Returns: the files.
    /// - Throws: `FilterImageError` if this is no template; what `blobs` throws.
    package static func unpack(
        _ document: ManifestDocument, from blobs: any BlobAccess, name: String
    ) async throws -> TemplateContent {
        guard case .manifest(let manifest) = document.content, manifest.artifactType == artifactType,
            let layer = manifest.layers.first, manifest.layers.count == 1, layer.mediaType == layerType
        else {
            var found = "it is an index of several images"
            if case .manifest(let manifest) = document.content {
                found = manifest.artifactType.map { "it is \($0)" } ?? "it is an image"
            }
            throw FilterImageError(
                .unusableTemplate, "\"\(name)\" is no template: \(found)",
                hint: "a template is made by 'wasme init --package DIR -t REF'")
        }
        guard layer.size <= TemplateContent.maximumBytes else {
            throw FilterImageError(
                .unusableTemplate,
                "\"\(name)\" cannot be used as a template: it has more than \(TemplateContent.maximumBytes >> 20) MiB"
            )
        }
        let bytes = try await blobs.read(layer, limit: TemplateContent.maximumBytes)
        return try TemplateContent(tar: MemorySource(bytes), name: name)
    }
}
