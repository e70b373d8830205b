// SPDX-License-Identifier: Apache-2.0

private import Foundation
private import JSON

/// An image manifest, of the OCI or the Docker kind (image-spec 1.1, manifest.md).
///
/// `mediaType` is optional because the original wasme never wrote it.
package struct Manifest: Hashable, Sendable, Codable {
    package var schemaVersion = 2
    package var mediaType: MediaType?
    package var artifactType: MediaType?
    package var config: Descriptor
    package var layers: [Descriptor]
    package var subject: Descriptor?
    package var annotations: [String: String]?

    package init(
        mediaType: MediaType? = .imageManifest, artifactType: MediaType? = nil, config: Descriptor,
        layers: [Descriptor], subject: Descriptor? = nil, annotations: [String: String]? = nil
    ) {
        self.mediaType = mediaType
        self.artifactType = artifactType
        self.config = config
        self.layers = layers
        self.subject = subject
        self.annotations = annotations
    }
}

/// An image index or Docker manifest list (image-spec 1.1, image-index.md).
package struct Index: Hashable, Sendable, Codable {
    package var schemaVersion = 2
    package var mediaType: MediaType?
    package var artifactType: MediaType?
    package var manifests: [Descriptor]
    package var subject: Descriptor?
    package var annotations: [String: String]?

    package init(
        mediaType: MediaType? = .imageIndex, manifests: [Descriptor], annotations: [String: String]? = nil
    ) {
        self.mediaType = mediaType
        self.manifests = manifests
        self.annotations = annotations
    }
}

/// A manifest's exact bytes with what they say: bytes are what is addressed and must survive every transfer.
package struct ManifestDocument: Sendable, Hashable {
    /// What the bytes are.
    package enum Content: Sendable, Hashable {
        case manifest(Manifest)
        case index(Index)
    }

    package let bytes: [UInt8]
    package let mediaType: MediaType
    package let digest: Digest
    package let content: Content

    /// Bytes of the largest manifest accepted (distribution-spec 1.1 asks for at least 4 MiB).
    package static let maximumSize = 4 << 20

    /// Parses bytes that a registry, a store or a file gave.
    /// - Parameters:
    ///   - bytes: the document, exactly as it came.
    ///   - declared: what the outside called it; the document's own `mediaType` must agree if both are there.
    ///   - algorithm: the hash of the document's address.
    /// - Throws: `ManifestError`.
    package init(
        bytes: [UInt8], mediaType declared: MediaType? = nil, algorithm: Digest.Algorithm = .sha256
    ) throws(ManifestError) {
        guard bytes.count <= Self.maximumSize else { throw .tooLarge(bytes.count) }
        // Two readers of one manifest must not see two images: names stand in it once (RFC 8259 §4).
        do {
            _ = try JSONValue(parsing: bytes)
        } catch {
            let isMarkup = bytes.first { $0 > 0x20 } == UInt8(ascii: "<")
            throw .notAManifest(isMarkup ? "it is a page of HTML or XML" : "\(error)")
        }
        let data = Data(bytes)
        let shape: Shape
        do {
            shape = try JSONDecoder().decode(Shape.self, from: data)
        } catch {
            throw .notAManifest("\(decodingFailure(error))")
        }
        guard shape.schemaVersion == 2 else { throw .unsupportedSchemaVersion(shape.schemaVersion) }
        if shape.manifests != nil, shape.layers != nil { throw .ambiguous }
        if let own = shape.mediaType, let declared, own != declared, declared != .octetStream {
            throw .mediaTypeMismatch(own: own, declared: declared)
        }
        let isIndex = shape.manifests != nil
        let named = shape.mediaType ?? declared.flatMap { $0 == .octetStream ? nil : $0 }
        let type = named ?? (isIndex ? .imageIndex : .imageManifest)
        if (MediaType.indexes.contains(type) && !isIndex) || (MediaType.manifests.contains(type) && isIndex) {
            throw .contentMismatch(type)
        }
        do {
            content =
                isIndex
                ? .index(try JSONDecoder().decode(Index.self, from: data))
                : .manifest(try JSONDecoder().decode(Manifest.self, from: data))
        } catch {
            throw .notAManifest("\(decodingFailure(error))")
        }
        self.bytes = bytes
        self.mediaType = type
        self.digest = Digest(of: bytes, algorithm: algorithm)
    }

    /// Writes a manifest in our canonical form: sorted keys, no white space, so that equal values give equal digests.
    package init(_ manifest: Manifest) throws {
        bytes = try canonicalJSON(manifest)
        mediaType = manifest.mediaType ?? .imageManifest
        digest = Digest(of: bytes)
        content = .manifest(manifest)
    }

    /// Writes an index in our canonical form.
    package init(_ index: Index) throws {
        bytes = try canonicalJSON(index)
        mediaType = index.mediaType ?? .imageIndex
        digest = Digest(of: bytes)
        content = .index(index)
    }

    /// The descriptor that addresses this document.
    package var descriptor: Descriptor {
        Descriptor(mediaType: mediaType, digest: digest, size: Int64(bytes.count))
    }

    /// The manifest that this one is about, if it is about one.
    package var subject: Descriptor? {
        switch content {
        case .manifest(let manifest): manifest.subject
        case .index(let index): index.subject
        }
    }

    /// The descriptor that stands in a list of referrers: with the type, by default the configuration's, and the
    /// annotations (distribution-spec 1.1, "Listing Referrers").
    package var referrer: Descriptor {
        var descriptor = descriptor
        switch content {
        case .manifest(let manifest):
            descriptor.artifactType = manifest.artifactType ?? manifest.config.mediaType
            descriptor.annotations = manifest.annotations
        case .index(let index):
            descriptor.artifactType = index.artifactType
            descriptor.annotations = index.annotations
        }
        return descriptor
    }

    /// All blobs that an image manifest names, each once, the configuration first; none for an index.
    package var blobs: [Descriptor] {
        guard case .manifest(let manifest) = content else { return [] }
        var seen: Set<Digest> = []
        return ([manifest.config] + manifest.layers).filter { seen.insert($0.digest).inserted }
    }

    private struct Shape: Decodable {
        let schemaVersion: Int
        let mediaType: MediaType?
        let manifests: Present?
        let layers: Present?
    }

    /// Any JSON value: only its presence counts.
    private struct Present: Decodable {
        init(from decoder: any Decoder) throws {}
    }
}

/// Why bytes are not a manifest.
package enum ManifestError: Error, Hashable, CustomStringConvertible {
    case tooLarge(Int)
    case notAManifest(String)
    case unsupportedSchemaVersion(Int)
    case ambiguous
    case mediaTypeMismatch(own: MediaType, declared: MediaType)
    case contentMismatch(MediaType)

    package var description: String {
        switch self {
        case .tooLarge(let size): "manifest has \(size) bytes, more than \(ManifestDocument.maximumSize)"
        case .notAManifest(let why): "not an image manifest: \(why)"
        case .unsupportedSchemaVersion(1):
            "manifest is of Docker's schema 1, which is out of use; expected schema 2"
        case .unsupportedSchemaVersion(let version): "manifest has schemaVersion \(version), expected 2"
        case .ambiguous: "manifest has both \"layers\" and \"manifests\""
        case .mediaTypeMismatch(let own, let declared):
            "manifest calls itself \"\(own)\" but was delivered as \"\(declared)\""
        case .contentMismatch(let type): "content does not fit its media type \"\(type)\""
        }
    }
}

/// JSON in our canonical form: sorted keys, no white space, slashes unescaped.
package func canonicalJSON(_ value: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(value))
}

/// One line that says where in a JSON document decoding failed, and why.
package func decodingFailure(_ error: any Error) -> String {
    guard let error = error as? DecodingError else { return "\(error)" }
    func place(_ context: DecodingError.Context) -> String {
        let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined()
        return path.isEmpty ? "" : "at \(path.drop { $0 == "." }): "
    }
    switch error {
    case .keyNotFound(let key, let context): return "\(place(context))\"\(key.stringValue)\" is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
        return "\(place(context))\(context.debugDescription)"
    case .dataCorrupted(let context):
        return "\(place(context))\(context.debugDescription)"
    @unknown default: return "\(error)"
    }
}
