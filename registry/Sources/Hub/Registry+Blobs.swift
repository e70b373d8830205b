// SPDX-License-Identifier: Apache-2.0

import NIOCore
package import OCI

extension Registry {
    /// A blob's description, if the repository holds it.
    package func blob(_ digest: Digest, in repository: Repository) async throws -> BlobRecord {
        let blob = try await metadata.blob(digest, in: repository, renewal: blobRenewal)
        if let blob { return blob }
        guard let blob = try await describeMirrored(digest, in: repository) else {
            throw HubError.unknown(digest, in: repository)
        }
        return blob
    }

    /// Leases of blobs that began before this are renewed by whoever asks whether the blob is there.
    package var blobRenewal: Int64 { now() - limits.blobLease / 2 }

    /// A blob's bytes, if the repository holds it.
    package func readBlob(_ digest: Digest, in repository: Repository) async throws -> any BlobReader {
        do {
            return try await readHeldBlob(digest, in: repository)
        } catch let error as HubError where error.code == .blobUnknown {
            guard let reader = try await fetchMirrored(digest, in: repository) else { throw error }
            return reader
        }
    }

    /// The same of what is here, though more may be where a mirror has it from.
    func readHeldBlob(_ digest: Digest, in repository: Repository) async throws -> any BlobReader {
        guard let blob = try await metadata.content(digest, in: repository) else {
            throw HubError.unknown(digest, in: repository)
        }
        if let content = blob.content { return SmallBlobReader(content) }
        let reader: any BlobReader
        do {
            reader = try await openBlob(digest, size: blob.record.size)
        } catch {
            // It may have gone between the two looks.
            guard try await metadata.content(digest, in: repository) != nil else {
                throw HubError.unknown(digest, in: repository)
            }
            throw error
        }
        return reader
    }

    /// The stored bytes of a blob that somebody may read, which was found out before.
    package func openBlob(_ digest: Digest, size: Int64) async throws -> any BlobReader {
        let reader = try await blobs.open(digest)
        guard reader.size == size else {
            throw HubError(
                .storageFailed, "blob \(digest) has \(reader.size) bytes on disk, expected \(size)",
                hint: "restore the data folder from a backup, or push the image again")
        }
        return reader
    }

    /// Removes a blob from a repository (distribution-spec 1.1, "Deleting Blobs").
    ///
    /// The bytes stay until no repository
    /// holds them and they are collected.
    package func deleteBlob(_ digest: Digest, in repository: Repository) async throws {
        try await metadata.unlinkBlob(digest, from: repository)
    }

    /// Begins an upload (distribution-spec 1.1, "POST then PUT").
    package func startUpload(
        in repository: Repository, algorithm: Digest.Algorithm = .sha256
    ) async throws -> UploadSession {
        try refuseMirrored(repository)
        let session = UploadSession(
            id: UploadID(), repository: repository, owner: principal.account, algorithm: algorithm,
            startedAt: now())
        try await metadata.beginUpload(session, limit: limits.openUploads)
        return session
    }

    /// The upload with this name, in this repository only.
    package func upload(_ id: UploadID, in repository: Repository) async throws -> UploadSession {
        guard let session = try await metadata.upload(id, in: repository) else {
            throw HubError(
                .uploadUnknown, "repository \"\(repository)\" has no upload \"\(id)\"",
                hint: "it was finished, cancelled or forgotten: start a new one")
        }
        return session
    }

    /// Bytes that an upload holds: where the next chunk begins.
    package func uploadedSize(_ id: UploadID, in repository: Repository) async throws -> Int64 {
        try await uploads.size(try await upload(id, in: repository))
    }

    /// Adds a chunk to an upload; `range` is where the client says that it belongs.
    /// - Returns: bytes held afterwards.
    package func append(
        _ bytes: some IncomingBytes, to id: UploadID, in repository: Repository, range: Range<Int64>? = nil
    ) async throws -> Int64 {
        try await append(bytes, to: try await upload(id, in: repository), range: range)
    }

    private func append(
        _ bytes: some IncomingBytes, to session: UploadSession, range: Range<Int64>?
    ) async throws -> Int64 {
        try await uploads.append(bytes, to: session, where: condition(range))
    }

    private func condition(_ range: Range<Int64>?) -> AppendCondition {
        AppendCondition(
            start: range?.lowerBound, count: range.map { $0.upperBound - $0.lowerBound },
            limit: limits.blobSize, reserve: limits.freeSpace)
    }

    /// Adds the last chunk to an upload and makes it a blob of the repository.
    ///
    /// If the content has another digest the upload is thrown away: no further chunk can mend it. So it is if the disk
    /// failed: what was not synced once may be gone, though another try would not say so; and if the repository may not
    /// have the blob, whose bytes then make room at once.
    package func finishUpload(
        _ id: UploadID, in repository: Repository, as digest: Digest, adding bytes: some IncomingBytes,
        range: Range<Int64>? = nil
    ) async throws -> BlobRecord {
        let session = try await upload(id, in: repository)
        do {
            return try await gate.storing(digest) {
                let blob = try await uploads.finish(bytes, to: session, where: condition(range), as: digest)
                try await metadata.commitBlob(blob, to: repository, ending: id)
                return blob.record
            }
        } catch let error as HubError
            where Self.refusals.union([.digestInvalid, .storageFailed]).contains(error.code)
        {
            _ = try await metadata.endUpload(id)
            try await uploads.discard(session)
            if Self.refusals.contains(error.code) { try await removeStrays([digest]) }
            throw error
        }
    }

    /// Why a repository does not take a blob that has arrived.
    private static let refusals: Set<HubError.Code> = [
        .quotaExceeded, .denied, .unauthorized, .insufficientScope,
    ]

    /// Cancels an upload.
    package func cancelUpload(_ id: UploadID, in repository: Repository) async throws {
        let session = try await upload(id, in: repository)
        try await uploads.discard(session)
        _ = try await metadata.endUpload(id)
    }

    /// Stores a blob in one go (distribution-spec 1.1, "Single POST").
    package func pushBlob(
        _ bytes: some IncomingBytes, as digest: Digest, to repository: Repository
    ) async throws -> BlobRecord {
        try refuseMirrored(repository)
        // Never recorded as a session: nobody but this request knows it, and a restart clears what it leaves.
        let session = UploadSession(
            id: UploadID(), repository: repository, owner: principal.account, algorithm: digest.algorithm,
            startedAt: now())
        do {
            return try await gate.storing(digest) {
                let blob = try await uploads.finish(bytes, to: session, where: condition(nil), as: digest)
                try await metadata.commitBlob(blob, to: repository, ending: nil)
                return blob.record
            }
        } catch {
            try await uploads.discard(session)
            if let error = error as? HubError, Self.refusals.contains(error.code) {
                try await removeStrays([digest])
            }
            throw error
        }
    }

    /// Links a blob of another repository (distribution-spec 1.1, "Mounting a blob from another repository").
    ///
    /// Without a source, any repository will do that holds the blob and that the client's account may read.
    /// - Returns: nil if none holds it; the client then uploads it.
    /// - Throws: `unauthorized` or `insufficientScope`, with the scopes of both repositories, if a session for both would do.
    package func mountBlob(
        _ digest: Digest, from source: Repository?, to target: Repository
    ) async throws -> BlobRecord? {
        try refuseMirrored(target)
        if let source {
            do {
                return try await metadata.mountBlob(digest, from: source, isNamed: true, to: target)
            } catch let error as HubError {
                throw error.ofMount(from: source, to: target)
            }
        }
        for source in try await metadata.sources(of: digest, limit: limits.mountSources) {
            if let blob = try await metadata.mountBlob(digest, from: source, isNamed: false, to: target) {
                return blob
            }
        }
        return nil
    }
}

/// A blob that is here already.
struct SmallBlobReader: BlobReader {
    private let bytes: ByteBuffer

    init(_ bytes: [UInt8]) { self.bytes = ByteBuffer(bytes: bytes) }

    var size: Int64 { Int64(bytes.readableBytes) }

    func read(at offset: Int64, count: Int) async throws -> ByteBuffer {
        bytes.getSlice(at: Int(offset), length: min(count, bytes.readableBytes - Int(offset))) ?? ByteBuffer()
    }
}
