// SPDX-License-Identifier: Apache-2.0

/// Names content by media type, digest and size in bytes (image-spec 1.1, descriptor.md).
package struct Descriptor: Hashable, Sendable, Codable {
    package var mediaType: MediaType
    package var digest: Digest
    /// Bytes of the content.
    package var size: Int64
    package var artifactType: MediaType?
    package var annotations: [String: String]?
    package var platform: Platform?
    /// The content itself, in Base64 (image-spec 1.1, descriptor.md "Embedded Content"); few descriptors have it.
    package var data: String?

    package init(
        mediaType: MediaType, digest: Digest, size: Int64, artifactType: MediaType? = nil,
        annotations: [String: String]? = nil, platform: Platform? = nil
    ) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        self.artifactType = artifactType
        self.annotations = annotations
        self.platform = platform
    }

    /// Describes bytes in memory.
    package init(
        of bytes: some Collection<UInt8>, mediaType: MediaType, annotations: [String: String]? = nil
    ) {
        self.init(
            mediaType: mediaType, digest: Digest(of: bytes), size: Int64(bytes.count),
            annotations: annotations)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        mediaType = try container.decode(MediaType.self, forKey: .mediaType)
        digest = try container.decode(Digest.self, forKey: .digest)
        size = try container.decode(Int64.self, forKey: .size)
        guard size >= 0 else {
            throw DecodingError.dataCorruptedError(
                forKey: .size, in: container, debugDescription: "size \(size) is negative")
        }
        artifactType = try container.decodeIfPresent(MediaType.self, forKey: .artifactType)
        annotations = try container.decodeIfPresent([String: String].self, forKey: .annotations)
        platform = try container.decodeIfPresent(Platform.self, forKey: .platform)
        data = try container.decodeIfPresent(String.self, forKey: .data)
    }

    /// The configuration of what needs none, `{}` (image-spec 1.1, manifest.md "Guidance for an Empty Descriptor").
    package static let empty: Descriptor = {
        var descriptor = Descriptor(of: Array("{}".utf8), mediaType: .emptyJSON)
        descriptor.data = "e30="
        return descriptor
    }()
}

/// The platform of an index entry (image-spec 1.1, image-index.md).
package struct Platform: Hashable, Sendable, Codable {
    package var architecture: String
    package var os: String
    package var variant: String?

    package init(architecture: String, os: String, variant: String? = nil) {
        self.architecture = architecture
        self.os = os
        self.variant = variant
    }
}
