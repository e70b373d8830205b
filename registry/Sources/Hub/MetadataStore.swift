// SPDX-License-Identifier: Apache-2.0

package import OCI

/// Everything the hub knows besides bytes.
///
/// Each function is one transaction; what it returned from is durable. Each one that names a repository begins with
/// `Access.authorize` for the principal that the store acts for.
package typealias MetadataStore = AuthorizingStore & UploadSessionStore & BlobLinkStore & ManifestStore
    & CatalogStore & SearchStore & PolicyStore & CollectionStore & FigureStore & FactStore & PullStore
    & MirrorStore & ImmediateStore

/// What can be done through it is what its principal may do.
package protocol AuthorizingStore: Sendable {
    /// Who the store acts for, and by which rules.
    var access: Access { get }
    /// The same store for somebody else.
    func acting(for principal: Principal) -> Self
    /// Refuses an action before it begins: whoever may not push need not send bytes. The transaction that ends the
    /// action decides again.
    func authorize(_ action: RepositoryAction, in repository: Repository, tags: [Tag]) async throws
}

/// Which uploads are under way.
package protocol UploadSessionStore: Sendable {
    /// Records an upload, if fewer than `limit` are open. A crash of the machine may forget it: the client then starts over.
    func beginUpload(_ session: UploadSession, limit: Int) async throws
    /// The upload with this name, in this repository only, if the principal began it.
    func upload(_ id: UploadID, in repository: Repository) async throws -> UploadSession?
    /// Forgets an upload; false if there was none.
    func endUpload(_ id: UploadID) async throws -> Bool
    /// All uploads begun since a time; older ones are forgotten.
    func uploads(since: Int64) async throws -> [UploadSession]
}

/// Which blobs each repository holds: a blob is readable only through such a link.
package protocol BlobLinkStore: Sendable {
    /// Links a blob whose bytes are safe, or few and given, to a repository, and ends the upload it came from.
    func commitBlob(_ blob: ReceivedBlob, to repository: Repository, ending upload: UploadID?) async throws
    /// Links a blob of one repository to another; nil if the first one does not hold it.
    ///
    /// `isNamed` says whether the client named the source, and so could have opened its session for it.
    /// - Throws: `insufficientScope` if it should have done so.
    func mountBlob(
        _ digest: Digest, from source: Repository, isNamed: Bool, to target: Repository
    ) async throws -> BlobRecord?
    /// Some repositories that hold a blob and that whoever asks may read, also beyond this session.
    func sources(of digest: Digest, limit: Int) async throws -> [Repository]
    /// A blob that the repository holds.
    ///
    /// Whoever asks is about to rely on it: if no manifest needs the blob and it was linked before `renewal`, its lease
    /// begins anew.
    func blob(_ digest: Digest, in repository: Repository, renewal: Int64) async throws -> BlobRecord?
    /// A blob that the repository holds, with its bytes if they are few.
    func content(_ digest: Digest, in repository: Repository) async throws -> ReceivedBlob?
    /// Removes the link. Refused while a manifest of the repository names the blob.
    func unlinkBlob(_ digest: Digest, from repository: Repository) async throws
}

/// The manifests of each repository and the tags that name them.
package protocol ManifestStore: Sendable {
    /// Stores a manifest and moves tags to it, if the repository holds all that it names and the condition holds.
    func putManifest(
        _ manifest: NewManifest, in repository: Repository, tags: [Tag], if condition: PushCondition?
    ) async throws
    /// The manifest that a tag or digest names.
    func manifest(_ target: Reference.Target, in repository: Repository) async throws -> StoredManifest?
    /// Removes a tag, or a manifest with its tags. Refused while an index names the manifest.
    func deleteManifest(_ target: Reference.Target, in repository: Repository) async throws
    /// The manifests whose subject is this digest, in the order of their pushes.
    func referrers(
        to subject: Digest, artifactType: MediaType?, in repository: Repository, after: Int64, limit: Int
    ) async throws -> ReferrerPage
}

/// What nobody needs any more; for the hub itself.
package protocol CollectionStore: Sendable {
    /// Uploads begun before a time.
    func uploads(before: Int64) async throws -> [UploadSession]
    /// Forgets uploads.
    /// - Returns: how many there were.
    func endUploads(_ ids: [UploadID]) async throws -> Int
    /// Removes tags and manifests that policies give up.
    func retire(now: Int64) async throws -> (tags: Int, manifests: Int)
    /// Unlinks blobs that no manifest of their repository needs and that were linked before a time.
    /// - Returns: how many.
    func unlinkUnused(before: Int64) async throws -> Int
    /// Blobs that no repository holds, in the order of their digests.
    func unusedBlobs(after: Digest?, limit: Int) async throws -> [Digest]
    /// Forgets those of some blobs that no repository holds.
    /// - Returns: what was forgotten.
    func forgetBlobs(_ digests: [Digest]) async throws -> [BlobRecord]
    /// Those of some blobs that are not recorded.
    func unknownBlobs(_ digests: [Digest]) async throws -> [Digest]
}

/// Lists for people and tools, in the order of their bytes.
package protocol CatalogStore: Sendable {
    /// Names of tags after a text; nil if the repository is not known.
    func tags(in repository: Repository, after: String, limit: Int) async throws -> [String]?
    /// Names of repositories after a text that hold a manifest.
    func repositories(after: String, limit: Int) async throws -> [String]
    /// What the tags of a repository name, newest first.
    func taggedImages(
        in repository: Repository, before: TaggedImage.Position?, limit: Int
    ) async throws -> [TaggedImage]
}

extension CatalogStore {
    /// The newest of them.
    package func taggedImages(in repository: Repository, limit: Int) async throws -> [TaggedImage] {
        try await taggedImages(in: repository, before: nil, limit: limit)
    }
}

extension TaggedImage {
    /// A place in the list of a repository's tags, newest first.
    package struct Position: Hashable, Sendable, CustomStringConvertible {
        package let updatedAt: Int64
        package let tag: String

        package init(_ image: TaggedImage) {
            updatedAt = image.updatedAt
            tag = image.tag
        }

        /// Reads what `description` wrote.
        package init(_ text: String) throws(HubError) {
            let parts = text.split(separator: "~", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let time = Int64(parts[0]) else {
                throw HubError(.pageInvalid, "the place in the list of versions is none that this hub gave")
            }
            updatedAt = time
            tag = String(parts[1])
        }

        package var description: String { "\(updatedAt)~\(tag)" }
    }
}

/// The bytes of a blob, described.
package struct BlobRecord: Hashable, Sendable {
    package let digest: Digest
    package let size: Int64

    package init(digest: Digest, size: Int64) {
        self.digest = digest
        self.size = size
    }
}

/// Something that a manifest names.
package struct ManifestReference: Hashable, Sendable {
    /// What must be there for the manifest to be of use.
    package enum Kind: Hashable, Sendable {
        case blob
        case manifest
    }

    package let descriptor: Descriptor
    package let kind: Kind
    /// False for layers that are fetched from elsewhere (image-spec 1.1, layer.md "Non-Distributable Layers").
    package let isRequired: Bool
}

/// A manifest that passed its checks, on the way into the store.
package struct NewManifest: Sendable {
    package let document: ManifestDocument
    package let references: [ManifestReference]
    package let subject: Digest?
    /// What `referrers` filters by (distribution-spec 1.1, "Listing Referrers").
    package let artifactType: MediaType?
    package let annotations: [String: String]
}

/// What the tags of a push must name beforehand.
package enum PushCondition: Hashable, Sendable {
    /// Nothing.
    case unnamed
    /// Some manifest.
    case present
    /// One of these manifests.
    case named(Set<Digest>)
}

/// Manifests that refer to another one.
package struct ReferrerPage: Hashable, Sendable {
    package var referrers: [Descriptor] = []
    /// Where the next page begins, if there is more.
    package var next: Int64?
    /// What a client should be told about the answer.
    package var warning: String?

    package init() {}
}

/// A manifest as it was pushed.
package struct StoredManifest: Sendable {
    package let digest: Digest
    package let mediaType: MediaType
    package let bytes: [UInt8]
    /// What a client should be told about the answer.
    package var warning: String?

    package init(digest: Digest, mediaType: MediaType, bytes: [UInt8]) {
        self.digest = digest
        self.mediaType = mediaType
        self.bytes = bytes
    }
}

/// A line of a repository's page.
package struct TaggedImage: Hashable, Sendable {
    package let tag: String
    package let digest: Digest
    package let mediaType: MediaType
    /// Bytes of the manifest and all blobs it names.
    package let size: Int64
    /// When the tag was last moved, in seconds since 1970.
    package let updatedAt: Int64
    /// Who moved it, as the audit log calls them; nil where that was not kept.
    package let pushedBy: String?

    package init(
        tag: String, digest: Digest, mediaType: MediaType, size: Int64, updatedAt: Int64,
        pushedBy: String? = nil
    ) {
        self.pushedBy = pushedBy
        self.tag = tag
        self.digest = digest
        self.mediaType = mediaType
        self.size = size
        self.updatedAt = updatedAt
    }
}
