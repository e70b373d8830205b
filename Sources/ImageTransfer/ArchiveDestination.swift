// SPDX-License-Identifier: Apache-2.0

import Archive
package import OCI
package import OCILayout
import OCIRegistry
private import Synchronization

/// Several images as one OCI image layout in a tar: the same images under the same names give the same bytes.
///
/// A tar has its files one after the other, so nothing is written before all is known: what lies on this machine is
/// read where it is, what comes from afar waits in the spool.
package final class ArchiveDestination: ImageDestination {
    private struct Contents {
        /// Where each blob is read, and who is told of it.
        var blobs: [Digest: (descriptor: Descriptor, open: @Sendable () throws -> any ByteSource)] = [:]
        var reports: [Digest: @Sendable (TransferEvent) -> Void] = [:]
        var entries: [Descriptor] = []
    }

    private let contents = Mutex(Contents())
    private let spool: ImageIngest

    /// - Parameter spool: where blobs wait that come from afar.
    package init(spool: ImageIngest) { self.spool = spool }

    package func take(
        _ blob: Descriptor, from source: any BlobAccess, _ report: @escaping @Sendable (TransferEvent) -> Void
    ) async throws {
        if contents.withLock({ $0.blobs[blob.digest] != nil }) { return report(.present(blob)) }
        if try source.openLocally(blob) != nil {
            add(blob, report) {
                guard let file = try source.openLocally(blob) else {
                    throw TransferError("blob \(blob.digest) is no longer here")
                }
                return file
            }
            return
        }
        let spool = spool
        if !spool.contains(blob) { try await spool.receive(blob, from: source, report) }
        report(.finished(blob))
        add(blob, nil) { try spool.open(blob) }
    }

    package var identity: String { "archive \(spool.name)" }

    package func commit(_ images: [NamedImage]) async throws {
        for (tree, names) in images { add(tree, names) }
    }

    private func add(_ tree: ImageTree, _ names: [String]) {
        for manifest in tree.manifests {
            let bytes = manifest.bytes
            add(manifest.descriptor, nil) { MemorySource(bytes) }
        }
        contents.withLock { contents in
            for name in names {
                var entry = tree.root.descriptor
                entry.annotations = ["org.opencontainers.image.ref.name": name]
                contents.entries.removeAll { $0.annotations == entry.annotations }
                contents.entries.append(entry)
            }
            if names.isEmpty { contents.entries.appendOnce(tree.root.descriptor) }
            for artifact in tree.referrers {
                // Without a name of their own: who reads the archive finds them by their type and their subjects.
                guard case .manifest(let manifest) = artifact.content else { continue }
                var entry = artifact.descriptor
                entry.artifactType = manifest.artifactType ?? manifest.config.mediaType
                contents.entries.appendOnce(entry)
            }
        }
    }

    private func add(
        _ blob: Descriptor, _ report: (@Sendable (TransferEvent) -> Void)?,
        _ open: @escaping @Sendable () throws -> any ByteSource
    ) {
        contents.withLock {
            $0.blobs[blob.digest] = (blob, open)
            $0.reports[blob.digest] = report
        }
    }

    /// Lets go of what waited in the spool.
    package func drop() {
        for blob in contents.withLock({ $0.blobs }).values { spool.drop(blob.descriptor) }
    }

    /// Writes the archive; each blob is held against its digest on the way.
    /// - Throws: `TransferError` if a blob is not what it was; what the sink throws.
    package func write(to sink: any ByteSink) throws {
        let contents = contents.withLock { $0 }
        var index = Index(manifests: contents.entries.sorted(by: Self.isBefore))
        index.mediaType = .imageIndex
        let tar = try TarWriter(sink)
        try tar.add("oci-layout", Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
        try tar.add("index.json", try canonicalJSON(index))
        for (digest, blob) in contents.blobs.sorted(by: { $0.key < $1.key }) {
            let report = contents.reports[digest]
            let source = ObservedSource(try blob.open()) { report?(.moved(blob.descriptor, $0)) }
            do {
                try tar.add("blobs/\(digest.algorithm.rawValue)/\(digest.hex)", size: blob.descriptor.size) {
                    file in
                    try copy(source, to: file, verifying: blob.descriptor)
                }
            } catch let error as ByteStreamError {
                throw TransferError(
                    "blob \(digest) is damaged where it lies: \(error)",
                    hint: "pull or build the image again")
            }
            report?(.finished(blob.descriptor))
        }
        try tar.close()
    }

    private static func isBefore(_ left: Descriptor, _ right: Descriptor) -> Bool {
        let names = [left, right].map { $0.annotations?.values.first ?? "\u{7f}" }
        return (names[0], left.digest) < (names[1], right.digest)
    }
}

extension [Descriptor] {
    fileprivate mutating func appendOnce(_ entry: Descriptor) {
        if !contains(where: { $0.digest == entry.digest }) { append(entry) }
    }
}
