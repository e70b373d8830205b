// SPDX-License-Identifier: Apache-2.0

private import NIOCore
package import OCI

extension Registry {
    /// What is known of the manifest that a tag or digest names.
    ///
    /// Of one that was pushed a moment ago the facts are waited for.
    package func facts(
        of target: Reference.Target, in repository: Repository
    ) async throws -> (digest: Digest, facts: ManifestFacts) {
        let known = try await settledFacts(target, in: repository)
        guard let facts = known.facts else { throw HubError.stillReading(target, in: repository) }
        guard facts.kind != .other else { throw HubError.notAFilter(target, in: repository, facts.reason) }
        return (known.digest, facts)
    }

    /// The module of the image that a tag or digest names.
    ///
    /// Authorized like a pull, though the blob need not be one that the repository serves.
    package func module(
        of target: Reference.Target, in repository: Repository
    ) async throws -> (module: ModuleRecord, reader: any BlobReader) {
        if let found = try await openModule(target, in: repository) { return found }
        let known = try await settledFacts(target, in: repository)
        guard let facts = known.facts else { throw HubError.stillReading(target, in: repository) }
        if let found = try await openModule(target, in: repository) { return found }
        throw HubError.notAFilter(target, in: repository, facts.reason)
    }

    private func openModule(
        _ target: Reference.Target, in repository: Repository
    ) async throws -> (module: ModuleRecord, reader: any BlobReader)? {
        guard let (module, content) = try await metadata.module(target, in: repository),
            let blob = module.blob
        else { return nil }
        if let content { return (module, SmallBlobReader(content)) }
        let reader: any BlobReader
        do {
            reader = try await blobs.open(blob)
        } catch {
            // It may have gone between the two looks.
            guard try await metadata.module(target, in: repository)?.module == module else { return nil }
            throw error
        }
        guard reader.size == module.size else {
            throw HubError(
                .storageFailed, "module \(blob) has \(reader.size) bytes on disk, expected \(module.size)",
                hint: "run 'wasme-hub reindex', or restore the data folder from a backup")
        }
        return (module, reader)
    }

    private func settledFacts(
        _ target: Reference.Target, in repository: Repository
    ) async throws -> KnownFacts {
        let unknown = HubError(
            .manifestUnknown, "repository \"\(repository)\" holds no manifest \"\(target)\"",
            detail: target.description)
        let deadline = ContinuousClock.now + limits.readingWait
        while true {
            guard let known = try await metadata.facts(target, in: repository) else { throw unknown }
            let left = deadline - ContinuousClock.now
            guard known.facts == nil, left > .zero else { return known }
            // In steps: it may have been read between the look and the wait.
            await reading.finish(of: known.id, atMost: min(left, .milliseconds(250)))
        }
    }

    /// Blobs of a repository for whoever reads images.
    func access(to repository: Repository) -> HeldBlobs { HeldBlobs(registry: self, repository: repository) }

    /// Puts a module that was taken out of a layer where blobs are, and records it with the facts.
    ///
    /// It takes the way of a pushed blob, so that scrub, backup and collection know it; only no repository serves it. It
    /// counts for quotas: a small layer may hold a large module. One that has no room is described and not kept.
    func keepModule(_ bytes: [UInt8], _ facts: ManifestFacts, of id: ManifestID) async throws {
        let digest = Digest(of: bytes)
        let session = UploadSession(
            id: UploadID(), repository: try Repository("modules"), owner: nil, algorithm: .sha256,
            startedAt: now())
        let condition = AppendCondition(
            start: 0, count: Int64(bytes.count), limit: Int64(bytes.count), reserve: limits.freeSpace)
        do {
            try await gate.storing(digest) {
                var facts = facts
                facts.module = ModuleRecord(digest: digest, size: Int64(bytes.count), blob: digest)
                if try await isKept(digest) {
                    return try await metadata.keep(facts, of: id, extracted: nil)
                }
                let blob = try await uploads.finish(
                    OneBuffer(bytes), to: session, where: condition, as: digest)
                try await metadata.keep(facts, of: id, extracted: blob)
            }
        } catch let error as HubError where error.code == .quotaExceeded {
            try await uploads.discard(session)
            try await removeStrays([digest])
            var facts = facts
            facts.reason = "its module is not kept: \(error.message)"
            try await metadata.keep(facts, of: id, extracted: nil)
        } catch {
            try await uploads.discard(session)
            throw error
        }
    }

    /// Whether a blob's bytes are here and whole: reading them costs less than to write them again durably.
    private func isKept(_ digest: Digest) async throws -> Bool {
        guard try await metadata.unknownBlobs([digest]).isEmpty,
            let reader = try? await blobs.open(digest)
        else { return false }
        let hasher = DigestHasher(digest.algorithm)
        while hasher.count < reader.size {
            let bytes = try await reader.read(at: hasher.count, count: 256 << 10)
            guard bytes.readableBytes > 0 else { return false }
            bytes.withUnsafeReadableBytes { hasher.update($0) }
        }
        return hasher.finalize() == digest
    }
}

/// The blobs of a repository, each held against its digest as it is read.
struct HeldBlobs: BlobAccess {
    private static let blockSize = 256 << 10

    let registry: Registry
    let repository: Repository

    var isRemote: Bool { false }

    func manifest(_ descriptor: Descriptor) async throws -> ManifestDocument {
        // What a mirror lacks is not fetched for this: it is read when somebody asked for it.
        let manifest = try await registry.heldManifest(.digest(descriptor.digest), in: repository)
        return try ManifestDocument(
            bytes: manifest.bytes, mediaType: manifest.mediaType, algorithm: manifest.digest.algorithm)
    }

    func stream(_ blob: Descriptor, into sink: any ByteSink, after beginning: (any ByteSource)?) async throws
    {
        let reader = try await registry.readHeldBlob(blob.digest, in: repository)
        let verifying = VerifyingSink(blob, into: sink)
        if let beginning { try verifying.replay(beginning) }
        var offset = beginning?.length ?? 0
        while offset < reader.size {
            let count = min(Self.blockSize, Int(reader.size - offset))
            let bytes = try await reader.read(at: offset, count: count)
            guard bytes.readableBytes > 0 else { break }
            try bytes.withUnsafeReadableBytes { try verifying.write($0) }
            offset += Int64(bytes.readableBytes)
        }
        try verifying.finish()
    }

    func referrers(of digest: Digest) async throws -> [Descriptor] { [] }
}

/// Bytes that are all here.
private struct OneBuffer: AsyncSequence, Sendable {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func makeAsyncIterator() -> Iterator { Iterator(bytes: bytes[...]) }

    struct Iterator: AsyncIteratorProtocol {
        var bytes: ArraySlice<UInt8>

        mutating func next() async throws -> ByteBuffer? {
            guard !bytes.isEmpty else { return nil }
            defer { bytes = bytes.dropFirst(256 << 10) }
            return ByteBuffer(bytes: bytes.prefix(256 << 10))
        }
    }
}

extension HubError.Code {
    /// The manifest is there, and is no filter.
    package static let notAFilter = Self("MODULE_UNKNOWN")
    /// The manifest is there, and was not read yet.
    package static let stillReading = Self("UNAVAILABLE", kind: "reading")
}

extension HubError {
    fileprivate static func notAFilter(
        _ target: Reference.Target, in repository: Repository, _ reason: String?
    ) -> Self {
        Self(
            .notAFilter,
            "\"\(target)\" of repository \"\(repository)\" holds no WebAssembly module that the hub can read\(reason.map { ": \($0)" } ?? "")",
            detail: target.description)
    }

    fileprivate static func stillReading(_ target: Reference.Target, in repository: Repository) -> Self {
        Self(
            .stillReading, "\"\(target)\" of repository \"\(repository)\" was not read yet",
            detail: target.description, hint: "try again in a moment")
    }
}
