// SPDX-License-Identifier: Apache-2.0

import Diagnostics
package import Files
private import Foundation
package import OCI
package import SystemPackage

/// The images on this machine: an OCI image layout in a folder (image-spec 1.1, image-layout.md).
///
/// Any number of processes may use one store: blobs are immutable and appear whole, and `index.json` is replaced
/// under a lock. Names stand in the `org.opencontainers.image.ref.name` annotation, spelt out with their tag.
package struct ImageStore: Sendable {
    /// The layout's folder.
    package let root: FilePath

    static let refName = "org.opencontainers.image.ref.name"
    static let storedAt = "dev.wasme.stored-at"

    /// Opens a store, creating it if the folder is missing or empty.
    package init(_ root: FilePath) throws {
        self.root = root
        let marker = root.appending("oci-layout")
        if Files.kind(marker) == nil {
            try Files.createDirectory(root)
            let foreign = try Files.contents(root).filter {
                $0 != "blobs" && $0 != "index.json" && $0 != "ingest" && !$0.hasPrefix(".")
            }
            guard foreign.isEmpty else {
                throw StoreError(
                    .notAStore,
                    "\"\(root)\" is not an image store: it holds \"\(foreign[0])\" and no oci-layout file",
                    hint: "choose an empty folder, or remove what is not an image")
            }
            try Files.createDirectory(root.appending("blobs").appending("sha256"))
            try Files.replace(marker, with: Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
        }
        try Files.createDirectory(root.appending("ingest"))
    }

    // MARK: - reading

    /// The file of a blob.
    package func path(_ digest: Digest) -> FilePath {
        root.appending("blobs").appending(digest.algorithm.rawValue).appending(digest.hex)
    }

    /// Whether a blob is here.
    package func contains(_ digest: Digest) -> Bool { Files.kind(path(digest)) == .file }

    /// Opens a blob.
    package func open(_ digest: Digest) throws -> FileSource {
        guard contains(digest) else {
            throw StoreError(
                .blobMissing, "blob \(digest) is not in the store \"\(root)\"",
                hint: "pull or build the image again")
        }
        return try FileSource(path(digest))
    }

    /// Reads a blob that is expected to be small, checking its digest.
    package func read(_ descriptor: Descriptor, limit: Int = ManifestDocument.maximumSize) throws -> [UInt8] {
        let source = try open(descriptor.digest)
        let sink = MemorySink(limit: limit)
        do {
            try copy(source, to: sink, verifying: descriptor)
        } catch let error as ByteStreamError {
            throw StoreError(
                .corrupt, "blob \(descriptor.digest) in the store \"\(root)\" is damaged: \(error)",
                hint: "remove the file \"\(path(descriptor.digest))\" and pull or build the image again")
        }
        return sink.bytes
    }

    /// The manifest at a descriptor.
    package func manifest(_ descriptor: Descriptor) throws -> ManifestDocument {
        let bytes = try read(descriptor)
        do {
            return try ManifestDocument(
                bytes: bytes, mediaType: descriptor.mediaType, algorithm: descriptor.digest.algorithm)
        } catch {
            throw StoreError(.corrupt, "manifest \(descriptor.digest) in the store \"\(root)\": \(error)")
        }
    }

    /// The manifest that a reference names here.
    package func resolve(_ reference: Reference) throws -> Descriptor {
        let entries = try readIndex().manifests
        let found =
            if let digest = reference.digest {
                entries.first { $0.digest == digest }
            } else {
                entries.first { $0.annotations?[Self.refName] == reference.tagged }
            }
        guard var found else {
            throw StoreError(
                .unknownImage, "image \"\(reference)\" is not in the store \"\(root)\"",
                hint: reference.registry == nil
                    ? "see 'wasme list', or build it with 'wasme build -t \(reference)'"
                    : "see 'wasme list', or fetch it with 'wasme pull \(reference)'")
        }
        found.annotations = nil
        return found
    }

    /// All named images, in the order of their names.
    package func list() throws -> [StoredImage] {
        try readIndex().manifests.compactMap { descriptor in
            guard let name = descriptor.annotations?[Self.refName] else { return nil }
            return StoredImage(
                name: name, reference: try? Reference(name), descriptor: descriptor,
                storedAt: descriptor.annotations?[Self.storedAt])
        }
        .sorted { $0.name < $1.name }
    }

    // MARK: - writing

    /// Gives a manifest that is here one more name; a name that was given before moves.
    package func tag(_ descriptor: Descriptor, as references: [Reference]) throws {
        guard contains(descriptor.digest) else {
            throw StoreError(.blobMissing, "manifest \(descriptor.digest) is not in the store \"\(root)\"")
        }
        try updateIndex { index in
            // What was fetched by digest alone is known by it.
            let names = references.map { $0.tagged ?? $0.description }
            let now = Date().formatted(.iso8601)
            for position in index.manifests.indices {
                guard let name = index.manifests[position].annotations?[Self.refName], names.contains(name)
                else {
                    continue
                }
                // The image that had the name stays, without one, until it is pruned.
                index.manifests[position].annotations?[Self.refName] = nil
            }
            for name in names {
                var entry = descriptor
                entry.annotations = [Self.refName: name, Self.storedAt: now]
                index.manifests.append(entry)
            }
            if names.isEmpty {
                var entry = descriptor
                entry.annotations = [Self.storedAt: now]
                index.manifests.append(entry)
            }
            // An entry without a name is kept only while nothing else names the same manifest.
            let named = Set(index.manifests.filter { $0.annotations?[Self.refName] != nil }.map(\.digest))
            var seen: Set<Digest> = []
            index.manifests.removeAll { entry in
                guard entry.annotations?[Self.refName] == nil else { return false }
                return named.contains(entry.digest) || !seen.insert(entry.digest).inserted
            }
        }
    }

    /// Takes in blobs and a manifest, all or nothing: until `body` has returned, nothing is visible.
    package func ingest<Result>(_ body: (ImageIngest) async throws -> Result) async throws -> Result {
        // Under the store's lock: nobody takes a folder for abandoned whose owner is about to lock it.
        let ingest = try locked {
            try removeAbandonedIngests()
            return try ImageIngest(store: self)
        }
        defer { ingest.close() }
        return try await body(ingest)
    }

    /// Removes what processes left behind that were killed: their lock is free.
    private func removeAbandonedIngests() throws {
        let folder = root.appending("ingest")
        for name in try Files.contents(folder) {
            let left = folder.appending(name)
            // A folder that vanishes meanwhile was its owner's, who has finished.
            guard let lock = try? FileLock(left.appending("lock"), wait: false) else { continue }
            withExtendedLifetime(lock) { try? Files.remove(left) }
        }
    }

    private func readIndex() throws -> Index {
        let path = root.appending("index.json")
        guard Files.kind(path) != nil else { return Index(manifests: []) }
        do {
            return try JSONDecoder().decode(Index.self, from: Data(try Files.read(path)))
        } catch let error as DecodingError {
            throw StoreError(
                .corrupt, "\"\(path)\" is damaged: \(decodingFailure(error))",
                hint: "move the folder \"\(root)\" away and pull or build the images again")
        }
    }

    private func updateIndex(_ change: (inout Index) throws -> Void) throws {
        try locked {
            var index = try readIndex()
            try change(&index)
            try Files.replace(root.appending("index.json"), with: try canonicalJSON(index))
        }
    }

    /// Does something short that no other process does in this store meanwhile.
    private func locked<Result>(_ body: () throws -> Result) throws -> Result {
        let lock = try FileLock(root.appending(".lock"))
        return try withExtendedLifetime(lock, body)
    }
}

/// An image of the local store.
package struct StoredImage: Sendable {
    /// The name as it stands in the layout.
    package let name: String
    /// The name, if it is a reference.
    package let reference: Reference?
    package let descriptor: Descriptor
    /// When the image was last stored under this name, in ISO 8601.
    package let storedAt: String?
}

/// What can go wrong in the local store.
package struct StoreError: Diagnostic {
    /// The kind of trouble; open.
    package struct Code: Hashable, Sendable {
        let name: String
        /// The reference names nothing here.
        package static let unknownImage = Code(name: "unknownImage")
        /// A blob that a manifest names is not here.
        package static let blobMissing = Code(name: "blobMissing")
        /// Stored bytes are not what they were.
        package static let corrupt = Code(name: "corrupt")
        /// The folder holds something else.
        package static let notAStore = Code(name: "notAStore")
    }

    package let code: Code
    package let message: String
    package let cause: (any Error)?
    package let hint: String?

    init(_ code: Code, _ message: String, cause: (any Error)? = nil, hint: String? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
        self.hint = hint
    }
}
