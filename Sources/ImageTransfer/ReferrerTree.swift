// SPDX-License-Identifier: Apache-2.0

package import OCI
package import OCILayout
package import OCIRegistry

/// A place that is asked what refers to a manifest.
package protocol ReferrerSource: Sendable {
    /// Descriptors of what refers to a manifest, of any type; some may be of what is gone.
    func referrers(of subject: Digest) async throws -> [Descriptor]
    /// A manifest; nil if it is gone.
    func find(_ descriptor: Descriptor) async throws -> ManifestDocument?
}

/// A manifest and what refers to it, and to that, and so on.
package struct ReferrerTree: Sendable {
    package let manifest: ManifestDocument
    package private(set) var referrers: [ReferrerTree] = []
    /// What is listed as a referrer and is none: gone, or about something else.
    package private(set) var stale: [Descriptor] = []

    /// Far more than anybody attaches: a registry can make up more without end.
    package static let limit = 1000

    /// Asks a place for all that refers to a manifest.
    /// - Parameters:
    ///   - manifest: the root.
    ///   - source: where it is.
    ///   - type: the only type of the root's own referrers; nil for all.
    ///   - depth: how many steps to go.
    /// - Throws: what the source throws; `TransferError` if there is no end.
    package init(
        of manifest: ManifestDocument, from source: any ReferrerSource, type: MediaType? = nil, depth: Int
    ) async throws {
        var left = Self.limit
        self = try await Self.tree(manifest, source, type, depth, &left)
    }

    private init(_ manifest: ManifestDocument) { self.manifest = manifest }

    private static func tree(
        _ manifest: ManifestDocument, _ source: any ReferrerSource, _ type: MediaType?, _ depth: Int,
        _ left: inout Int
    ) async throws -> ReferrerTree {
        var tree = ReferrerTree(manifest)
        guard depth > 0 else { return tree }
        let listed = try await source.referrers(of: manifest.digest).filter {
            type == nil || $0.artifactType == type
        }
        left -= listed.count
        guard left >= 0 else {
            throw TransferError(
                "more than \(limit) artifacts refer to \(manifest.digest) and to each other",
                hint: "ask for one type with --type, or for fewer steps with --depth")
        }
        for descriptor in listed {
            // The list is only a hint; what the manifest says of its subject counts.
            guard let document = try await source.find(descriptor),
                document.subject?.digest == manifest.digest
            else {
                tree.stale.append(descriptor)
                continue
            }
            tree.referrers.append(try await Self.tree(document, source, nil, depth - 1, &left))
        }
        return tree
    }
}

/// What refers to the manifests of a repository.
package struct RegistryReferrers: ReferrerSource {
    private let client: RegistryClient
    private let repository: Repository

    package init(_ client: RegistryClient, _ repository: Repository) {
        self.client = client
        self.repository = repository
    }

    package func referrers(of subject: Digest) async throws -> [Descriptor] {
        try await client.referrers(repository, subject)
    }

    package func find(_ descriptor: Descriptor) async throws -> ManifestDocument? {
        do {
            return try await client.manifest(repository, .digest(descriptor.digest))
        } catch let error as RegistryError where error.status == 404 {
            return nil
        }
    }
}

/// What refers to the manifests of a local store.
package struct StoreReferrers: ReferrerSource {
    private let store: ImageStore

    package init(_ store: ImageStore) { self.store = store }

    package func referrers(of subject: Digest) throws -> [Descriptor] { try store.referrers(of: subject) }

    package func find(_ descriptor: Descriptor) throws -> ManifestDocument? {
        do {
            return try store.manifest(descriptor)
        } catch let error as StoreError where error.code == .blobMissing {
            return nil
        }
    }
}
