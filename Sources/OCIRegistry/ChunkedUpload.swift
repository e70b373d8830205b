// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import OCI

/// The upload of one blob chunk by chunk (distribution-spec 1.1, "Pushing a blob in chunks").
///
/// A registry keeps what it has got of a session, so that a break costs the chunk at hand at most. Whether it keeps part
/// of a chunk is its own affair; it is asked. Chunks begin small and grow with the speed of the way: a fast one has few
/// of them, and a slow one loses little.
struct ChunkedUpload {
    private let upload: BlobUpload
    private let record: (any UploadRecord)?
    private let resumed: @Sendable (Int64) -> Void
    private let mayGoWhole: Bool

    private var session: UploadSession?
    /// Bytes that the registry has.
    private var position: Int64 = 0
    /// The most it ever had: only what goes beyond is progress.
    private var reached: Int64 = 0
    /// Whether the registry takes no chunks.
    private var goesWhole = false
    /// Whether only the registry knows how far it is.
    private var isInDoubt = false
    /// Whether the session is one of an earlier run.
    private var isOld = false
    private var chunk: Int64
    /// The most that a chunk may have, as learnt from a 413.
    private var most = Self.largestChunk

    /// No chunk is made smaller than this because of a 413: below it, size is not what is wrong.
    private static let smallestChunk: Int64 = 256 << 10
    private static let largestChunk: Int64 = 512 << 20
    /// How long a chunk may be on its way.
    private static let chunkTime = Duration.seconds(10)
    /// Answers to a first chunk by registries that take none.
    private static let wholeReasons: Set<Int> = [400, 404, 405, 411, 415, 416, 501]
    /// Answers to a later chunk by registries that have another idea of where the upload is. (409, to any chunk, says
    /// that an earlier request is not over yet.)
    private static let doubtReasons: Set<Int> = [400, 404, 416]

    /// The upload of a large blob.
    /// - Parameters:
    ///   - upload: the blob.
    ///   - opened: a session that was begun just now.
    ///   - record: what an earlier run left, and what a later one will find.
    ///   - resumed: told how many bytes an earlier run has brought there.
    init(
        _ upload: BlobUpload, _ opened: UploadSession?, _ record: (any UploadRecord)?,
        _ resumed: @escaping @Sendable (Int64) -> Void
    ) {
        self.upload = upload
        self.record = record
        self.resumed = resumed
        mayGoWhole = true
        session = opened
        chunk = upload.client.options.chunkSize
    }

    /// The upload of a blob that did not get there whole.
    init(_ upload: BlobUpload) {
        self.upload = upload
        record = nil
        resumed = { _ in }
        mayGoWhole = false
        chunk = upload.client.options.chunkSize
    }

    private var options: RegistryOptions { upload.client.options }
    private var size: Int64 { upload.descriptor.size }

    /// Uploads the blob, waiting out passing trouble.
    mutating func run() async throws -> BlobPush {
        if let text = record?.location, let location = WebLocation(text) {
            if let session { await upload.cancel(session) }
            session = UploadSession(location)
            isInDoubt = true
            isOld = true
        }
        var failures = 0
        while true {
            do {
                if try await step() {
                    record?.forget()
                    return .uploaded
                }
                if position > reached { failures = 0 }
                reached = max(reached, position)
            } catch let error as RegistryError {
                failures += 1
                let jitter = options.clock.jitter()
                guard let delay = options.retry.delay(after: error, attempt: failures, jitter: jitter) else {
                    try await end(error)
                    continue
                }
                try await options.clock.sleep(delay)
                isInDoubt = true
            }
        }
    }

    /// Gives up, or starts over where only the past is to blame.
    private mutating func end(_ error: RegistryError) async throws {
        guard !error.isTemporary else { throw error.final }
        if let session { await upload.cancel(session) }
        record?.forget()
        // What an earlier run brought there may not be this blob.
        guard isOld, error.serverCodes.contains("DIGEST_INVALID") else { throw error }
        startOver()
    }

    private mutating func startOver() {
        session = nil
        position = 0
        isInDoubt = false
        isOld = false
    }

    /// One exchange that brings the upload further.
    /// - Returns: whether the blob is stored.
    private mutating func step() async throws -> Bool {
        if goesWhole {
            if isInDoubt, try await isThere() { return true }
            try await upload.sendWhole(nil, orChunks: false)
            return true
        }
        guard let session else {
            isInDoubt = false
            let opened = try await upload.open()
            record?.keep(opened.location.text)
            self.session = opened
            return false
        }
        if isInDoubt { return try await ask(session) }
        if position < size { return try await send(session) }
        let answer = try await upload.client.exchange(
            upload.call(.put, session.location.adding([upload.digestItem])))
        try upload.check(answer)
        return true
    }

    /// Asks the registry how far the upload is (distribution-spec 1.1, "Pushing a blob in chunks").
    private mutating func ask(_ session: UploadSession) async throws -> Bool {
        let answer = try await upload.client.exchange(upload.call(.get, session.location))
        guard answer.response.status.kind == .successful else {
            let error = RegistryError(upload.action, upload.client.host, answer)
            if error.isTemporary { throw error }
            // A session that is gone may be done: the answer to its end may have been lost.
            if try await isThere() { return true }
            let wasOld = isOld
            startOver()
            record?.forget()
            // A session of an earlier run may have ended of old age; one of this run has met trouble.
            if wasOld { return false }
            throw error.temporary
        }
        if answer.response.headerFields[.location] != nil { try goOn(to: answer) }
        position = UploadSession.received(answer, of: size) ?? 0
        isInDoubt = false
        if isOld, position > 0 { resumed(position) }
        return false
    }

    private func isThere() async throws -> Bool {
        try await upload.client.hasBlob(upload.repository, upload.descriptor.digest, for: [.pull, .push])
    }

    private mutating func goOn(to answer: Answer) throws {
        let location = try UploadSession.next(answer, upload.action)
        session?.location = location
        record?.keep(location.text)
    }

    /// Sends the next chunk.
    private mutating func send(_ session: UploadSession) async throws -> Bool {
        let least = max(session.leastChunk, 1)
        let planned = max(min(chunk, most), least)
        let end = min(position + planned, size)
        let started = options.clock.now()
        let answer = try await patch(session.location, position..<end)
        switch answer.status {
        case 202:
            try goOn(to: answer)
            let reached = UploadSession.received(answer, of: size) ?? end
            guard reached > position else {
                throw RegistryError.badAnswer(
                    upload.action, "the registry takes a chunk but none of its bytes")
            }
            grow(after: reached - position, in: options.clock.now() - started)
            position = reached
        case 413 where smaller(than: end - position, planned) >= max(Self.smallestChunk, least):
            most = smaller(than: end - position, planned)
        case let status where position == 0 && mayGoWhole && Self.wholeReasons.contains(status):
            await upload.cancel(session)
            record?.forget()
            startOver()
            goesWhole = true
        case let status where status == 409 || position > 0 && Self.doubtReasons.contains(status):
            throw RegistryError(upload.action, upload.client.host, answer).temporary
        default: throw RegistryError(upload.action, upload.client.host, answer)
        }
        return false
    }

    /// The plan, halved until less goes at once than before.
    private func smaller(than bytes: Int64, _ planned: Int64) -> Int64 {
        var next = planned / 2
        while next >= bytes { next /= 2 }
        return next
    }

    private mutating func grow(after bytes: Int64, in time: Duration) {
        guard time > .zero else { return }
        let fitting = Double(bytes) * (Self.chunkTime / time)
        // A burst may be luck: not all of it is believed at once.
        chunk = max(Int64(min(fitting, Double(chunk) * 8)), options.chunkSize)
    }

    private func patch(_ location: WebLocation, _ range: Range<Int64>) async throws -> Answer {
        var call = upload.call(.patch, location)
        call.headers[.contentType] = BlobUpload.octets
        call.headers[.contentRange] = "\(range.lowerBound)-\(range.upperBound - 1)"
        let body = upload.body
        call.body = HTTPBody(length: range.upperBound - range.lowerBound) {
            try SliceSource(of: body.open(), range)
        }
        return try await upload.client.exchange(call)
    }
}

extension RegistryError {
    /// Asking the registry, or beginning anew, may settle it.
    fileprivate var temporary: RegistryError {
        var error = self
        error.isTemporary = true
        return error
    }

    /// Not to be tried again from the start: it was tried often enough.
    fileprivate var final: RegistryError {
        var error = self
        error.isTemporary = false
        return error
    }
}
