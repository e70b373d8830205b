// SPDX-License-Identifier: Apache-2.0

import Diagnostics
package import OCI

/// Where images can be brought to.
package protocol ImageDestination: Sendable {
    /// Takes over a blob, unless it is there.
    func take(
        _ blob: Descriptor, from source: any BlobAccess, _ report: @escaping @Sendable (TransferEvent) -> Void
    ) async throws
    /// Takes an image's manifests in, after all blobs, and gives it names as they are to stand there: tags in a
    /// repository, full names in a store or an archive. Without any it is known by its digest.
    func commit(_ tree: ImageTree, names: [String]) async throws
}

/// Moves images between any two places: blobs in parallel, existing ones not at all, manifests last and unchanged.
package struct ImageTransfer: Sendable {
    /// Most blobs on their way at once.
    package static let parallelBlobs = 4

    let report: @Sendable (TransferEvent) -> Void

    /// - Parameter report: told what happens, from any task.
    package init(report: @escaping @Sendable (TransferEvent) -> Void = { _ in }) {
        self.report = report
    }

    /// Copies an image with all that belongs to it.
    package func copy(
        _ tree: ImageTree, names: [String], from source: any BlobAccess, to destination: any ImageDestination
    ) async throws {
        try await copy([(tree, names)], from: source, to: destination)
    }

    /// Copies images; none is named before the blobs of all are there.
    package func copy(
        _ images: [(tree: ImageTree, names: [String])], from source: any BlobAccess,
        to destination: any ImageDestination
    ) async throws {
        var seen: Set<Digest> = []
        let blobs = images.flatMap(\.tree.blobs).filter { seen.insert($0.digest).inserted }
        report(.planned(blobs))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, blob) in blobs.enumerated() {
                if number >= Self.parallelBlobs { try await group.next() }
                group.addTask { try await destination.take(blob, from: source, report) }
            }
            try await group.waitForAll()
        }
        for image in images { try await destination.commit(image.tree, names: image.names) }
    }
}

/// An image that cannot be moved as asked.
package struct TransferError: Diagnostic {
    package let message: String
    package let cause: (any Error)?
    package let hint: String?

    package init(_ message: String, cause: (any Error)? = nil, hint: String? = nil) {
        self.message = message
        self.cause = cause
        self.hint = hint
    }
}
