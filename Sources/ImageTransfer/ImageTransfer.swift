// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Files
package import OCI
package import OCILayout
package import OCIRegistry

/// Moves images between the local store and a registry, blobs first and the manifest last.
package struct ImageTransfer: Sendable {
    /// Most blobs on their way at once.
    package static let parallelBlobs = 4

    private let store: ImageStore
    private let client: RegistryClient
    private let report: @Sendable (TransferEvent) -> Void

    /// - Parameters:
    ///   - store: the images on this machine.
    ///   - client: the registry that the references name.
    ///   - report: told what happens, from any task.
    package init(
        store: ImageStore, client: RegistryClient,
        report: @escaping @Sendable (TransferEvent) -> Void = { _ in }
    ) {
        self.store = store
        self.client = client
        self.report = report
    }

    /// Sends a stored image; what the registry has already is not sent again.
    /// - Parameters:
    ///   - source: the image here.
    ///   - reference: its name there; a digest in it must be the image's.
    /// - Returns: the manifest that the name now leads to.
    /// - Throws: `StoreError`, `RegistryError`, or `TransferError` if the reference's digest is another.
    package func push(_ source: Reference, to reference: Reference) async throws -> ManifestDocument {
        let document = try store.manifest(try store.resolve(source))
        if let digest = reference.digest, digest != document.digest {
            throw TransferError(
                "cannot push \"\(source)\" as \"\(reference)\": the image's digest is \(document.digest)")
        }
        guard case .manifest = document.content else {
            throw TransferError(
                "cannot push \"\(source)\": it is an index of several images",
                hint: "push one of its images by digest: filters are never an index")
        }
        try await forEachBlob(of: document) { blob in
            let path = store.path(blob.digest)
            let body = HTTPBody(length: blob.size) { try FileSource(path) }.observed { [report] in
                report(.moved(blob, $0))
            }
            switch try await client.push(blob, body, to: reference.repository) {
            case .alreadyThere: report(.present(blob))
            case .mounted(let repository): report(.mounted(blob, from: repository))
            case .uploaded: report(.finished(blob))
            }
        }
        let target: Reference.Target =
            reference.tag.map { .tag($0) } ?? reference.digest.map { .digest($0) } ?? .tag(.latest)
        try await client.push(document, to: reference.repository, as: target)
        return document
    }

    /// Fetches an image into the store, all or nothing, and gives it its name there.
    /// - Parameter reference: the image there; it is stored under the same name.
    /// - Returns: its manifest.
    /// - Throws: `StoreError`, `RegistryError`, or `TransferError` if the name leads to an index.
    package func pull(_ reference: Reference) async throws -> ManifestDocument {
        let document = try await client.manifest(reference.repository, reference.target)
        guard case .manifest = document.content else {
            throw TransferError(
                "cannot pull \"\(reference)\": it is an index of several images",
                hint: "name one of its images by digest: filters are never an index")
        }
        return try await store.ingest { ingest in
            try await forEachBlob(of: document) { blob in
                if ingest.contains(blob) {
                    report(.present(blob))
                    return
                }
                try await ingest.receive(blob) { file, beginning in
                    if let beginning { report(.resumed(blob, at: beginning.length)) }
                    let sink = ObservedSink(file, from: beginning?.length ?? 0) { [report] in
                        report(.moved(blob, $0))
                    }
                    try await client.blob(reference.repository, blob, into: sink, after: beginning)
                }
                report(.finished(blob))
            }
            try ingest.commit(document, as: [reference])
            return document
        }
    }

    private func forEachBlob(
        of document: ManifestDocument, _ move: @escaping @Sendable (Descriptor) async throws -> Void
    ) async throws {
        report(.planned(document.blobs))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, blob) in document.blobs.enumerated() {
                if number >= Self.parallelBlobs { try await group.next() }
                group.addTask { try await move(blob) }
            }
            try await group.waitForAll()
        }
    }
}

/// An image that cannot be moved as asked.
package struct TransferError: Diagnostic {
    package let message: String
    package let hint: String?

    init(_ message: String, hint: String? = nil) {
        self.message = message
        self.hint = hint
    }
}
