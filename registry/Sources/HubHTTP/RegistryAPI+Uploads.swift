// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import Hummingbird
import OCI

extension RegistryAPI {
    /// Begins an upload, mounts a blob, or takes one whole (distribution-spec 1.1, "Pushing blobs").
    func startUpload(_ call: Call, _ repository: Repository) async throws -> Response {
        var algorithm = Digest.Algorithm.sha256
        if let text = try call.target.value("mount", orThrow: .digestInvalid) {
            let digest = try RegistryRoute.digest(text)
            let source = try call.target.value("from", orThrow: .nameInvalid).map(RegistryRoute.repository)
            if let blob = try await registry.mountBlob(digest, from: source, to: repository) {
                return created(blob, repository)
            }
            algorithm = digest.algorithm
        } else if let digest = try digest(call) {
            try await checkSize(call, as: digest, repository)
            return created(try await registry.pushBlob(call.body, as: digest, to: repository), repository)
        }
        if let name = try call.target.value("digest-algorithm", orThrow: .digestInvalid) {
            guard let known = Digest.Algorithm(rawValue: name) else {
                throw HubError(.digestInvalid, "\(DigestError.unsupportedAlgorithm(String(name.prefix(40))))")
            }
            algorithm = known
        }
        let session = try await registry.startUpload(in: repository, algorithm: algorithm)
        return Response(status: .accepted, headers: progress(repository, session.id, size: 0))
    }

    /// The repository that a request names to mount a blob from, if it does.
    func mountSource(_ target: RequestTarget, _ route: RegistryRoute) -> Repository? {
        guard case .uploads = route, let from = target.values("from").first, !target.values("mount").isEmpty
        else { return nil }
        return try? RegistryRoute.repository(from)
    }

    /// Adds a chunk (distribution-spec 1.1, "Pushing a blob in chunks"); without `Content-Range`, all that comes.
    func append(_ call: Call, _ repository: Repository, _ id: String) async throws -> Response {
        let id = try Self.uploadID(id)
        // An upload that is not there comes before a range that does not fit.
        _ = try await registry.upload(id, in: repository)
        let range = try chunkRange(call)
        try await checkSize(call, after: range?.lowerBound ?? 0, repository)
        let size = try await registry.append(call.body, to: id, in: repository, range: range)
        return Response(status: .accepted, headers: progress(repository, id, size: size))
    }

    func finishUpload(_ call: Call, _ repository: Repository, _ id: String) async throws -> Response {
        let id = try Self.uploadID(id)
        _ = try await registry.upload(id, in: repository)
        guard let digest = try digest(call) else {
            throw HubError(.digestInvalid, "the parameter \"digest\" is missing")
        }
        let range = try chunkRange(call)
        try await checkSize(call, as: digest, after: range?.lowerBound ?? 0, repository)
        let blob = try await registry.finishUpload(
            id, in: repository, as: digest, adding: call.body, range: range)
        return created(blob, repository)
    }

    func uploadStatus(_ repository: Repository, _ id: String) async throws -> Response {
        let id = try Self.uploadID(id)
        let size = try await registry.uploadedSize(id, in: repository)
        return Response(status: .noContent, headers: progress(repository, id, size: size))
    }

    private func created(_ blob: BlobRecord, _ repository: Repository) -> Response {
        Response(
            status: .created,
            headers: [
                .location: "/v2/\(repository)/blobs/\(blob.digest)",
                .dockerContentDigest: blob.digest.description,
            ])
    }

    private func progress(_ repository: Repository, _ id: UploadID, size: Int64) -> HTTPFields {
        [
            .location: "/v2/\(repository)/blobs/uploads/\(id)", .dockerUploadID: id.description,
            // The specification has no notation for "nothing yet"; 0-0 is what clients know.
            .range: "0-\(max(0, size - 1))",
        ]
    }

    private func digest(_ call: Call) throws -> Digest? {
        try call.target.value("digest", orThrow: .digestInvalid).map(RegistryRoute.digest)
    }

    /// Refuses what is announced as too large, or has no room, before a byte of it is read.
    private func checkSize(
        _ call: Call, as digest: Digest? = nil, after offset: Int64 = 0, _ repository: Repository
    ) async throws {
        guard let length = call.body.length else { return }
        guard length <= registry.limits.blobSize else {
            throw HubError(
                .blobTooLarge,
                "the blob is larger than the \(registry.limits.blobSize) bytes this hub accepts")
        }
        try await registry.checkRoom(for: length, after: offset, as: digest, in: repository)
    }

    /// The offsets a chunk claims, written `first-last` (distribution-spec 1.1; not the form of RFC 9110).
    private func chunkRange(_ call: Call) throws -> Range<Int64>? {
        guard let header = call.request.headers[.contentRange] else { return nil }
        let bounds = header.split(separator: "-", omittingEmptySubsequences: false)
        guard bounds.count == 2, let first = decimal(bounds[0]), let last = decimal(bounds[1]), last < .max
        else {
            throw HubError(
                .uploadInvalid, "the Content-Range \"\(header.prefix(80))\" is not of the form first-last")
        }
        guard first <= last else {
            throw HubError(.uploadOutOfOrder, "the Content-Range ends before it begins")
        }
        let range = first..<last + 1
        if let length = call.body.length, length != range.upperBound - range.lowerBound {
            throw HubError(
                .uploadOutOfOrder,
                "the Content-Range has \(range.upperBound - range.lowerBound) bytes, the chunk \(length)")
        }
        return range
    }
}
