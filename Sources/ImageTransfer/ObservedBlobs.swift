// SPDX-License-Identifier: Apache-2.0

package import OCI
import OCIRegistry

extension ImageTransfer {
    /// Blobs that are read and kept nowhere: the same as others, telling how far they are.
    package func observing(_ blobs: any BlobAccess, of document: ManifestDocument) -> ObservedBlobs {
        // On this machine there is nothing to wait for.
        if blobs.isRemote { report(.planned(document.blobs)) }
        return ObservedBlobs(blobs: blobs, report: report)
    }
}

/// Tells how far blobs are that come from afar.
package struct ObservedBlobs: BlobAccess {
    fileprivate let blobs: any BlobAccess
    fileprivate let report: @Sendable (TransferEvent) -> Void

    package var isRemote: Bool { blobs.isRemote }

    package func manifest(_ descriptor: Descriptor) async throws -> ManifestDocument {
        try await blobs.manifest(descriptor)
    }

    package func stream(
        _ blob: Descriptor, into sink: any ByteSink, after beginning: (any ByteSource)?
    ) async throws {
        guard isRemote else { return try await blobs.stream(blob, into: sink, after: beginning) }
        let observed = ObservedSink(sink, from: beginning?.length ?? 0) { [report] in report(.moved(blob, $0))
        }
        try await blobs.stream(blob, into: observed, after: beginning)
        report(.finished(blob))
    }

    package func part(_ blob: Descriptor, _ range: Range<Int64>) async throws -> [UInt8]? {
        try await blobs.part(blob, range)
    }

    package func openLocally(_ blob: Descriptor) throws -> (any ByteSource)? { try blobs.openLocally(blob) }

    package func referrers(of digest: Digest) async throws -> [Descriptor] {
        try await blobs.referrers(of: digest)
    }
}
