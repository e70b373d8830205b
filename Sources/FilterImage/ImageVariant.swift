// SPDX-License-Identifier: Apache-2.0

import Archive
package import OCI

/// The layouts in which a filter can be an image.
package enum ImageVariant: String, Sendable, CaseIterable, Encodable {
    /// An ordinary container image: Istio, Envoy Gateway, Higress and every registry take it.
    case compat
    /// The original wasme's artifact, of exactly two layers: what old wasme, Gloo and Istio take.
    case artifact
    /// The CNCF's artifact format, of one layer: what wkg and wasm runtimes take, and no proxy.
    case cncf
}

extension FilterImage {
    /// An image that lies in no store yet.
    package struct Composed: Sendable {
        package let document: ManifestDocument
        /// The layers, then the configuration; each once.
        package let blobs: [(descriptor: Descriptor, bytes: [UInt8])]

        /// The image's blobs for whoever reads images.
        package var access: ComposedBlobs { ComposedBlobs(blobs) }
    }

    /// Makes an image of a filter; the same content gives the same bytes.
    package static func compose(
        _ content: FilterContent, as variant: ImageVariant = .compat
    ) throws -> Composed {
        switch variant {
        case .compat: try compat(content)
        case .artifact: try artifact(content)
        case .cncf: try cncf(content)
        }
    }

    /// The documents of a filter that an image of a variant has no place for, by their file names.
    package static func leftOut(_ content: FilterContent, in variant: ImageVariant) -> [String] {
        variant == .compat ? [] : documents(content).map(\.path).sorted()
    }

    // MARK: - The three layouts

    /// What Istio, Envoy Gateway and Higress all load.
    ///
    /// It is an OCI manifest, never an index, whose last layer is a gzip-compressed tar with `plugin.wasm`. What else
    /// belongs to the filter is a layer before it.
    private static func compat(_ content: FilterContent) throws -> Composed {
        let module = [
            ArchiveFile(path: moduleFile, bytes: content.module),
            ArchiveFile(path: runtimeFile, bytes: try canonicalJSON(content.runtime)),
        ]
        var blobs: [(descriptor: Descriptor, bytes: [UInt8])] = []
        var diffIDs: [Digest] = []
        for (files, what) in [(documents(content), "documents"), (module, "module")] where !files.isEmpty {
            let sink = MemorySink(limit: .max)
            diffIDs.append(try TarGzipWriter.write(files, to: sink).diffID)
            let layer = Descriptor(
                of: sink.bytes, mediaType: .imageLayerTarGzip, annotations: ["dev.wasme.layer": what])
            blobs.append((layer, sink.bytes))
        }
        let layers = blobs.map(\.descriptor)
        let configBytes = try canonicalJSON(ImageConfig(diffIDs: diffIDs, created: content.created))
        let config = Descriptor(of: configBytes, mediaType: .imageConfig)
        blobs.append((config, configBytes))
        var annotations = annotations(content)
        annotations["module.wasm.image/variant"] = "compat"
        return Composed(
            document: try ManifestDocument(
                Manifest(config: config, layers: layers, annotations: annotations)),
            blobs: blobs)
    }

    /// The original's layout, with what else the manifest says of the filter.
    private static func artifact(_ content: FilterContent) throws -> Composed {
        try original(
            try canonicalJSON(content.runtime), content.runtime, module: content.module,
            annotations: annotations(content))
    }

    /// What the original wasme pushed, to the byte.
    ///
    /// The configuration is named twice, as `config` and as the first layer; the module lies there uncompressed; the
    /// manifest does not say what it is, and its members have the order in which Go wrote them. Istio wants exactly these
    /// two layers; old wasme and Gloo find them by media types and titles.
    static func original(
        _ runtimeBytes: [UInt8], _ runtime: RuntimeConfig, module: [UInt8], annotations: [String: String]
    ) throws -> Composed {
        let config = Descriptor(
            of: runtimeBytes, mediaType: .wasmeConfig, annotations: [titleKey: runtimeFile])
        let layer = Descriptor(of: module, mediaType: .wasmeContent, annotations: [titleKey: "filter.wasm"])
        func text(_ descriptor: Descriptor) throws -> String {
            let title = String(decoding: try canonicalJSON(descriptor.annotations), as: UTF8.self)
            return
                #"{"mediaType":"\#(descriptor.mediaType)","digest":"\#(descriptor.digest)","size":\#(descriptor.size),"annotations":\#(title)}"#
        }
        var annotations = annotations
        annotations["module.wasm.runtime/type"] = runtime.type
        annotations["module.wasm.runtime/abi_version"] = runtime.abiVersions.joined(separator: ",")
        let notes = String(decoding: try canonicalJSON(annotations), as: UTF8.self)
        let manifest =
            #"{"schemaVersion":2,"config":\#(try text(config)),"layers":[\#(try text(config)),\#(try text(layer))],"annotations":\#(notes)}"#
        return Composed(
            document: try ManifestDocument(bytes: Array(manifest.utf8)),
            blobs: [(config, runtimeBytes), (layer, module)])
    }

    /// The CNCF's "Wasm OCI artifact layout": a configuration that lists its one layer, and the module as it is.
    private static func cncf(_ content: FilterContent) throws -> Composed {
        let module = Descriptor(of: content.module, mediaType: .wasm)
        let configBytes = try canonicalJSON(
            WasmConfig(layerDigests: [module.digest], created: content.created ?? "1970-01-01T00:00:00Z"))
        let config = Descriptor(of: configBytes, mediaType: .wasmConfig)
        var annotations = annotations(content)
        if !content.runtime.rootIDs.isEmpty {
            // There is no runtime-config.json to keep them in.
            annotations[rootIDsKey] = String(
                decoding: try canonicalJSON(content.runtime.rootIDs), as: UTF8.self)
        }
        return Composed(
            document: try ManifestDocument(
                Manifest(config: config, layers: [module], annotations: annotations)),
            blobs: [(module, content.module), (config, configBytes)])
    }

    // MARK: - Their parts

    static let titleKey = "org.opencontainers.image.title"
    static let rootIDsKey = "dev.wasme.filter.root-ids"

    /// The files of a filter beside its module and its runtime configuration.
    private static func documents(_ content: FilterContent) -> [ArchiveFile] {
        var files = content.otherDocuments
        files[readmeFile] = content.readme
        files[licenceFile] = content.licence
        files[schemaFile] = content.configSchema
        if let icon = content.icon { files[icon.fileName] = icon.bytes }
        return files.map { ArchiveFile(path: $0, bytes: $1) }
    }

    private static func annotations(_ content: FilterContent) -> [String: String] {
        var annotations = content.annotations.merging(content.metadata.annotations) { $1 }
        annotations["module.wasm.runtime/type"] = content.runtime.type
        annotations["module.wasm.runtime/abi_version"] = content.runtime.abiVersions.joined(separator: ",")
        return annotations
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
    let created: String?

    init(diffIDs: [Digest], created: String?) {
        rootfs = RootFS(diff_ids: diffIDs)
        self.created = created
    }
}

/// The configuration of a CNCF artifact; `created` has to be there, and a plain module is `wasip1` for want of another word.
private struct WasmConfig: Encodable {
    let architecture = "wasm"
    let os = "wasip1"
    let layerDigests: [Digest]
    let created: String
}
