// SPDX-License-Identifier: Apache-2.0

import Logging
package import NIOCore
package import OCI
private import Synchronization

/// The bytes of a blob that still arrive, which others read already.
package protocol PartialBlob: ByteSink, Sendable {
    /// Bytes that are here.
    var count: Int64 { get }
    /// Those bytes, to be read once more from the beginning.
    func source() throws -> any ByteSource
    /// Reads some bytes that are here; also when they were moved or removed meanwhile.
    func read(at offset: Int64, count: Int) async throws -> ByteBuffer
}

/// Blobs that are on their way from other registries: each is fetched once, whoever and however many want it.
final class BlobFetches: Sendable {
    private let running = Mutex<[Digest: BlobFetch]>([:])

    /// Whose uploads these are: nobody's, so that no client can reach them by their names.
    private static let owner = AccountID(-1)

    /// The fetch of a blob for a repository, which is begun if it is not under way.
    ///
    /// The caller has made sure that the repository may hold the blob. The fetch goes on if nobody waits for it any more:
    /// what has come is kept, and the next one goes on from there, after a restart too.
    func fetch(
        _ descriptor: Descriptor, for repository: Repository, with registry: Registry,
        _ send: @escaping @Sendable (any ByteSink & Sendable, (any ByteSource)?) async throws -> Void
    ) -> BlobFetch {
        running.withLock { running in
            if let fetch = running[descriptor.digest], fetch.join(repository) { return fetch }
            let fetch = BlobFetch(descriptor, for: repository)
            running[descriptor.digest] = fetch
            Task {
                let result: Result<Void, any Error>
                do {
                    try await Self.perform(fetch, registry, send)
                    result = .success(())
                } catch {
                    result = .failure(error)
                }
                let repositories = fetch.close()
                self.running.withLock { $0[descriptor.digest] = nil }
                await Self.adopt(descriptor.digest, repositories, registry)
                fetch.end(result)
            }
            return fetch
        }
    }

    private static func perform(
        _ fetch: BlobFetch, _ registry: Registry,
        _ send: @Sendable (any ByteSink & Sendable, (any ByteSource)?) async throws -> Void
    ) async throws {
        let digest = fetch.descriptor.digest
        guard fetch.descriptor.size <= registry.limits.blobSize else {
            throw HubError(
                .blobTooLarge,
                "the blob is larger than the \(registry.limits.blobSize) bytes this hub accepts")
        }
        guard let id = UploadID(digest.hex.prefix(32)) else {
            preconditionFailure("a digest is no name of an upload")
        }
        let session = UploadSession(
            id: id, repository: fetch.repository, owner: owner, algorithm: digest.algorithm,
            startedAt: registry.now())
        // Recorded, so that a restart leaves it and the collector removes it when it is never finished.
        try await registry.metadata.beginFetch(session)
        do {
            let partial = try await registry.uploads.openPartial(session)
            try registry.checkSpace(for: fetch.descriptor.size - partial.count)
            fetch.begin(partial)
            try await send(fetch, partial.count > 0 ? try partial.source() : nil)
            try await registry.gate.storing(digest) {
                let blob = try await registry.uploads.finish(
                    NoBytes(), to: session, where: AppendCondition(limit: registry.limits.blobSize),
                    as: digest)
                try await registry.metadata.commitBlob(blob, to: fetch.repository, ending: id)
            }
        } catch let error as HubError where error.code == .quotaExceeded {
            // Whoever asked gets it all the same; it is only not kept.
            registry.mirrors.logger.warning("a blob is not kept", metadata: ["reason": "\(error.message)"])
            try await forget(session, registry)
            try await registry.removeStrays([digest])
        } catch let error as HubError
            where [.upstreamInvalid, .digestInvalid, .storageFailed].contains(error.code)
        {
            // No further byte can mend it.
            try await forget(session, registry)
            throw error
        }
    }

    private static func forget(_ session: UploadSession, _ registry: Registry) async throws {
        try await registry.uploads.discard(session)
        _ = try await registry.metadata.endUpload(session.id)
    }

    /// Gives the blob to the repositories that joined.
    private static func adopt(_ digest: Digest, _ repositories: [Repository], _ registry: Registry) async {
        for repository in repositories {
            do {
                _ = try await registry.metadata.adoptBlob(digest, in: repository)
            } catch {
                registry.mirrors.logger.warning(
                    "a blob is not kept", metadata: ["repository": "\(repository)", "reason": "\(error)"])
            }
        }
    }
}

/// No more bytes.
private struct NoBytes: AsyncSequence, Sendable {
    struct Iterator: AsyncIteratorProtocol {
        mutating func next() async throws -> ByteBuffer? { nil }
    }
    func makeAsyncIterator() -> Iterator { Iterator() }
}

/// One blob on its way: takes what arrives, and lets those who wait read it.
final class BlobFetch: ByteSink, Sendable {
    let descriptor: Descriptor
    /// Who wanted it first, and keeps it.
    let repository: Repository
    private let state = Mutex(State())

    private struct State {
        var partial: (any PartialBlob)?
        /// Bytes that may be read; those of an earlier time only when new ones have come.
        var available: Int64 = 0
        var end: Result<Void, any Error>?
        /// Other repositories that want it; nil when it is too late for them.
        var others: [Repository]? = []
        var waiting: [(offset: Int64, continuation: CheckedContinuation<Void, any Error>)] = []
    }

    init(_ descriptor: Descriptor, for repository: Repository) {
        self.descriptor = descriptor
        self.repository = repository
    }

    /// Wants the blob for a repository, too; false if it is too late.
    func join(_ repository: Repository) -> Bool {
        state.withLock { state in
            guard state.others != nil else { return false }
            if repository != self.repository, state.others?.contains(repository) == false {
                state.others?.append(repository)
            }
            return true
        }
    }

    /// Lets nobody join any more.
    func close() -> [Repository] {
        state.withLock { state in
            defer { state.others = nil }
            return state.others ?? []
        }
    }

    func begin(_ partial: any PartialBlob) { state.withLock { $0.partial = partial } }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard let partial = state.withLock(\.partial) else { return }
        try partial.write(bytes)
        // The last byte waits until the digest was found right and the blob is kept.
        advance { $0.available = min(partial.count, descriptor.size - 1) }
    }

    func end(_ result: Result<Void, any Error>) {
        advance { state in
            state.end = result
            if case .success = result { state.available = descriptor.size }
        }
    }

    private func advance(_ change: (inout State) -> Void) {
        let ready = state.withLock { state in
            change(&state)
            let available = state.available
            let isOver = state.end != nil
            let ready = state.waiting.filter { isOver || $0.offset < available }
            state.waiting.removeAll { isOver || $0.offset < available }
            return ready.map { waiter in
                let failure: (any Error)? =
                    if waiter.offset >= available, case .failure(let error)? = state.end { error } else {
                        nil
                    }
                return (waiter.continuation, failure)
            }
        }
        for (continuation, failure) in ready {
            if let failure { continuation.resume(throwing: failure) } else { continuation.resume() }
        }
    }

    /// Waits until a byte can be read, or the blob is complete.
    private func wait(for offset: Int64) async throws {
        try await withCheckedThrowingContinuation { continuation in
            let now: Result<Void, any Error>? = state.withLock { state in
                if offset < state.available { return .success(()) }
                if let end = state.end { return end }
                state.waiting.append((offset, continuation))
                return nil
            }
            if let now { continuation.resume(with: now) }
        }
    }

    /// Waits until the blob is complete and kept.
    func finish() async throws { try await wait(for: .max) }

    /// Waits until it begins to arrive.
    /// - Returns: reads it while the rest arrives.
    func reader() async throws -> any BlobReader {
        try await wait(for: 0)
        return Reader(fetch: self)
    }

    private struct Reader: BlobReader {
        let fetch: BlobFetch
        var size: Int64 { fetch.descriptor.size }

        func read(at offset: Int64, count: Int) async throws -> ByteBuffer {
            guard offset < size else { return ByteBuffer() }
            try await fetch.wait(for: offset)
            let (partial, available) = fetch.state.withLock { ($0.partial, $0.available) }
            guard let partial else { return ByteBuffer() }
            return try await partial.read(at: offset, count: min(count, Int(available - offset)))
        }
    }
}
