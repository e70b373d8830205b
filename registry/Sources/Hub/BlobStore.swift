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
    /// Removes the bytes of a blob; they need not be there.
    func remove(_ digest: Digest) async throws
    /// All blobs that bytes are kept of, in parts; also those that nothing else knows of.
    func digests() -> AsyncThrowingStream<[Digest], any Error>
}

/// Reads one blob.
///
/// The store underneath keeps it readable until the reader goes away.
package protocol BlobReader: Sendable {
    var size: Int64 { get }
    /// Reads some bytes from an offset: at most `count`, none only at the end.
    func read(at offset: Int64, count: Int) async throws -> ByteBuffer
    /// The bytes as an open file, for the kernel to send, which whoever asked closes; nil if they are none.
    func handle() throws -> NIOFileHandle?
    /// Has some bytes brought near that `handle` will be read at soon; does not wait for it.
    func prefetch(at offset: Int64, count: Int)
}

extension BlobReader {
    package func handle() throws -> NIOFileHandle? { nil }
    package func prefetch(at offset: Int64, count: Int) {}
}

/// Keeps the bytes of uploads until they become blobs or are thrown away.
///
/// One request at a time writes to an upload; a second one waits for its end, and is refused with `uploadBusy` if that
/// takes long.
package protocol UploadStore: SpaceStore {
    /// Bytes held so far; none of an upload that nothing was added to.
    func size(_ session: UploadSession) async throws -> Int64
    /// Adds bytes at the end.
    ///
    /// If the bytes break a condition or the space runs out, the upload is as long afterwards as it was before; if
    /// the sender goes away, what arrived stays, so that it can go on from there.
    /// - Returns: bytes held afterwards.
    func append(
        _ bytes: some IncomingBytes, to session: UploadSession, where condition: AppendCondition
    ) async throws -> Int64
    /// Adds the last bytes and makes the upload a blob that outlives a crash of the machine, if its content has this
    /// digest; otherwise all of it stays as it is.
    ///
    /// Small blobs are not kept here, but handed out: whoever records the blob records its bytes with it.
    func finish(
        _ bytes: some IncomingBytes, to session: UploadSession, where condition: AppendCondition,
        as digest: Digest
    ) async throws -> ReceivedBlob
    /// Opens an upload that the hub makes itself, so that it can be read while it grows; one at a time.
    func openPartial(_ session: UploadSession) async throws -> any PartialBlob
    /// Throws the upload away; harmless if there is none.
    func discard(_ session: UploadSession) async throws
    /// Throws away whatever belongs to none of these uploads, as a crash leaves it.
    func discardAll(except sessions: [UploadSession]) async throws
}

/// A blob that arrived whole.
package struct ReceivedBlob: Sendable {
    package let record: BlobRecord
    /// The bytes, if they are few.
    package let content: [UInt8]?

    package init(record: BlobRecord, content: [UInt8]?) {
        self.record = record
        self.content = content
    }
}

/// What must hold for bytes to be added to an upload.
package struct AppendCondition: Hashable, Sendable {
    /// Where the bytes must begin; nil for wherever the upload stands.
    package var start: Int64?
    /// How many bytes there must be; nil for as many as come.
    package var count: Int64?
    /// The most bytes the upload may hold.
    package var limit: Int64
    /// Bytes that must be left on the disk.
    package var reserve: Int64

    package init(start: Int64? = nil, count: Int64? = nil, limit: Int64, reserve: Int64 = 0) {
        self.start = start
        self.count = count
        self.limit = limit
        self.reserve = reserve
    }
}
