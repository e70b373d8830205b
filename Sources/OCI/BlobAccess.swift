// SPDX-License-Identifier: Apache-2.0

/// Where an image's manifests and blobs can be had: a store, a registry, an archive, memory.
package protocol BlobAccess: Sendable {
    /// The manifest at a descriptor, held against its digest.
    func manifest(_ descriptor: Descriptor) async throws -> ManifestDocument
    /// Sends a blob into a sink; when this returns, the bytes were held against the digest.
    ///
    /// A sink that throws ends the transfer with its error.
    /// - Parameters:
    ///   - blob: what is wanted.
    ///   - sink: gets the bytes, or those that follow the beginning.
    ///   - beginning: the blob's first bytes, kept from an earlier transfer: they are hashed and not sent again.
    /// - Throws: the place's own error, or what the sink threw.
    func stream(_ blob: Descriptor, into sink: any ByteSink, after beginning: (any ByteSource)?) async throws
    /// A part of a blob, held against nothing; nil where blobs are given as a whole only.
    func part(_ blob: Descriptor, _ range: Range<Int64>) async throws -> [UInt8]?
    /// A blob that lies on this machine, to be read from any place and as often as needed; nil where every byte comes
    /// from afar. Nothing is held against the digest yet.
    func openLocally(_ blob: Descriptor) throws -> (any ByteSource)?
    /// Artifacts whose `subject` is a manifest, as in distribution-spec 1.1, "Listing Referrers".
    func referrers(of digest: Digest) async throws -> [Descriptor]
    /// Whether every byte costs time, so that only those are to be read that are needed.
    var isRemote: Bool { get }
}

extension BlobAccess {
    /// Sends a whole blob into a sink.
    package func stream(_ blob: Descriptor, into sink: any ByteSink) async throws {
        try await stream(blob, into: sink, after: nil)
    }

    package func part(_ blob: Descriptor, _ range: Range<Int64>) async throws -> [UInt8]? { nil }
    package func openLocally(_ blob: Descriptor) throws -> (any ByteSource)? { nil }

    /// A whole blob that is expected to be small enough for memory, held against its digest.
    package func read(_ blob: Descriptor, limit: Int) async throws -> [UInt8] {
        let sink = MemorySink(limit: limit)
        try await stream(blob, into: sink)
        return sink.bytes
    }
}
