// SPDX-License-Identifier: Apache-2.0

package import OCI

extension Registry {
    /// A blob's description, if the repository holds it.
    package func blob(_ digest: Digest, in repository: Repository) async throws -> BlobRecord {
        guard let blob = try await metadata.blob(digest, in: repository) else {
            throw HubError.unknown(digest, in: repository)
        }
        return blob
    }

    /// A blob's bytes, if the repository holds it.
    package func readBlob(_ digest: Digest, in repository: Repository) async throws -> any BlobReader {
        let blob = try await blob(digest, in: repository)
        let reader = try await blobs.open(digest)
        guard reader.size == blob.size else {
            throw HubError(
                .storageFailed, "blob \(digest) has \(reader.size) bytes on disk, expected \(blob.size)",
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
        let session = UploadSession(
            id: UploadID(), repository: repository, owner: principal.account, algorithm: algorithm,
            startedAt: now())
        try await uploads.create(session)
        do {
            try await metadata.beginUpload(session)
        } catch {
            try await uploads.discard(session)
            throw error
        }
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
        try await uploads.append(
            bytes, to: session,
            where: AppendCondition(
                start: range?.lowerBound, count: range.map { $0.upperBound - $0.lowerBound },
                limit: limits.blobSize))
    }

    /// Adds the last chunk to an upload and makes it a blob of the repository.
    ///
    /// If the content has another digest the upload is thrown away: no further chunk can mend it.
    package func finishUpload(
        _ id: UploadID, in repository: Repository, as digest: Digest, adding bytes: some IncomingBytes,
        range: Range<Int64>? = nil
    ) async throws -> BlobRecord {
        let session = try await upload(id, in: repository)
        _ = try await append(bytes, to: session, range: range)
        do {
            let blob = BlobRecord(digest: digest, size: try await uploads.commit(session, as: digest))
            try await metadata.commitBlob(blob, to: repository, ending: id)
            return blob
        } catch let error as HubError where error.code == .digestInvalid {
            _ = try await metadata.endUpload(id)
            try await uploads.discard(session)
            throw error
        }
    }

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
        // Never recorded as a session: nobody but this request knows it, and a restart clears what it leaves.
        let session = UploadSession(
            id: UploadID(), repository: repository, owner: principal.account, algorithm: digest.algorithm,
            startedAt: now())
        try await uploads.create(session)
        do {
            _ = try await append(bytes, to: session, range: nil)
            let blob = BlobRecord(digest: digest, size: try await uploads.commit(session, as: digest))
            try await metadata.commitBlob(blob, to: repository, ending: nil)
            return blob
        } catch {
            try await uploads.discard(session)
            throw error
        }
    }

    /// Links a blob of another repository (distribution-spec 1.1, "Mounting a blob from another repository").
    ///
    /// Without a source, any repository that holds the blob will do.
    /// - Returns: nil if none holds it; the client then uploads it.
    package func mountBlob(
        _ digest: Digest, from source: Repository?, to target: Repository
    ) async throws -> BlobRecord? {
        if let source { return try await metadata.mountBlob(digest, from: source, to: target) }
        for source in try await metadata.repositories(holding: digest, limit: limits.mountSources) {
            if let blob = try await metadata.mountBlob(digest, from: source, to: target) { return blob }
        }
        return nil
    }
}
