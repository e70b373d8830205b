// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
package import OCI
package import OCILayout
package import OCIRegistry

/// A repository of a registry, as the place that an image is brought to.
package struct RegistryDestination: ImageDestination {
    private let client: RegistryClient
    private let repository: Repository
    private let spool: ImageIngest?
    private let asksFirst: Bool
    private let relatives: [Repository]
    private let journal: (any UploadJournal)?

    /// - Parameters:
    ///   - client: the registry.
    ///   - repository: where the image goes.
    ///   - asksFirst: whether the blobs are probably there: then even small ones are asked about.
    ///   - relatives: other repositories there that may have the blobs.
    ///   - spool: where blobs wait that come from afar, so that a broken upload can be repeated; nil if none do.
    ///   - journal: remembers uploads that broke, for the next run.
    package init(
        _ client: RegistryClient, _ repository: Repository, asksFirst: Bool = false,
        relatives: [Repository] = [], spool: ImageIngest? = nil, journal: (any UploadJournal)? = nil
    ) {
        self.client = client
        self.repository = repository
        self.asksFirst = asksFirst
        self.relatives = relatives
        self.spool = spool
        self.journal = journal
    }

    package func take(
        _ blob: Descriptor, from source: any BlobAccess, _ report: @escaping @Sendable (TransferEvent) -> Void
    ) async throws {
        // Asked once before anything is fetched: it may be there, or can be mounted.
        do {
            try await push(blob, HTTPBody(blob, of: source), from: source, report)
        } catch is NotHere {
            guard let spool else {
                throw TransferError("there is no place where blob \(blob.digest) could wait")
            }
            if !spool.contains(blob) { try await spool.receive(blob, from: source, report) }
            try await push(blob, HTTPBody(length: blob.size) { try spool.open(blob) }, from: source, report)
            spool.drop(blob)
        }
    }

    private func push(
        _ blob: Descriptor, _ body: HTTPBody, from source: any BlobAccess,
        _ report: @escaping @Sendable (TransferEvent) -> Void
    ) async throws {
        let body = body.observed { report(.moved(blob, $0)) }
        do {
            let result = try await client.push(
                blob, body, to: repository, asksFirst: asksFirst,
                mountFrom: asksFirst ? [] : neighbours(source) + relatives, journal: journal
            ) { report(.resumed(blob, at: $0)) }
            switch result {
            case .alreadyThere: report(.present(blob))
            case .mounted(let neighbour): report(.mounted(blob, from: neighbour))
            case .uploaded: report(.finished(blob))
            }
        } catch let error as RegistryError where error.category == .failed && !source.isRemote {
            // A registry that refuses a blob may be right: then it is the one here that is damaged.
            try await source.stream(blob, into: Nowhere())
            throw error
        }
    }

    /// The repository that the blobs come from, if this registry can take them over from there.
    private func neighbours(_ source: any BlobAccess) -> [Repository] {
        guard let other = source as? RegistryBlobs, other.client.host == client.host else { return [] }
        return [other.repository]
    }

    package var identity: String { "registry \(client.host)/\(repository)" }

    package func commit(_ images: [NamedImage]) async throws {
        let names = images.flatMap(\.names)
        // Of two images under one name the later has it in the end.
        let width = Set(names).count == names.count ? ImageTransfer.parallelism : 1
        try await concurrently(images, width: width) { try await commit($0.tree, $0.names) }
    }

    private func commit(_ tree: ImageTree, _ names: [String]) async throws {
        for manifest in tree.children { try await put(manifest, as: .digest(manifest.digest)) }
        let tags = try names.map { try Tag($0) }
        for target in tags.isEmpty ? [.digest(tree.root.digest)] : tags.map(Reference.Target.tag) {
            try await put(tree.root, as: target)
        }
        for artifact in tree.referrers { try await put(artifact, as: .digest(artifact.digest)) }
    }

    private func put(_ manifest: ManifestDocument, as target: Reference.Target) async throws {
        try await client.push(manifest, to: repository, as: target)
    }
}

/// Takes bytes and keeps none.
private final class Nowhere: ByteSink {
    func write(_ bytes: UnsafeRawBufferPointer) {}
}

/// A blob whose bytes have to be fetched first.
private struct NotHere: Error {}

extension HTTPBody {
    /// A blob that lies on this machine; one from afar cannot be opened.
    fileprivate init(_ blob: Descriptor, of source: any BlobAccess) {
        self.init(length: blob.size) {
            guard let file = try source.openLocally(blob) else { throw NotHere() }
            return file
        }
    }
}
