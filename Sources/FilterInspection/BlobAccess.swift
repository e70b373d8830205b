// SPDX-License-Identifier: Apache-2.0

private import FilterImage
package import OCI
package import OCILayout
package import OCIRegistry

/// Where an image's manifests and blobs can be had.
package protocol BlobAccess: Sendable {
    /// The manifest at a descriptor, held against its digest.
    func manifest(_ descriptor: Descriptor) async throws -> ManifestDocument
    /// Sends a whole blob into a sink; when this returns, the bytes were held against the digest.
    ///
    /// A sink that throws ends the transfer with its error.
    func stream(_ blob: Descriptor, into sink: any ByteSink) async throws
    /// A part of a blob; nil where blobs are given as a whole only.
    func part(_ blob: Descriptor, _ range: Range<Int64>) async throws -> [UInt8]?
    /// Whether every byte costs time, so that only those are to be read that are needed.
    var isRemote: Bool { get }
}

/// The blobs of the local store; whole ones, each held against its digest.
package struct StoreBlobs: BlobAccess {
    private let store: ImageStore

    package init(_ store: ImageStore) { self.store = store }

    package var isRemote: Bool { false }

    package func manifest(_ descriptor: Descriptor) async throws -> ManifestDocument {
        try store.manifest(descriptor)
    }

    package func stream(_ blob: Descriptor, into sink: any ByteSink) async throws {
        try store.copy(blob, to: sink)
    }

    package func part(_ blob: Descriptor, _ range: Range<Int64>) async throws -> [UInt8]? { nil }
}

/// The blobs of a repository of a registry.
package struct RegistryBlobs: BlobAccess {
    private let client: RegistryClient
    private let repository: Repository

    package init(_ client: RegistryClient, _ repository: Repository) {
        self.client = client
        self.repository = repository
    }

    package var isRemote: Bool { true }

    package func manifest(_ descriptor: Descriptor) async throws -> ManifestDocument {
        try await client.manifest(repository, .digest(descriptor.digest))
    }

    package func stream(_ blob: Descriptor, into sink: any ByteSink) async throws {
        try await client.blob(repository, blob, into: sink)
    }

    package func part(_ blob: Descriptor, _ range: Range<Int64>) async throws -> [UInt8]? {
        try await client.part(repository, blob, range)
    }
}

/// The blobs of an image that lies in no store yet.
package struct ComposedBlobs: BlobAccess {
    private let blobs: [Digest: [UInt8]]

    package init(_ blobs: [(descriptor: Descriptor, bytes: [UInt8])]) {
        self.blobs = Dictionary(blobs.map { ($0.descriptor.digest, $0.bytes) }) { first, _ in first }
    }

    package var isRemote: Bool { false }

    package func manifest(_ descriptor: Descriptor) async throws -> ManifestDocument {
        throw missing(descriptor)
    }

    package func stream(_ blob: Descriptor, into sink: any ByteSink) async throws {
        guard let bytes = blobs[blob.digest] else { throw missing(blob) }
        try bytes.withUnsafeBytes { try sink.write($0) }
    }

    package func part(_ blob: Descriptor, _ range: Range<Int64>) async throws -> [UInt8]? { nil }

    private func missing(_ blob: Descriptor) -> InspectionError {
        InspectionError(.damaged, "the image has no blob \(blob.digest)")
    }
}
