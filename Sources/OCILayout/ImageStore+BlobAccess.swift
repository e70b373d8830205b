// SPDX-License-Identifier: Apache-2.0

package import OCI

/// The blobs of a store; whole ones, each held against its digest.
extension ImageStore: BlobAccess {
    package var isRemote: Bool { false }

    package func stream(
        _ blob: Descriptor, into sink: any ByteSink, after beginning: (any ByteSource)?
    ) async throws {
        try copy(blob, to: sink, after: beginning)
    }

    package func openLocally(_ blob: Descriptor) throws -> (any ByteSource)? { try open(blob) }
}
