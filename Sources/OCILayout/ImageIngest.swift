// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
package import Files
package import OCI
private import Synchronization
private import SystemPackage

/// Blobs on their way into a store, out of sight until they are committed.
///
/// Several tasks may bring different blobs at once; one of them commits when all are there. What an ingest was told
/// to be in the store already stays there until the ingest ends, whoever removes images meanwhile.
package final class ImageIngest: Sendable {
    private let store: ImageStore
    private let folder: FilePath
    private let lock: FileLock?
    private let received = Mutex<[Digest: Arrival]>([:])

    /// A blob that came and is not committed yet.
    private struct Arrival: Sendable {
        let file: FilePath
        let size: Int64
        /// What keeps others from the file, where it lies at a place of all processes.
        var lock: FileLock?
    }

    init(store: ImageStore) throws {
        self.store = store
        folder = store.root.appending("ingest").appending(Files.randomName())
        try Files.createDirectory(folder)
        lock = try FileLock(folder.appending("lock"), wait: false)
    }

    /// What no other ingest is called.
    package var name: String { folder.string }

    /// Drops what was not committed; the beginnings of blobs stay for the next transfer.
    func close() { try? Files.remove(folder) }

    /// Whether a blob need not be brought: it is in the store or came in already.
    package func contains(_ descriptor: Descriptor) -> Bool {
        let arrived = received.withLock { $0[descriptor.digest]?.size == descriptor.size }
        return arrived
            || ((try? store.count(on: [descriptor.digest], in: folder) { store.contains(descriptor) })
                ?? false)
    }

    /// Takes in bytes made here.
    package func add(
        _ bytes: [UInt8], mediaType: MediaType, annotations: [String: String]? = nil
    ) throws -> Descriptor {
        let descriptor = Descriptor(of: bytes, mediaType: mediaType, annotations: annotations)
        try add(bytes, descriptor)
        return descriptor
    }

    private func add(_ bytes: [UInt8], _ descriptor: Descriptor) throws {
        if received.withLock({ $0[descriptor.digest] != nil }) { return }
        // With the bytes at hand, a damaged file is found out by reading it.
        let path = store.path(descriptor.digest)
        if contains(descriptor), (try? Files.read(path, limit: bytes.count)) == bytes { return }
        let sink = try FileSink(folder.appending(descriptor.digest.fileName))
        try bytes.withUnsafeBytes { try sink.write($0) }
        try sink.finish(durably: false)
        arrive(descriptor, sink.path)
    }

    /// Takes in bytes from elsewhere; `write` fills the sink and vouches that the bytes are the descriptor's, as
    /// `OCI.copy` does.
    package func receive(_ descriptor: Descriptor, _ write: (FileSink) async throws -> Void) async throws {
        guard !contains(descriptor) else { return }
        let sink = try FileSink(folder.appending(Files.randomName()))
        try await write(sink)
        try sink.finish(durably: false)
        try checkSize(sink.path, descriptor)
        arrive(descriptor, sink.path)
    }

    /// Takes in bytes from elsewhere, going on where an earlier transfer broke off, in whatever process that was.
    ///
    /// If `write` throws, what came until then stays for the next transfer, unless it cannot be the beginning of the
    /// blob. `write` fills the sink with what follows the beginning, if there is one, and vouches that both together are the
    /// blob, as the registry client does while it reads. It is called once more, without a beginning, if the one it was
    /// given was of no use.
    package func receive(
        _ descriptor: Descriptor, _ write: (FileSink, _ beginning: FileSource?) async throws -> Void
    ) async throws {
        guard !contains(descriptor) else { return }
        let file = store.root.appending("partial").appending(descriptor.digest.fileName)
        guard let lock = try FileLock(file, wait: false) else {
            // Another process is at it. The same bytes come twice; but nobody waits for somebody else's network.
            return try await receive(descriptor) { try await write($0, nil) }
        }
        let sink = try FileSink(continuing: file)
        var beginning: FileSource? = try FileSource(file)
        if let length = beginning?.length, length == 0 || length > descriptor.size {
            beginning = nil
            try sink.reset()
        }
        do {
            try await write(sink, beginning)
            try sink.finish(durably: false)
            try checkSize(file, descriptor)
        } catch {
            let size = Files.size(file) ?? 0
            guard size > 0 else {
                try? Files.remove(file)
                throw error
            }
            // Whole, and yet refused: then it is something else. A beginning that was taken over may be to blame.
            guard !Task.isCancelled, size >= descriptor.size else { throw error }
            try Files.remove(file)
            guard beginning != nil else { throw error }
            return try await receive(descriptor, write)
        }
        arrive(descriptor, file, lock)
    }

    /// Opens a blob that came in, or that the store had before.
    package func open(_ descriptor: Descriptor) throws -> FileSource {
        guard let arrival = received.withLock({ $0[descriptor.digest] }) else {
            return try store.open(descriptor)
        }
        return try FileSource(arrival.file)
    }

    /// Forgets a blob that came in and is no longer wanted here.
    package func drop(_ descriptor: Descriptor) {
        let arrival = received.withLock { $0.removeValue(forKey: descriptor.digest) }
        if let arrival { try? Files.remove(arrival.file) }
    }

    private func checkSize(_ file: FilePath, _ descriptor: Descriptor) throws {
        let size = Files.size(file) ?? 0
        guard size == descriptor.size else {
            throw StoreError(
                .corrupt, "blob \(descriptor.digest) came with \(size) bytes, expected \(descriptor.size)")
        }
    }

    private func arrive(_ descriptor: Descriptor, _ file: FilePath, _ lock: FileLock? = nil) {
        let arrival = Arrival(file: file, size: descriptor.size, lock: lock)
        received.withLock { if $0[descriptor.digest] == nil { $0[descriptor.digest] = arrival } }
    }

    // MARK: - commit

    /// Makes the blobs and the manifest visible, then gives the manifest its names.
    package func commit(_ manifest: ManifestDocument, as references: [Reference]) throws {
        try commit(manifest, names: references.map(\.stored))
    }

    /// The same with names as they are to stand in the layout.
    package func commit(_ manifest: ManifestDocument, names: [String]) throws {
        try commit([(manifest, names)])
    }

    /// Commits several images at once, which takes the disk about as long as one.
    ///
    /// When this returns, the images survive a power cut. The order is what makes every moment before safe: the bytes
    /// are on the disk before the blobs have their names, and those before `index.json` leads there.
    package func commit(_ images: [(manifest: ManifestDocument, names: [String])]) throws {
        for (manifest, _) in images {
            for blob in manifest.blobs where !contains(blob) {
                throw StoreError(
                    .blobMissing,
                    "manifest \(manifest.digest) names blob \(blob.digest), which did not come")
            }
            try add(manifest.bytes, manifest.descriptor)
        }
        let arrivals = received.withLock { $0 }
        // From their names' first moment on nobody takes them for garbage.
        try store.count(on: arrivals.keys, in: folder) {}
        try Files.synchronize(arrivals.values.map(\.file) + store.newParts)
        for (digest, arrival) in arrivals {
            let destination = store.path(digest)
            try Files.createDirectory(destination.removingLastComponent())
            if Files.kind(destination) == .directory { try Files.remove(destination) }
            try Files.rename(arrival.file, to: destination, durably: false)
        }
        received.withLock { $0 = [:] }
        var algorithms = Set(arrivals.keys.map(\.algorithm))
        // What lay there already may have come from a process that has not got as far as this.
        let known = arrivals.isEmpty ? Set(try store.readIndex().manifests.map(\.digest)) : []
        for (manifest, _) in images where !known.contains(manifest.digest) {
            algorithms.formUnion(manifest.blobs.map(\.digest.algorithm) + [manifest.digest.algorithm])
        }
        try store.tag(
            images.map { ($0.manifest.descriptor, $0.names) }, after: algorithms.map { store.path($0) })
    }
}

extension Digest {
    /// A name for a file that is not at the blob's place.
    fileprivate var fileName: String { "\(algorithm.rawValue)-\(hex)" }
}
