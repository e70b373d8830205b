// SPDX-License-Identifier: Apache-2.0

import Files
package import OCI
package import OCILayout
package import OCIRegistry
package import SystemPackage

/// Files that say something about an image, such as a bill of materials: a manifest with the image as its subject
/// (image-spec 1.1, manifest.md "Guidelines for Artifact Usage").
package struct Artifact: Sendable {
    /// A file that becomes a layer.
    package struct File: Sendable {
        package let path: FilePath
        package let descriptor: Descriptor

        /// Reads a file through once, for its digest.
        package init(_ path: FilePath, mediaType: MediaType) throws {
            self.path = path
            let hasher = DigestHasher()
            let source = try FileSource(path)
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
            defer { buffer.deallocate() }
            while case let count = try source.read(into: buffer), count > 0 {
                hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
            let size = hasher.count
            descriptor = Descriptor(
                mediaType: mediaType, digest: hasher.finalize(), size: size,
                annotations: [Self.title: path.lastComponent?.string ?? ""])
        }

        private static let title = "org.opencontainers.image.title"
    }

    package let files: [File]
    package let document: ManifestDocument

    /// - Parameters:
    ///   - type: what it is, such as `application/spdx+json`.
    ///   - subject: the manifest that it is about.
    ///   - files: its content; none, if the annotations say all.
    ///   - annotations: what the manifest says beside its files.
    /// - Throws: what the JSON encoder throws.
    package init(
        type: MediaType, about subject: Descriptor, _ files: [File], annotations: [String: String]
    ) throws {
        self.files = files
        let subject = Descriptor(mediaType: subject.mediaType, digest: subject.digest, size: subject.size)
        document = try ManifestDocument(
            Manifest(
                artifactType: type, config: .empty,
                layers: files.isEmpty ? [.empty] : files.map(\.descriptor), subject: subject,
                annotations: annotations.isEmpty ? nil : annotations))
    }

    /// Puts the artifact beside its subject in a registry.
    /// - Parameters:
    ///   - client: the registry.
    ///   - repository: where the subject is.
    ///   - journal: remembers broken uploads.
    ///   - report: told what happens, from any task.
    /// - Throws: `RegistryError`, or `SystemError` if a file cannot be read.
    package func push(
        to client: RegistryClient, _ repository: Repository, journal: (any UploadJournal)? = nil,
        report: @escaping @Sendable (TransferEvent) -> Void = { _ in }
    ) async throws {
        report(.planned(document.blobs))
        for blob in document.blobs {
            let push = try await client.push(
                blob, body(of: blob).observed { report(.moved(blob, $0)) }, to: repository, journal: journal
            ) { report(.resumed(blob, at: $0)) }
            report(push == .alreadyThere ? .present(blob) : .finished(blob))
        }
        try await client.push(document, to: repository, as: .digest(document.digest))
    }

    private func body(of blob: Descriptor) -> HTTPBody {
        guard let file = files.first(where: { $0.descriptor.digest == blob.digest }) else {
            return HTTPBody(Self.emptyContent)
        }
        return HTTPBody(length: blob.size) { try FileSource(file.path) }
    }

    private static let emptyContent = Array("{}".utf8)

    /// Puts the artifact beside its subject in a local store.
    /// - Throws: `StoreError`, or `SystemError` if a file cannot be read.
    package func add(to store: ImageStore) async throws {
        try await store.ingest { ingest in
            _ = try ingest.add(Self.emptyContent, mediaType: .emptyJSON)
            for file in files {
                // Once more through the digest: the file may have changed since.
                try await ingest.receive(file.descriptor) { sink in
                    try copy(try FileSource(file.path), to: sink, verifying: file.descriptor)
                }
            }
            try ingest.commit(document, as: [])
        }
    }
}
