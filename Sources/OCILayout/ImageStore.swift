// SPDX-License-Identifier: Apache-2.0

import Diagnostics
package import Files
private import Foundation
package import OCI
package import SystemPackage

/// The images on this machine: an OCI image layout in a folder (image-spec 1.1, image-layout.md).
///
/// Any number of processes may use one store: blobs are immutable and appear whole, `index.json` is replaced under a
/// lock, and what an ingest counts on is not removed by anybody. Names stand in the `org.opencontainers.image.ref.name`
/// annotation, spelt out with their tag.
///
///     oci-layout  index.json  blobs/sha256/…   the layout, as every tool reads it
///     .lock                                    held while something short is done that nobody else does meanwhile
///     ingest/<name>/                           blobs of a process that has not committed yet, and what it counts on
///     partial/                                 beginnings of blobs, for the next transfer
package struct ImageStore: Sendable {
    /// The layout's folder.
    package let root: FilePath
    /// Whether the layout is somebody else's, and nothing is written there.
    package let isReadOnly: Bool
    let indexCache = IndexCache()

    /// Opens a store; one whose folder is missing or empty holds no images, and is made when the first one comes.
    package init(_ root: FilePath) throws {
        self.root = root
        isReadOnly = false
        if Files.kind(root.appending("oci-layout")) == nil, Files.kind(root) != nil {
            let foreign = try Files.contents(root).filter {
                !["blobs", "index.json", "ingest", "partial"].contains($0) && !$0.hasPrefix(".")
            }
            guard foreign.isEmpty else {
                throw StoreError(
                    .notAStore,
                    "\"\(root)\" is not an image store: it holds \"\(foreign[0])\" and no oci-layout file",
                    hint: "choose an empty folder, or remove what is not an image")
            }
        }
    }

    /// Opens a layout that any tool wrote, for reading only.
    package init(reading root: FilePath) throws {
        self.root = root
        isReadOnly = true
        guard Files.kind(root) != nil else {
            throw StoreError(.notAStore, "there is no image layout \"\(root)\"", hint: "check the path")
        }
        guard Files.kind(root.appending("index.json")) != nil else {
            throw StoreError(
                .notAStore, "\"\(root)\" is not an image layout: it has no index.json",
                hint: "name a folder that 'skopeo copy … oci:DIR', 'umoci' or 'wasme copy' wrote")
        }
        try checkVersion()
    }

    // MARK: - reading

    /// The file of a blob.
    package func path(_ digest: Digest) -> FilePath {
        path(digest.algorithm).appending(digest.hex)
    }

    /// The folder of the blobs that are addressed by one algorithm.
    func path(_ algorithm: Digest.Algorithm) -> FilePath {
        root.appending("blobs").appending(algorithm.rawValue)
    }

    /// Whether a blob is here, as far as can be told without reading it: a file of the right size.
    package func contains(_ descriptor: Descriptor) -> Bool {
        Files.size(path(descriptor.digest)) == descriptor.size
    }

    /// Opens a blob; its bytes are still to be held against its digest.
    package func open(_ descriptor: Descriptor) throws -> FileSource {
        let path = path(descriptor.digest)
        guard let kind = Files.kind(path) else {
            throw StoreError(
                .blobMissing, "blob \(descriptor.digest) is not in the store \"\(root)\"",
                hint: isReadOnly ? nil : "pull or build the image again")
        }
        guard kind == .file else { throw damaged(descriptor, "it is not a file") }
        let source = try FileSource(path)
        guard source.length == descriptor.size else {
            throw damaged(descriptor, "it has \(source.length) bytes, expected \(descriptor.size)")
        }
        return source
    }

    /// Sends a blob into a sink; when this returns, exactly the promised bytes went there.
    /// - Parameters:
    ///   - descriptor: the blob.
    ///   - sink: gets the bytes.
    ///   - beginning: the first bytes, which the sink has from an earlier time.
    /// - Throws: `StoreError`, or what the sink threw.
    package func copy(
        _ descriptor: Descriptor, to sink: any ByteSink, after beginning: (any ByteSource)? = nil
    ) throws {
        let source = try open(descriptor)
        let verifier = VerifyingSink(descriptor, into: sink)
        if let beginning {
            try verifier.replay(beginning)
            try source.seek(to: beginning.length)
        }
        try OCI.copy(source, to: verifier)
        do {
            try verifier.finish()
        } catch let error as ByteStreamError {
            // A beginning that is not this blob's says nothing of the file here.
            if beginning != nil, isWhole(descriptor.digest) { throw error }
            throw damaged(descriptor, "\(error)")
        }
    }

    /// Reads a blob that is expected to be small, checking its digest.
    package func read(_ descriptor: Descriptor, limit: Int = ManifestDocument.maximumSize) throws -> [UInt8] {
        guard descriptor.size <= limit else {
            throw StoreError(
                .corrupt,
                "blob \(descriptor.digest) in the store \"\(root)\" is too large for what it is to be:"
                    + " \(descriptor.size) bytes, at most \(limit) are read")
        }
        let sink = MemorySink(limit: limit)
        try copy(descriptor, to: sink)
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

    /// A damaged blob is removed, so that the next pull or build brings a good one instead of trusting it.
    private func damaged(_ descriptor: Descriptor, _ why: String) -> StoreError {
        let message = "blob \(descriptor.digest) in the store \"\(root)\" is damaged: \(why)"
        guard !isReadOnly else { return StoreError(.corrupt, message) }
        // A manifest that states a wrong size is no reason to remove what others name rightly.
        if isWhole(descriptor.digest) {
            return StoreError(
                .corrupt,
                "blob \(descriptor.digest) in the store \"\(root)\" is not what its manifest says: \(why)")
        }
        let path = path(descriptor.digest)
        do {
            // Not waiting: whoever holds the lock may be the one who reads. Read anew: it may be mended meanwhile.
            if let lock = try FileLock(root.appending(".lock"), wait: false) {
                try withExtendedLifetime(lock) { if !isWhole(descriptor.digest) { try Files.remove(path) } }
                return StoreError(.corrupt, message, hint: "it was removed; pull or build the image again")
            }
        } catch {}
        return StoreError(
            .corrupt, message, hint: "remove the file \"\(path)\" and pull or build the image again")
    }

    /// Whether a blob's bytes are what its digest says.
    func isWhole(_ digest: Digest) -> Bool {
        guard let size = Files.size(path(digest)), let source = try? FileSource(path(digest)) else {
            return false
        }
        let descriptor = Descriptor(mediaType: .octetStream, digest: digest, size: size)
        return (try? OCI.copy(source, to: Nowhere(), verifying: descriptor)) != nil
    }

    // MARK: - writing

    /// Takes in blobs and a manifest, all or nothing: until `body` has returned, nothing is visible.
    package func ingest<Result>(_ body: (ImageIngest) async throws -> Result) async throws -> Result {
        try prepare()
        // Under the store's lock: nobody takes a folder for abandoned whose owner is about to lock it.
        let ingest = try locked {
            for folder in try abandonedIngests() { try? Files.remove(folder) }
            return try ImageIngest(store: self)
        }
        defer { ingest.close() }
        return try await body(ingest)
    }

    /// Makes the layout and our folders in it, where they are missing.
    private func prepare() throws {
        try checkWritable()
        let blobs = root.appending("blobs")
        let marker = root.appending("oci-layout")
        if Files.kind(marker) == nil {
            let isNew = Files.kind(root) == nil
            try Files.createDirectory(blobs.appending("sha256"))
            // Its own name is brought to the disk with the first image's.
            try Files.replace(
                marker, with: Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8),
                beside: [blobs, root] + (isNew ? [root.removingLastComponent()] : []), durably: false)
        } else {
            try checkVersion()
        }
        for folder in ["ingest", "partial"] { try Files.createDirectory(root.appending(folder)) }
    }

    func checkWritable() throws {
        guard !isReadOnly else {
            throw StoreError(.readOnly, "image layout \"\(root)\" was opened for reading only")
        }
    }

    /// A layout of a later major version may mean other things (image-layout.md, "oci-layout file").
    private func checkVersion() throws {
        struct Marker: Decodable { let imageLayoutVersion: String }
        let path = root.appending("oci-layout")
        let version: String
        do {
            version = try JSONDecoder().decode(Marker.self, from: Data(try Files.read(path, limit: 1 << 16)))
                .imageLayoutVersion
        } catch let error as DecodingError {
            throw StoreError(
                .corrupt, "\"\(path)\" is damaged: \(decodingFailure(error))",
                hint: #"write {"imageLayoutVersion":"1.0.0"} into it"#)
        }
        guard version.hasPrefix("1.") else {
            throw StoreError(
                .notAStore, "image layout \"\(root)\" has version \"\(version)\"; this wasme knows version 1")
        }
    }

    /// Does something short that no other process does in this store meanwhile.
    func locked<Result>(_ body: () throws -> Result) throws -> Result {
        // Without a folder there is nothing to protect yet, nor a place for the lock.
        guard Files.kind(root) != nil else { return try body() }
        let lock = try FileLock(root.appending(".lock"))
        return try withExtendedLifetime(lock, body)
    }
}
