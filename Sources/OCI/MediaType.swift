// SPDX-License-Identifier: Apache-2.0

/// A media type as it stands in a descriptor or a `Content-Type` header (image-spec 1.1, media-types.md).
package struct MediaType: Hashable, Sendable, RawRepresentable, Codable, CustomStringConvertible {
    package let rawValue: String

    package init(rawValue: String) { self.rawValue = rawValue }

    package init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(String.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    package var description: String { rawValue }

    /// The media type of a `Content-Type` header, which may carry parameters.
    package init(contentType: String) {
        let type = contentType.prefix { $0 != ";" }
        rawValue = type.filter { !$0.isWhitespace }.lowercased()
    }
}

extension MediaType {
    package static let imageManifest = MediaType(rawValue: "application/vnd.oci.image.manifest.v1+json")
    package static let imageIndex = MediaType(rawValue: "application/vnd.oci.image.index.v1+json")
    package static let imageConfig = MediaType(rawValue: "application/vnd.oci.image.config.v1+json")
    package static let imageLayerTarGzip = MediaType(rawValue: "application/vnd.oci.image.layer.v1.tar+gzip")
    package static let emptyJSON = MediaType(rawValue: "application/vnd.oci.empty.v1+json")
    package static let dockerManifest = MediaType(
        rawValue: "application/vnd.docker.distribution.manifest.v2+json")
    package static let dockerManifestList = MediaType(
        rawValue: "application/vnd.docker.distribution.manifest.list.v2+json")
    package static let dockerLayerTarGzip = MediaType(
        rawValue: "application/vnd.docker.image.rootfs.diff.tar.gzip")
    package static let octetStream = MediaType(rawValue: "application/octet-stream")
    /// The configuration of the original wasme artifact.
    package static let wasmeConfig = MediaType(rawValue: "application/vnd.module.wasm.config.v1+json")
    /// The module of the original wasme artifact: raw bytes.
    package static let wasmeContent = MediaType(rawValue: "application/vnd.module.wasm.content.layer.v1+wasm")

    /// A raw module, as the CNCF's artifact format has it.
    package static let wasm = MediaType(rawValue: "application/wasm")
    /// The configuration of the CNCF's artifact format.
    package static let wasmConfig = MediaType(rawValue: "application/vnd.wasm.config.v0+json")
    /// A raw module, as kwctl, spin and wasm-to-oci write it.
    package static let kubewardenContent = MediaType(rawValue: "application/vnd.wasm.content.layer.v1+wasm")

    /// Manifests of one image.
    package static let manifests: [MediaType] = [.imageManifest, .dockerManifest]
    /// Manifests of several images.
    package static let indexes: [MediaType] = [.imageIndex, .dockerManifestList]
}

extension MediaType {
    /// Whether a layer of this type is a module as it is.
    package var isRawModule: Bool { self == .wasmeContent || self == .wasm || self == .kubewardenContent }

    /// Whether a layer of this type is an archive, plain or compressed (image-spec 1.1, layer.md; Docker's image-spec 1.2).
    package var isTar: Bool {
        let suffixes = [".tar", ".tar+gzip", ".tar.gzip", ".tar+zstd", ".tar.zstd"]
        return suffixes.contains(where: rawValue.hasSuffix)
    }

    /// Whether a layer of this type is compressed with gzip.
    package var isGzip: Bool { rawValue.hasSuffix("tar+gzip") || rawValue.hasSuffix("tar.gzip") }
}
