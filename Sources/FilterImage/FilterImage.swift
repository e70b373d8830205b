// SPDX-License-Identifier: Apache-2.0

import Archive
private import Foundation
package import OCI
package import OCILayout

/// Puts filters into images of the *compat* variant, and takes them out of every variant there is.
package enum FilterImage {
    static let moduleFile = "plugin.wasm"
    static let runtimeFile = "runtime-config.json"
    static let readmeFile = "README.md"
    static let licenceFile = "LICENSE"
    static let schemaFile = "config.schema.json"

    /// Packs a filter, stores it and gives it its names; the same content gives the same digest.
    ///
    /// The compat variant is what Istio, Envoy Gateway and Higress all load: an OCI manifest, never an index, whose last
    /// layer is a gzip-compressed tar with `plugin.wasm`. What else belongs to the filter is a layer before it.
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

    /// An image that lies in no store yet.
    package struct Composed: Sendable {
        package let document: ManifestDocument
        /// The layers, then the configuration.
        package let blobs: [(descriptor: Descriptor, bytes: [UInt8])]
    }

    /// Makes the image that `pack` stores.
    package static func compose(_ content: FilterContent) throws -> Composed {
        let extras = [
            (readmeFile, content.readme), (licenceFile, content.licence), (schemaFile, content.configSchema),
        ]
        .compactMap { name, bytes in bytes.map { ArchiveFile(path: name, bytes: $0) } }
        let module = [
            ArchiveFile(path: moduleFile, bytes: content.module),
            ArchiveFile(path: runtimeFile, bytes: try canonicalJSON(content.runtime)),
        ]
        var blobs: [(descriptor: Descriptor, bytes: [UInt8])] = []
        var diffIDs: [Digest] = []
        for (files, what) in [(extras, "documents"), (module, "module")] where !files.isEmpty {
            let sink = MemorySink(limit: .max)
            diffIDs.append(try TarGzipWriter.write(files, to: sink).diffID)
            let layer = Descriptor(
                of: sink.bytes, mediaType: .imageLayerTarGzip, annotations: ["dev.wasme.layer": what])
            blobs.append((layer, sink.bytes))
        }
        let layers = blobs.map(\.descriptor)
        let configBytes = try canonicalJSON(ImageConfig(diffIDs: diffIDs))
        let config = Descriptor(of: configBytes, mediaType: .imageConfig)
        blobs.append((config, configBytes))
        var annotations = content.metadata.annotations
        annotations["module.wasm.image/variant"] = "compat"
        annotations["module.wasm.runtime/type"] = content.runtime.type
        annotations["module.wasm.runtime/abi_version"] = content.runtime.abiVersions.joined(separator: ",")
        let document = try ManifestDocument(
            Manifest(config: config, layers: layers, annotations: annotations))
        return Composed(document: document, blobs: blobs)
    }

    /// Takes a filter out of a stored image.
    /// - Parameters:
    ///   - document: the image's manifest.
    ///   - store: where its blobs are.
    /// - Returns: the module and what came with it.
    /// - Throws: `FilterImageError` if the image holds no module; `StoreError` if a blob is missing or damaged.
    package static func unpack(_ document: ManifestDocument, from store: ImageStore) throws -> FilterContent {
        guard case .manifest(let manifest) = document.content else {
            throw FilterImageError(
                .notAFilter, "image \(document.digest) is an index of several images, not a filter",
                hint: "name one of its images by digest")
        }
        var found = Found()
        for layer in manifest.layers { try take(layer, from: store, into: &found) }
        guard let module = found.module else {
            let types = manifest.layers.map { "\"\($0.mediaType)\"" }.joined(separator: ", ")
            throw FilterImageError(
                .notAFilter, "image \(document.digest) holds no WebAssembly module; its layers are \(types)",
                hint: "a filter image has \(moduleFile) in its last layer; see 'wasme build --help'")
        }
        if found.runtime == nil, manifest.config.mediaType == .wasmeConfig {
            found.runtime = try store.read(manifest.config)
        }
        let annotations = manifest.annotations ?? [:]
        return FilterContent(
            module: module, runtime: try runtime(found.runtime, annotations: annotations, of: document),
            metadata: FilterMetadata(annotations: annotations), configSchema: found.schema,
            readme: found.readme,
            licence: found.licence)
    }

    /// What was found in the layers so far; a later layer hides an earlier one, as in a file system.
    private struct Found {
        var module: [UInt8]?
        var runtime: [UInt8]?
        var schema: [UInt8]?
        var readme: [UInt8]?
        var licence: [UInt8]?
    }

    private static let fields: [(file: String, field: any WritableKeyPath<Found, [UInt8]?> & Sendable)] = [
        (moduleFile, \.module), (runtimeFile, \.runtime), (schemaFile, \.schema), (readmeFile, \.readme),
        (licenceFile, \.licence),
    ]

    private static func take(_ layer: Descriptor, from store: ImageStore, into found: inout Found) throws {
        switch layer.mediaType {
        case .imageLayerTarGzip, .dockerLayerTarGzip:
            var sinks: [(field: WritableKeyPath<Found, [UInt8]?>, sink: MemorySink)] = []
            try TarReader().read(try verified(layer, in: store), name: "layer \(layer.digest)") { path, _ in
                // As the hosts do, a file counts by its last component.
                let base = path.split(separator: "/").last.map(String.init) ?? path
                guard let field = fields.first(where: { $0.file == base })?.field else { return nil }
                let sink = MemorySink(limit: maximumFile)
                sinks.append((field, sink))
                return sink
            }
            for (field, sink) in sinks { found[keyPath: field] = sink.bytes }
        case .wasmeContent, .wasm, .kubewardenContent:
            found.module = try store.read(layer, limit: maximumFile)
        case .wasmeConfig:
            found.runtime = try store.read(layer)
        default:
            break
        }
    }

    /// Most bytes of one file of an image: what istio-agent takes (ISTIO_WASM_MAX_BINARY_SIZE_BYTES).
    private static let maximumFile = 256 << 20

    /// The blob, after its digest was checked: a damaged file must not be explained as a damaged archive.
    private static func verified(_ layer: Descriptor, in store: ImageStore) throws -> MemorySource {
        MemorySource(try store.read(layer, limit: maximumFile))
    }

    private static func runtime(
        _ bytes: [UInt8]?, annotations: [String: String], of document: ManifestDocument
    ) throws -> RuntimeConfig {
        guard let bytes else {
            let versions = annotations["module.wasm.runtime/abi_version"]?.split(separator: ",").map(
                String.init)
            return RuntimeConfig(abiVersions: versions ?? [], rootIDs: [])
        }
        do {
            return try JSONDecoder().decode(RuntimeConfig.self, from: Data(bytes))
        } catch {
            throw FilterImageError(
                .damaged, "\(runtimeFile) of image \(document.digest) is broken: \(decodingFailure(error))")
        }
    }
}

/// The configuration of a compat image (image-spec 1.1, config.md): what registries and container tools expect.
private struct ImageConfig: Encodable {
    struct RootFS: Encodable {
        let type = "layers"
        let diff_ids: [Digest]
    }
    struct Empty: Encodable {}

    let architecture = "wasm"
    let os = "linux"
    let config = Empty()
    let rootfs: RootFS

    init(diffIDs: [Digest]) { rootfs = RootFS(diff_ids: diffIDs) }
}

extension MediaType {
    /// A raw module, as the CNCF's artifact format has it.
    package static let wasm = MediaType(rawValue: "application/wasm")
    /// A raw module, as kwctl, spin and wasm-to-oci write it.
    package static let kubewardenContent = MediaType(rawValue: "application/vnd.wasm.content.layer.v1+wasm")
}
