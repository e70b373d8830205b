// SPDX-License-Identifier: Apache-2.0

package import OCI

/// The blobs of an image that lies in no store yet.
package struct ComposedBlobs: BlobAccess {
    private let blobs: [Digest: [UInt8]]

    package init(_ blobs: [(descriptor: Descriptor, bytes: [UInt8])]) {
        self.blobs = Dictionary(blobs.map { ($0.descriptor.digest, $0.bytes) }) { first, _ in first }
    }

    package var isRemote: Bool { false }

    package func manifest(_ descriptor: Descriptor) async throws -> ManifestDocument {
        try ManifestDocument(bytes: try bytes(descriptor), mediaType: descriptor.mediaType)
    }

    package func stream(
        _ blob: Descriptor, into sink: any ByteSink, after beginning: (any ByteSource)?
    ) async throws {
        try copy(MemorySource(try bytes(blob)), to: sink, verifying: blob, after: beginning)
    }

    package func openLocally(_ blob: Descriptor) throws -> (any ByteSource)? { MemorySource(try bytes(blob)) }

    package func referrers(of digest: Digest) async throws -> [Descriptor] { [] }

    private func bytes(_ blob: Descriptor) throws -> [UInt8] {
        guard let bytes = blobs[blob.digest] else {
            throw FilterImageError(.damaged, "the image has no blob \(blob.digest)")
        }
        return bytes
    }
}
