// SPDX-License-Identifier: Apache-2.0

import Diagnostics
package import OCI
private import Synchronization

/// Where images can be brought to.
package protocol ImageDestination: Sendable {
    /// The same for two that lead to the same place: what several images have in common goes there once.
    var identity: String { get }
    /// Takes over a blob, unless it is there.
    func take(
        _ blob: Descriptor, from source: any BlobAccess, _ report: @escaping @Sendable (TransferEvent) -> Void
    ) async throws
    /// Takes manifests in, after all blobs of their images, and gives them names as they are to stand there: tags in a
    /// repository, full names in a store or an archive. An image without any is known by its digest.
    func commit(_ images: [NamedImage]) async throws
}

/// An image under the names that it is to have.
package typealias NamedImage = (tree: ImageTree, names: [String])

/// One image and the way it goes.
package struct Shipment: Sendable {
    let image: NamedImage
    let source: any BlobAccess
    let destination: any ImageDestination

    package init(_ image: NamedImage, from source: any BlobAccess, to destination: any ImageDestination) {
        self.image = image
        self.source = source
        self.destination = destination
    }
}

/// Moves images between any two places: blobs in parallel, existing ones not at all, manifests last and unchanged.
package struct ImageTransfer: Sendable {
    /// Most blobs, manifests or questions on their way at once.
    package static let parallelism = 8

    let report: @Sendable (TransferEvent) -> Void

    /// - Parameter report: told what happens, from any task.
    package init(report: @escaping @Sendable (TransferEvent) -> Void = { _ in }) {
        self.report = report
    }

    /// Copies images from one place to another; none is named before the blobs of all are there.
    package func copy(
        _ images: [NamedImage], from source: any BlobAccess, to destination: any ImageDestination
    ) async throws {
        try await copy(images.map { Shipment($0, from: source, to: destination) })
    }

    /// Copies images, each on a way of its own.
    ///
    /// If one fails, those that are across by then are named all the same, so that nothing has to be moved twice.
    package func copy(_ shipments: [Shipment]) async throws {
        var seen: Set<Place> = []
        var moves: [Move] = []
        for shipment in shipments {
            for blob in shipment.image.tree.blobs where seen.insert(shipment.place(of: blob)).inserted {
                moves.append(Move(blob: blob, shipment: shipment))
            }
        }
        report(.planned(moves.map(\.blob)))
        let across = Mutex<Set<Place>>([])
        do {
            try await concurrently(moves) { move in
                try await move.shipment.destination.take(move.blob, from: move.shipment.source, report)
                across.withLock { _ = $0.insert(move.shipment.place(of: move.blob)) }
            }
        } catch {
            let across = across.withLock { $0 }
            let whole = shipments.filter { shipment in
                shipment.image.tree.blobs.allSatisfy { across.contains(shipment.place(of: $0)) }
            }
            // What went wrong first is what the user hears of.
            if !Task.isCancelled, whole.count < shipments.count { try? await commit(whole) }
            throw error
        }
        try await commit(shipments)
    }

    private func commit(_ shipments: [Shipment]) async throws {
        var places: [String] = []
        var groups: [String: (destination: any ImageDestination, images: [NamedImage])] = [:]
        for shipment in shipments {
            let identity = shipment.destination.identity
            if groups[identity] == nil { places.append(identity) }
            groups[identity, default: (shipment.destination, [])].images.append(shipment.image)
        }
        try await concurrently(places.compactMap { groups[$0] }) { group in
            try await group.destination.commit(group.images)
        }
    }

    /// Where a blob goes.
    fileprivate struct Place: Hashable {
        let destination: String
        let digest: Digest
    }

    private struct Move {
        let blob: Descriptor
        let shipment: Shipment
    }
}

extension Shipment {
    fileprivate func place(of blob: Descriptor) -> ImageTransfer.Place {
        ImageTransfer.Place(destination: destination.identity, digest: blob.digest)
    }
}

/// Does something with each of many things, a few at a time; the first failure ends it.
/// - Parameters:
///   - items: the things.
///   - width: how many at a time.
///   - work: what is done with each, in any task.
/// - Returns: what came of each, in the order of the things.
/// - Throws: what `work` throws.
@discardableResult
package func concurrently<Item: Sendable, Result: Sendable>(
    _ items: [Item], width: Int = ImageTransfer.parallelism,
    _ work: @escaping @Sendable (Item) async throws -> Result
) async throws -> [Result] {
    try await withThrowingTaskGroup(of: (Int, Result).self) { group in
        var results: [Int: Result] = [:]
        for (number, item) in items.enumerated() {
            if number >= width, let (place, result) = try await group.next() { results[place] = result }
            group.addTask { (number, try await work(item)) }
        }
        for try await (place, result) in group { results[place] = result }
        return items.indices.compactMap { results[$0] }
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
