// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
package import Files
package import OCI
private import Synchronization
private import SystemPackage

/// Blobs on their way into a store, in a folder of their own until they are committed.
///
/// Several tasks may bring different blobs at once; one of them commits when all are there.
package final class ImageIngest: Sendable {
    private let store: ImageStore
    private let folder: FilePath
    private let lock: FileLock?
    private let received = Mutex<Set<Digest>>([])

    init(store: ImageStore) throws {
        self.store = store
        folder = store.root.appending("ingest").appending(Files.randomName())
        try Files.createDirectory(folder)
        lock = try FileLock(folder.appending("lock"), wait: false)
    }

    /// Drops what was not committed.
    func close() { try? Files.remove(folder) }

    /// Whether a blob need not be brought: it is in the store or came in already.
    package func contains(_ digest: Digest) -> Bool {
        received.withLock { $0.contains(digest) } || store.contains(digest)
    }

    /// Takes in bytes made here.
    package func add(
        _ bytes: [UInt8], mediaType: MediaType, annotations: [String: String]? = nil
    ) throws -> Descriptor {
        let descriptor = Descriptor(of: bytes, mediaType: mediaType, annotations: annotations)
        guard !contains(descriptor.digest) else { return descriptor }
        let sink = try FileSink(file(descriptor.digest))
        try bytes.withUnsafeBytes { try sink.write($0) }
        try sink.finish()
        _ = received.withLock { $0.insert(descriptor.digest) }
        return descriptor
    }

    /// Takes in bytes from elsewhere; `write` fills the sink and vouches that the bytes are the descriptor's, as the
    /// registry client does while it reads.
    package func receive(_ descriptor: Descriptor, _ write: (FileSink) async throws -> Void) async throws {
        guard !contains(descriptor.digest) else { return }
        let sink = try FileSink(file(descriptor.digest))
        try await write(sink)
        try sink.finish()
        _ = received.withLock { $0.insert(descriptor.digest) }
    }

    /// Makes the blobs and the manifest visible, then gives the manifest its names.
    package func commit(_ manifest: ManifestDocument, as references: [Reference]) throws {
        for blob in manifest.blobs where !contains(blob.digest) {
            throw StoreError(
                .blobMissing, "manifest \(manifest.digest) names blob \(blob.digest), which did not come")
        }
        _ = try add(manifest.bytes, mediaType: manifest.mediaType)
        for digest in received.withLock({ $0.sorted() }) {
            let destination = store.path(digest)
            try Files.createDirectory(destination.removingLastComponent())
            try Files.rename(file(digest), to: destination)
        }
        received.withLock { $0 = [] }
        try store.tag(manifest.descriptor, as: references)
    }

    private func file(_ digest: Digest) -> FilePath {
        folder.appending("\(digest.algorithm.rawValue)-\(digest.hex)")
    }
}
