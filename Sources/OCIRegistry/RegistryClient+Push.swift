// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import OCI

/// What a push of a blob came to.
package enum BlobPush: Hashable, Sendable {
    case uploaded
    /// The repository had it: nothing was sent.
    case alreadyThere
}

extension RegistryClient {
    /// Brings a blob into a repository, unless it is there (distribution-spec 1.1, "Pushing blobs").
    ///
    /// It goes in one piece; a registry, or a proxy before it, that does not take it like that gets it in chunks.
    /// - Parameters:
    ///   - descriptor: what it is.
    ///   - body: its bytes; opened for each attempt.
    ///   - repository: where it goes.
    /// - Returns: whether it had to be sent.
    /// - Throws: `RegistryError`, or what the body's source threw.
    @discardableResult
    package func push(
        _ descriptor: Descriptor, _ body: HTTPBody, to repository: Repository
    ) async throws -> BlobPush {
        let action = "push blob \"\(name(repository))@\(descriptor.digest)\""
        guard body.length == descriptor.size else {
            throw RegistryError.mismatch(
                action,
                body.length < descriptor.size
                    ? .tooShort(expected: descriptor.size, actual: body.length)
                    : .tooLong(limit: descriptor.size))
        }
        let push = BlobUpload(
            client: self, descriptor: descriptor, body: body, repository: repository, action: action)
        return try await retrying {
            // Asked on every attempt: an upload whose answer was lost may have arrived.
            if try await hasBlob(repository, descriptor.digest) { return .alreadyThere }
            try await push.run()
            return .uploaded
        }
    }
}

/// One attempt after the other to upload one blob.
struct BlobUpload {
    let client: RegistryClient
    let descriptor: Descriptor
    let body: HTTPBody
    let repository: Repository
    let action: String

    private static let octets = MediaType.octetStream.rawValue
    /// Refusals of an upload in one piece that chunks may get past: method, length or size not accepted.
    private static let chunkReasons: Set<Int> = [405, 411, 413, 415, 501]

    /// Uploads in one piece, else in chunks.
    func run() async throws {
        let session = try await open()
        var call = call(.put, session.location.adding([("digest", descriptor.digest.description)]))
        call.headers[.contentType] = Self.octets
        call.body = body
        let answer = try await client.exchange(call)
        if Self.chunkReasons.contains(answer.status) {
            try await sendChunks()
        } else {
            try check(answer)
        }
    }

    /// Where an upload goes on.
    struct Session {
        var location: WebLocation
        /// The least a chunk may have, but the last.
        var leastChunk: Int64
    }

    private func open() async throws -> Session {
        let start = try await client.location(repository, "blobs/uploads/")
        let answer = try await client.exchange(call(.post, start))
        guard answer.status == 202 else { throw RegistryError(action, client.host, answer) }
        let least = answer.header("oci-chunk-min-length").flatMap { Int64($0) } ?? 0
        return Session(location: try next(answer), leastChunk: min(max(least, 0), 1 << 30))
    }

    private func call(_ method: HTTPRequest.Method, _ location: WebLocation) -> Call {
        Call(method, location, scope: Scope(repository, [.pull, .push]), action: action)
    }

    /// The location that an answer gives; its query is the registry's own business and is kept.
    private func next(_ answer: Answer) throws -> WebLocation {
        guard let text = answer.response.headerFields[.location],
            var location = answer.location.resolving(text)
        else { throw RegistryError.badAnswer(action, "the registry gives no location to upload to") }
        // A registry behind a TLS proxy may not know that it is: its own name in plain http means https.
        if location.scheme == .http, answer.location.scheme == .https,
            location.origin.host == answer.location.origin.host
        {
            location.scheme = .https
            location.authority = answer.location.authority
        }
        return location
    }

    private func check(_ answer: Answer) throws {
        guard [201, 204].contains(answer.status) else { throw RegistryError(action, client.host, answer) }
        guard let text = answer.header("docker-content-digest"),
            let stored = Digest(text), stored.algorithm == descriptor.digest.algorithm,
            stored != descriptor.digest
        else { return }
        throw RegistryError.mismatch(
            action, .digestMismatch(expected: descriptor.digest, actual: stored))
    }
}

// MARK: - Chunks

extension BlobUpload {
    /// No chunk is made smaller than this because of a 413: below it, size is not what is wrong.
    private static let smallestChunk: Int64 = 256 << 10

    /// Uploads chunk by chunk; a chunk that fails is taken up where the registry says it has got to.
    private func sendChunks() async throws {
        var session = try await open()
        var position: Int64 = 0
        var size = max(client.options.chunkSize, session.leastChunk)
        var failures = 0
        while position < descriptor.size {
            let end = min(position + size, descriptor.size)
            do {
                let answer = try await patch(session.location, position..<end)
                switch answer.status {
                case 202:
                    session.location = try next(answer)
                    let reached = received(answer) ?? end
                    guard reached > position else {
                        throw RegistryError.badAnswer(
                            action, "the registry takes a chunk but none of its bytes")
                    }
                    position = reached
                    failures = 0
                case 413 where size / 2 >= max(Self.smallestChunk, session.leastChunk): size /= 2
                case 416: throw RegistryError.outOfStep(action, client.host, answer)
                default: throw RegistryError(action, client.host, answer)
                }
            } catch let error as RegistryError {
                failures += 1
                let jitter = client.options.clock.jitter()
                guard let delay = client.options.retry.delay(after: error, attempt: failures, jitter: jitter)
                else { throw error.final }
                try await client.options.clock.sleep(delay)
                let answer = try await client.exchange(call(.get, session.location))
                guard [202, 204].contains(answer.status) else {
                    throw RegistryError(action, client.host, answer)
                }
                if answer.response.headerFields[.location] != nil { session.location = try next(answer) }
                position = received(answer) ?? 0
            }
        }
        let end = session.location.adding([("digest", descriptor.digest.description)])
        try check(await client.exchange(call(.put, end)))
    }

    private func patch(_ location: WebLocation, _ range: Range<Int64>) async throws -> Answer {
        var call = call(.patch, location)
        call.headers[.contentType] = Self.octets
        call.headers[.contentRange] = "\(range.lowerBound)-\(range.upperBound - 1)"
        let body = body
        call.body = HTTPBody(length: range.upperBound - range.lowerBound) {
            try SliceSource(of: body.open(), range)
        }
        return try await client.exchange(call)
    }

    /// How many bytes a registry has, by its `Range: 0-<last>` (distribution-spec 1.1, "Pushing a blob in chunks").
    ///
    /// `0-0` is said of one byte and, by older registries, of none: nothing can be taken from it.
    private func received(_ answer: Answer) -> Int64? {
        guard let range = answer.response.headerFields[.range] else { return nil }
        let bounds = range.drop { !$0.isNumber }.split(separator: "-")
        guard bounds.count == 2, bounds[0] == "0", let last = Int64(bounds[1]), last > 0,
            last < descriptor.size
        else { return nil }
        return last + 1
    }
}

extension RegistryError {
    /// The registry has another idea of how far an upload is: asking it settles that.
    fileprivate static func outOfStep(
        _ action: String, _ host: RegistryHost, _ answer: Answer
    ) -> RegistryError {
        var error = RegistryError(action, host, answer)
        error.isTemporary = true
        return error
    }

    /// The same, not to be tried again from the start: it was tried often enough.
    fileprivate var final: RegistryError {
        var error = self
        error.isTemporary = false
        return error
    }
}
