// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import OCI

extension RegistryClient {
    /// Whether a repository has a blob (distribution-spec 1.1, "Checking if content exists in the registry").
    package func hasBlob(_ repository: Repository, _ digest: Digest) async throws -> Bool {
        try await hasBlob(repository, digest, for: [.pull])
    }

    /// The same with the rights that will be needed next, so that one token does for all.
    func hasBlob(
        _ repository: Repository, _ digest: Digest, for actions: Set<Scope.Action>
    ) async throws -> Bool {
        let call = Call(
            .head, location(repository, "blobs/\(digest)"), scope: Scope(repository, actions),
            action: "look for blob \"\(name(repository))@\(digest)\"")
        return try await retrying {
            let answer = try await exchange(call)
            switch answer.status {
            case 200: return true
            case 404: return false
            default: throw RegistryError(call.action, host, answer)
            }
        }
    }

    /// What a repository says of a blob, without fetching it; nil if it has none.
    package func describeBlob(_ repository: Repository, _ digest: Digest) async throws -> Descriptor? {
        let call = Call(
            .head, location(repository, "blobs/\(digest)"), scope: Scope(repository, [.pull]),
            action: "look for blob \"\(name(repository))@\(digest)\"")
        return try await retrying {
            let answer = try await exchange(call)
            guard answer.status != 404 else { return nil }
            guard answer.status == 200 else { throw RegistryError(call.action, host, answer) }
            guard let size = answer.response.headerFields[.contentLength].flatMap({ Int64($0) }), size >= 0
            else { throw RegistryError.badAnswer(call.action, "the registry does not say how large it is") }
            return Descriptor(mediaType: .octetStream, digest: digest, size: size)
        }
    }

    /// Fetches a blob; when this returns, exactly the promised bytes went into the sink.
    ///
    /// A connection that breaks is taken up again where it broke, so the sink sees every byte once.
    /// - Parameters:
    ///   - repository: where it is.
    ///   - descriptor: what it has to be.
    ///   - sink: gets the bytes; one that is owned by this transfer.
    ///   - beginning: the blob's first bytes, kept from an earlier transfer. They are hashed and not fetched again,
    ///     and the sink gets what follows them.
    /// - Throws: `RegistryError`, or what the sink threw.
    package func blob(
        _ repository: Repository, _ descriptor: Descriptor, into sink: any ByteSink,
        after beginning: (any ByteSource)? = nil
    ) async throws {
        let location = location(repository, "blobs/\(descriptor.digest)")
        let action = "read blob \"\(name(repository))@\(descriptor.digest)\""
        let download = Download(descriptor, into: sink, action: action)
        do {
            if let beginning { try download.replay(beginning) }
            try await retrying {
                while !download.isComplete {
                    var call = Call(.get, location, scope: Scope(repository, [.pull]), action: action)
                    call.headers[.range] = download.range
                    call.receive = { head in try download.begin(head) }
                    do {
                        let answer = try await exchange(call)
                        if answer.status == 416, download.range != nil { throw WrongRange() }
                        guard [200, 206].contains(answer.status) else {
                            throw RegistryError(action, host, answer)
                        }
                        return
                    } catch is WrongRange {
                        download.giveUpRanges()
                    }
                }
            }
            try download.finish()
        } catch let error as ByteStreamError {
            throw RegistryError.mismatch(action, error)
        }
    }
}

extension RegistryClient {
    /// Fetches a part of a blob (distribution-spec 1.1, "Pulling blobs"; RFC 9110 §14).
    ///
    /// A part cannot be held against the digest: who uses it has to say so.
    /// - Parameters:
    ///   - repository: where the blob is.
    ///   - descriptor: the blob.
    ///   - range: the bytes, inside the blob.
    /// - Returns: the bytes, or nil if the registry gives blobs as a whole only.
    /// - Throws: `RegistryError`.
    package func part(
        _ repository: Repository, _ descriptor: Descriptor, _ range: Range<Int64>
    ) async throws -> [UInt8]? {
        guard !range.isEmpty else { return [] }
        let action = "read a part of blob \"\(name(repository))@\(descriptor.digest)\""
        let wanted = "bytes \(range.lowerBound)-\(range.upperBound - 1)/"
        let sink = PartSink(limit: range.count)
        var call = Call(
            .get, location(repository, "blobs/\(descriptor.digest)"),
            scope: Scope(repository, [.pull]), action: action)
        call.headers[.range] = "bytes=\(range.lowerBound)-\(range.upperBound - 1)"
        call.receive = { head in
            // The whole blob: its body is not waited for.
            guard head.status.code == 206 else { throw WholeOnly() }
            let given = head.headerFields[.contentRange] ?? ""
            guard given.lowercased().hasPrefix(wanted) else {
                throw RegistryError.badAnswer(
                    action, "\"\(wanted)\" was asked for, but \"\(shownText(given, limit: 60))\" came")
            }
            sink.reset()
            return sink
        }
        do {
            let answer = try await perform(call)
            guard answer.status == 206 else { return nil }
        } catch is WholeOnly {
            return nil
        } catch let error as ByteStreamError {
            throw RegistryError.mismatch(action, error)
        }
        guard sink.bytes.count == range.count else {
            throw RegistryError.mismatch(
                action, .tooShort(expected: Int64(range.count), actual: Int64(sink.bytes.count)))
        }
        return sink.bytes
    }
}

/// The registry cannot give the part of a blob that is missing here.
private struct WrongRange: Error {}

/// The registry answers with the whole blob.
private struct WholeOnly: Error {}

/// Keeps the bytes of one part; written on the transport's thread, read by its owner after the exchange.
private final class PartSink: ByteSink, @unchecked Sendable {
    private(set) var bytes: [UInt8] = []
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    func reset() { bytes = [] }

    func write(_ chunk: UnsafeRawBufferPointer) throws {
        guard chunk.count <= limit - bytes.count else { throw ByteStreamError.tooLong(limit: Int64(limit)) }
        bytes.append(contentsOf: chunk)
    }
}

/// The state of one download over all its attempts.
///
/// Used by one attempt at a time: on the transport's thread while an exchange runs, by its owner in between; the
/// transport's return orders the two. That is what makes it safe to send.
private final class Download: ByteSink, @unchecked Sendable {
    private let descriptor: Descriptor
    private let action: String
    private let target: Gate
    private let verifier: VerifyingSink
    /// Bytes of the blob that were taken.
    private(set) var position: Int64 = 0
    /// Bytes that a server sends although they are here already.
    private var surplus: Int64 = 0
    private var asksForRanges = true

    init(_ descriptor: Descriptor, into sink: any ByteSink, action: String) {
        self.descriptor = descriptor
        self.action = action
        target = Gate(sink)
        verifier = VerifyingSink(descriptor, into: target)
    }

    /// An empty blob is asked for all the same: it may not exist.
    var isComplete: Bool { position == descriptor.size && position > 0 }

    /// The `Range` to ask for: what is missing; nil for all.
    var range: String? { asksForRanges && position > 0 ? "bytes=\(position)-" : nil }

    /// From now on the blob is asked for whole, and what is here is skipped.
    func giveUpRanges() { asksForRanges = false }

    /// Hashes bytes that are here from an earlier time.
    func replay(_ source: any ByteSource) throws {
        target.isOpen = false
        defer { target.isOpen = true }
        try source.seek(to: 0)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 1)
        defer { buffer.deallocate() }
        while case let count = try source.read(into: buffer), count > 0 {
            try verifier.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            position += Int64(count)
        }
    }

    /// Takes the head of an answer: the whole blob, or the rest of it (RFC 9110 §14.4).
    func begin(_ head: HTTPResponse) throws -> any ByteSink {
        guard head.status.code == 206 else {
            surplus = position
            return self
        }
        let range = head.headerFields[.contentRange] ?? ""
        guard range.lowercased().hasPrefix("bytes \(asksForRanges ? position : 0)-") else {
            if self.range != nil { throw WrongRange() }
            throw RegistryError.badAnswer(
                action, "part \"\(shownText(range, limit: 60))\" came, which was not asked for")
        }
        surplus = asksForRanges ? 0 : position
        return self
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        let skipped = Int(min(surplus, Int64(bytes.count)))
        surplus -= Int64(skipped)
        let rest = UnsafeRawBufferPointer(rebasing: bytes[skipped...])
        try verifier.write(rest)
        position += Int64(rest.count)
    }

    func finish() throws { try verifier.finish() }

    /// Lets bytes through to the caller's sink, or only counts as hashed.
    private final class Gate: ByteSink {
        private let sink: any ByteSink
        var isOpen = true
        init(_ sink: any ByteSink) { self.sink = sink }
        func write(_ bytes: UnsafeRawBufferPointer) throws { if isOpen { try sink.write(bytes) } }
    }
}
