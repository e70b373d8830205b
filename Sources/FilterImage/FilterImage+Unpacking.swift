// SPDX-License-Identifier: Apache-2.0

import Archive
private import Foundation
package import OCI

extension FilterImage {
    /// How much of an image is unpacked.
    package struct Bounds: Sendable {
        /// Most bytes of the module, and of a layer as it is stored: what istio-agent takes
        /// (ISTIO_WASM_MAX_BINARY_SIZE_BYTES).
        package var file = 256 << 20
        /// Most bytes of a document, larger ones are left out: it is a page to read, or a picture.
        package var document = 4 << 20
        /// Most bytes that all archives of the image unpack to; nil for as much in each as `TarReader` reads.
        package var unpacked: Int64?

        package init() {}
    }

    /// A filter, and how it lay in its image.
    package struct Unpacked: Sendable {
        package let content: FilterContent
        /// The paths in the last layer that is an archive.
        package let lastLayerFiles: [String]?
        /// Why a host's fetcher cannot unpack that layer, though it was unpacked here.
        package let layerProblem: String?
    }

    /// Takes a filter out of an image of any layout: compat, Docker, the original wasme's and the CNCF's artifacts, those
    /// of kwctl, spin and wasm-to-oci, Higress' with its documents as layers.
    /// - Parameters:
    ///   - document: the image's manifest.
    ///   - blobs: where its blobs are.
    /// - Returns: the module and what came with it.
    /// - Throws: `FilterImageError` if the image holds no module; what `blobs` throws.
    package static func unpack(
        _ document: ManifestDocument, from blobs: some BlobAccess
    ) async throws -> FilterContent {
        try await unpack(document, from: blobs, within: Bounds()).content
    }

    /// Takes a filter out of an image of any layout, and no more than some bytes.
    package static func unpack(
        _ document: ManifestDocument, from blobs: some BlobAccess, within bounds: Bounds
    ) async throws -> Unpacked {
        guard case .manifest(let manifest) = document.content else {
            throw FilterImageError(
                .notAFilter, "image \(document.digest) is an index of several images, not a filter",
                hint: "name one of its images by digest")
        }
        var found = Found(bounds: bounds, left: bounds.unpacked)
        for layer in manifest.layers {
            do {
                try await take(layer, from: blobs, into: &found)
            } catch let error where error is ArchiveError || error is ByteStreamError {
                throw FilterImageError(
                    .damaged, "cannot unpack layer \(layer.digest) of image \(document.digest)", cause: error)
            }
        }
        guard let module = found[moduleFile] else {
            throw noModule(document, manifest, found)
        }
        if found[runtimeFile] == nil, manifest.config.mediaType == .wasmeConfig {
            found[runtimeFile] = try await blobs.read(manifest.config, limit: bounds.document)
        }
        let annotations = manifest.annotations ?? [:]
        var content = FilterContent(
            module: module, runtime: try runtime(found[runtimeFile], annotations: annotations, of: document),
            metadata: FilterMetadata(annotations: annotations), configSchema: found[schemaFile],
            readme: found[readmeFile], licence: found[licenceFile], icon: found.icon,
            annotations: annotations.filter { isCarried($0.key) })
        for name in otherDocuments { content.otherDocuments[name] = found[name] }
        return Unpacked(
            content: content, lastLayerFiles: found.lastLayerFiles, layerProblem: found.layerProblem)
    }

    /// What was found in the layers so far, by file name; a later layer hides an earlier one, as in a file system.
    private struct Found {
        let bounds: Bounds
        /// Bytes that may still be unpacked.
        var left: Int64?
        private var files: [String: [UInt8]] = [:]
        var lastLayerFiles: [String]?
        var layerProblem: String?
        /// A file that would be the module, were it a file.
        var link: String?

        init(bounds: Bounds, left: Int64?) {
            self.bounds = bounds
            self.left = left
        }

        subscript(name: String) -> [UInt8]? {
            get { files[name] }
            set { files[name] = newValue }
        }

        var icon: FilterIcon? {
            FilterIcon.Kind.allCases.lazy.compactMap { kind in
                files["icon.\(kind)"].map { FilterIcon(kind: kind, carried: $0) }
            }.first
        }
    }

    /// Documents that are carried along: Higress' and Built On Envoy's.
    private static let otherDocuments = ["spec.yaml", "README_ZH.md", "README_EN.md", "manifest.yaml"]

    private static let files: Set<String> = Set(
        [moduleFile, runtimeFile, readmeFile, licenceFile, schemaFile] + otherDocuments
            + FilterIcon.Kind.allCases.map { "icon.\($0)" })

    /// The documents that Higress has as layers of their own, before the module's.
    private static let documentLayers: [String: String] = [
        "application/vnd.module.wasm.spec.v1+yaml": "spec.yaml",
        "application/vnd.module.wasm.doc.v1+markdown": readmeFile,
        "application/vnd.module.wasm.doc.v1.zh+markdown": "README_ZH.md",
        "application/vnd.module.wasm.doc.v1.en+markdown": "README_EN.md",
        "application/vnd.module.wasm.icon.v1+png": "icon.png",
        "application/vnd.module.wasm.icon.v1+svg": "icon.svg",
    ]

    private static func take(
        _ layer: Descriptor, from blobs: some BlobAccess, into found: inout Found
    ) async throws {
        let type = layer.mediaType
        if type.isTar {
            // Whole and held against its digest first: a damaged file must not be explained as a damaged archive.
            let bytes = try await blobs.read(layer, limit: found.bounds.file)
            found.layerProblem =
                type.isGzip && !bytes.starts(with: [0x1f, 0x8b])
                ? "layer \(layer.digest) is called \"\(type)\" and is not compressed with gzip" : nil
            try unpack(MemorySource(bytes), into: &found)
        } else if type.isRawModule {
            found[moduleFile] = try await blobs.read(layer, limit: found.bounds.file)
        } else if type == .wasmeConfig {
            found[runtimeFile] = try await blobs.read(layer, limit: found.bounds.document)
        } else if let name = documentLayers[type.rawValue] {
            found[name] = try await blobs.read(layer, limit: found.bounds.document)
        }
    }

    private static func unpack(_ archive: MemorySource, into found: inout Found) throws {
        // One sink for each name: a file that is there a thousand times is kept once.
        var sinks: [String: MemorySink] = [:]
        var link = found.link
        var paths: [String] = []
        let bounds = found.bounds
        var reader = TarReader()
        if let left = found.left { reader.maximumBytes = left }
        let unpacked = try reader.read(archive, name: "it") { path, size in
            // No file system has longer ones.
            if path.utf8.count <= 4096 { paths.append(path) }
            // As the hosts do, a file counts by its last component.
            guard let base = path.split(separator: "/").last.map(String.init), files.contains(base),
                base == moduleFile || size <= bounds.document
            else { return nil }
            let sink = MemorySink(limit: base == moduleFile ? bounds.file : bounds.document)
            sinks[base] = sink
            return sink
        } other: { path, kind in
            if path.split(separator: "/").last.map(String.init) == moduleFile { link = "\(path) is \(kind)" }
        }
        for (name, sink) in sinks { found[name] = sink.bytes }
        found.link = link
        found.lastLayerFiles = paths
        found.left = found.left.map { max(0, $0 - unpacked) }
    }

    private static func noModule(
        _ document: ManifestDocument, _ manifest: Manifest, _ found: Found
    ) -> FilterImageError {
        let types = manifest.layers.map { "\"\($0.mediaType)\"" }.joined(separator: ", ")
        let why = found.link.map { "\($0), and hosts read files only" } ?? "its layers are \(types)"
        return FilterImageError(
            .notAFilter, "image \(document.digest) holds no WebAssembly module; \(why)",
            hint: "a filter image has \(moduleFile) in its last layer; see 'wasme build --help'")
    }

    /// Whether an annotation goes into every other layout of the image too: not what says which layout this is, nor what
    /// `FilterContent` has a field for.
    private static func isCarried(_ key: String) -> Bool {
        !key.hasPrefix("module.wasm.") && key != rootIDsKey
            && !FilterMetadata.keys.contains { $0.name == key }
    }

    private static func runtime(
        _ bytes: [UInt8]?, annotations: [String: String], of document: ManifestDocument
    ) throws -> RuntimeConfig {
        guard let bytes else {
            let versions = annotations["module.wasm.runtime/abi_version"]?.split(separator: ",").map(
                String.init)
            let rootIDs = annotations[rootIDsKey].flatMap {
                try? JSONDecoder().decode([String].self, from: Data($0.utf8))
            }
            return RuntimeConfig(
                type: annotations["module.wasm.runtime/type"] ?? RuntimeConfig.envoyProxy,
                abiVersions: versions ?? [], rootIDs: rootIDs ?? [])
        }
        do {
            return try JSONDecoder().decode(RuntimeConfig.self, from: Data(bytes))
        } catch {
            throw FilterImageError(
                .damaged, "\(runtimeFile) of image \(document.digest) is broken: \(decodingFailure(error))")
        }
    }
}
