// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import OCI

/// The upload of one blob, over all its attempts.
struct BlobUpload {
    let client: RegistryClient
    let descriptor: Descriptor
    let body: HTTPBody
    let repository: Repository
    let action: String
    /// Whether the blob is likely to be there, so that it is asked about however small it is.
    let asksFirst: Bool

    static let octets = MediaType.octetStream.rawValue
    /// A blob of this size arrives as fast as the question whether it is there: a configuration, a licence.
    ///
    /// It fits into the first flight of a TCP connection, ten segments (RFC 6928), with room to spare.
    private static let tiny: Int64 = 4 << 10
    /// Refusals of an upload in one piece that chunks may get past: method, length or size not accepted.
    private static let chunkReasons: Set<Int> = [405, 411, 413, 415, 501]

    /// Whether chunks are worth their round trips: what breaks off is large.
    private var isLarge: Bool { descriptor.size > client.options.chunkSize }

    /// Brings the blob there by the shortest way that the registry takes.
    func run(
        mountFrom sources: [Repository], _ journal: (any UploadJournal)?,
        _ resumed: @escaping @Sendable (Int64) -> Void
    ) async throws -> BlobPush {
        var session: UploadSession?
        let sources = sources.filter { $0 != repository }
        for (number, source) in sources.enumerated() {
            let isLast = number == sources.count - 1
            switch try await mount(from: source) {
            case .mounted: return .mounted(from: source)
            case .refused: continue
            case .session(let opened):
                if isLast { session = opened } else { await cancel(opened) }
            }
        }
        var isFirst = true
        return try await client.retrying {
            defer {
                isFirst = false
                session = nil
            }
            // Asked on every other attempt: an upload whose answer was lost may have arrived.
            if !isFirst || asksFirst || descriptor.size > Self.tiny,
                try await client.hasBlob(repository, descriptor.digest, for: [.pull, .push])
            {
                if let session { await cancel(session) }
                return .alreadyThere
            }
            if isLarge {
                let record = journal?.record(of: descriptor.digest, in: repository, at: client.host)
                var upload = ChunkedUpload(self, session, record, resumed)
                return try await upload.run()
            }
            if session == nil, descriptor.size <= Self.tiny, !asksFirst, try await sendAtOnce(&session) {
                return .uploaded
            }
            try await sendWhole(session)
            return .uploaded
        }
    }

    func call(_ method: HTTPRequest.Method, _ location: WebLocation) -> Call {
        Call(method, location, scope: Scope(repository, [.pull, .push]), action: action)
    }

    /// Begins an upload.
    func open() async throws -> UploadSession {
        let start = client.location(repository, "blobs/uploads/")
        let answer = try await client.exchange(call(.post, start))
        guard answer.status == 202 else { throw RegistryError(action, client.host, answer) }
        return try UploadSession(answer, action)
    }

    /// Tells the registry that nothing more comes, so that it need not keep what came; that may fail without harm.
    func cancel(_ session: UploadSession) async {
        _ = try? await client.exchange(call(.delete, session.location))
    }

    /// Fails unless the answer says that the blob is stored, and as what it is.
    func check(_ answer: Answer) throws {
        guard [201, 204].contains(answer.status) else { throw RegistryError(action, client.host, answer) }
        guard let text = answer.header("docker-content-digest"),
            let stored = Digest(text), stored.algorithm == descriptor.digest.algorithm,
            stored != descriptor.digest
        else { return }
        throw RegistryError.mismatch(
            action, .digestMismatch(expected: descriptor.digest, actual: stored))
    }

    var digestItem: (name: String, value: String) { ("digest", descriptor.digest.description) }
}

// MARK: - Without a session

extension BlobUpload {
    private enum Mount {
        case mounted
        /// The registry wants the bytes.
        case session(UploadSession)
        case refused
    }

    /// Asks the registry to take the blob over from another repository (distribution-spec 1.1, "Mounting a blob from
    /// another repository").
    private func mount(from source: Repository) async throws -> Mount {
        let start = client.location(repository, "blobs/uploads/").adding([
            ("mount", descriptor.digest.description), ("from", client.endpoint.path(of: source)),
        ])
        var call = call(.post, start)
        call.scope?.sources = [source]
        return try await client.retrying { [call] in
            let answer = try await client.exchange(call)
            switch answer.status {
            case 201:
                try check(answer)
                return .mounted
            case 202: return .session(try UploadSession(answer, action))
            default:
                let error = RegistryError(action, client.host, answer)
                if error.isTemporary { throw error }
                // Whoever may not read there may still upload here.
                return .refused
            }
        }
    }

    /// Sends the blob with the request that would begin an upload (distribution-spec 1.1, "Single POST").
    /// - Parameter session: the upload that a registry begins if it does not know this way.
    /// - Returns: whether it took the blob.
    /// - Throws: `RegistryError`.
    private func sendAtOnce(_ session: inout UploadSession?) async throws -> Bool {
        guard client.endpoint.takesSinglePost else { return false }
        let start = client.location(repository, "blobs/uploads/")
        var call = call(.post, start.adding([digestItem]))
        call.headers[.contentType] = Self.octets
        call.body = body
        let answer = try await client.exchange(call)
        switch answer.status {
        case 201, 204:
            try check(answer)
            return true
        case 202:
            client.endpoint.takesSinglePost = false
            session = try UploadSession(answer, action)
            return false
        case 401, 403, 429, 502...504: throw RegistryError(action, client.host, answer)
        default:
            // A wrong digest is refused in this way too; the next way says so.
            client.endpoint.takesSinglePost = false
            return false
        }
    }
}

// MARK: - In one piece

extension BlobUpload {
    /// Uploads in one piece, else in chunks.
    /// - Parameters:
    ///   - opened: an upload that was begun already.
    ///   - orChunks: whether chunks are tried where one piece is refused.
    /// - Throws: `RegistryError`, or what the body's source threw.
    func sendWhole(_ opened: UploadSession?, orChunks: Bool = true) async throws {
        var session = opened
        if session == nil { session = try await open() }
        guard let session else { return }
        var call = call(.put, session.location.adding([digestItem]))
        call.headers[.contentType] = Self.octets
        call.body = body
        let answer = try await client.exchange(call)
        if [201, 204].contains(answer.status) { return try check(answer) }
        await cancel(session)
        guard orChunks, Self.chunkReasons.contains(answer.status) else {
            throw RegistryError(action, client.host, answer)
        }
        var upload = ChunkedUpload(self)
        _ = try await upload.run()
    }
}
