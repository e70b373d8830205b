// SPDX-License-Identifier: Apache-2.0

package import OCI

/// All that belongs to one image: its manifest, those that an index leads to, and the artifacts that are about them.
package struct ImageTree: Sendable {
    /// What the image is addressed by.
    package let root: ManifestDocument
    /// The manifests below an index, each after those that it names.
    package private(set) var children: [ManifestDocument] = []
    /// Artifacts whose subject is one of the others, each after its subject.
    package private(set) var referrers: [ManifestDocument] = []
    /// Every blob, once.
    package private(set) var blobs: [Descriptor] = []

    /// Most manifests that one image may lead to.
    static let maximumManifests = 1000
    /// How deep indexes may lie in one another.
    static let maximumDepth = 8

    private var seen: Set<Digest> = []

    /// Finds out what belongs to an image, without its blobs.
    /// - Parameters:
    ///   - root: the image's manifest or index.
    ///   - source: where the rest can be had.
    ///   - referrers: whether what is attached to the image belongs to it.
    /// - Throws: what `source` throws; `TransferError` if there is no end to it.
    package init(
        _ root: ManifestDocument, from source: some BlobAccess, referrers: Bool = false
    ) async throws {
        self.root = root
        seen = [root.digest]
        try await addParts(of: root, source, depth: 1)
        guard referrers else { return }
        var subjects = children.map(\.digest) + [root.digest]
        while let subject = subjects.popLast() {
            for descriptor in try await source.referrers(of: subject)
            where seen.insert(descriptor.digest).inserted {
                let artifact = try await source.manifest(descriptor)
                try checkCount()
                add(blobsOf: artifact)
                self.referrers.append(artifact)
                subjects.append(artifact.digest)
            }
        }
    }

    /// The manifests, in an order in which each can be stored: the image itself after its parts.
    package var manifests: [ManifestDocument] { children + [root] + referrers }

    private mutating func addParts(
        of document: ManifestDocument, _ source: some BlobAccess, depth: Int
    ) async throws {
        guard case .index(let index) = document.content else { return add(blobsOf: document) }
        guard depth <= Self.maximumDepth else {
            throw TransferError(
                "image \(root.digest) is an index whose indexes lie more than \(Self.maximumDepth) deep in one another"
            )
        }
        for part in index.manifests where seen.insert(part.digest).inserted {
            guard (MediaType.manifests + MediaType.indexes).contains(part.mediaType) else {
                // An index may name anything (image-spec 1.1, image-index.md); what is no manifest is a blob.
                blobs.append(part)
                continue
            }
            let child = try await source.manifest(part)
            try await addParts(of: child, source, depth: depth + 1)
            children.append(child)
            try checkCount()
        }
    }

    private func checkCount() throws {
        guard children.count + referrers.count < Self.maximumManifests else {
            throw TransferError("image \(root.digest) leads to more than \(Self.maximumManifests) manifests")
        }
    }

    private mutating func add(blobsOf document: ManifestDocument) {
        blobs += document.blobs.filter { seen.insert($0.digest).inserted }
    }
}
