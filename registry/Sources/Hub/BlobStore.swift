// SPDX-License-Identifier: Apache-2.0

package import NIOCore
package import OCI

/// Bytes that arrive; pulled, so that a slow disk slows the sender down.
package typealias IncomingBytes = AsyncSequence<ByteBuffer, any Error> & Sendable

/// Keeps the bytes of finished blobs, addressed by digest alone.
///
/// Who may see a blob is decided by `MetadataStore`: nothing is served because it lies here.
package protocol BlobStore: Sendable {
    /// Opens the bytes of a blob.
    func open(_ digest: Digest) async throws -> any BlobReader
}

/// Reads one blob.
///
/// The store underneath keeps it readable until the reader goes away.
package protocol BlobReader: Sendable {
    var size: Int64 { get }
    /// Reads some bytes from an offset: at most `count`, none only at the end.
    func read(at offset: Int64, count: Int) async throws -> ByteBuffer
}

/// Keeps the bytes of uploads until they become blobs or are thrown away.
///
/// One request at a time writes to an upload; a second one is refused with `uploadBusy`.
package protocol UploadStore: Sendable {
    /// Makes an empty upload.
    func create(_ session: UploadSession) async throws
    /// Bytes held so far.
    func size(_ session: UploadSession) async throws -> Int64
    /// Adds bytes at the end.
    ///
    /// If the bytes break a condition or the space runs out, the upload is as long afterwards as it was before; if
    /// the sender goes away, what arrived stays, so that it can go on from there.
    /// - Returns: bytes held afterwards.
    func append(
        _ bytes: some IncomingBytes, to session: UploadSession, where condition: AppendCondition
    ) async throws -> Int64
    /// Makes the upload a blob that outlives a crash of the machine, if its content has this digest.
    /// - Returns: the blob's size.
    func commit(_ session: UploadSession, as digest: Digest) async throws -> Int64
    /// Throws the upload away; harmless if there is none.
    func discard(_ session: UploadSession) async throws
    /// Throws away whatever belongs to none of these uploads, as a crash leaves it.
    func discardAll(except sessions: [UploadSession]) async throws
}

/// What must hold for bytes to be added to an upload.
package struct AppendCondition: Hashable, Sendable {
    /// Where the bytes must begin; nil for wherever the upload stands.
    package var start: Int64?
    /// How many bytes there must be; nil for as many as come.
    package var count: Int64?
    /// The most bytes the upload may hold.
    package var limit: Int64

    package init(start: Int64? = nil, count: Int64? = nil, limit: Int64) {
        self.start = start
        self.count = count
        self.limit = limit
    }
}
