// SPDX-License-Identifier: Apache-2.0

import Logging
package import OCI

/// The registry itself: what may happen to repositories, blobs and manifests, whatever they are stored in and
/// whoever speaks for them.
///
/// The order that makes a push safe is held here: bytes become durable first, then the transaction that makes them
/// visible, then the answer.
package struct Registry: Sendable {
    /// What one client may ask for.
    package struct Limits: Hashable, Sendable {
        /// Bytes of the largest blob.
        package var blobSize: Int64 = 10 << 30
        /// Entries of the longest page of a list.
        package var pageLength = 1000
        /// Repositories that are tried as the source of a mount that names none.
        package var mountSources = 20
        /// Seconds after which an upload that was never finished is forgotten.
        package var uploadLifetime: Int64 = 7 * 24 * 3600
        /// Uploads that may be open at once.
        package var openUploads = 20_000
        /// Seconds that a blob stays after a push or a look at it, though no manifest needs it.
        package var blobLease: Int64 = 24 * 3600
        /// Bytes that are kept free on the disk: what would take them is refused.
        package var freeSpace: Int64 = 0
        /// How long a request waits for what the hub is still reading.
        package var readingWait = Duration.seconds(10)

        package init() {}
    }

    private(set) var metadata: any MetadataStore
    let blobs: any BlobStore
    let uploads: any UploadStore
    let gate = BlobGate()
    let fetches = BlobFetches()
    /// Which repositories are those of other registries.
    package let mirrors: Mirrors
    let reading = ReadingSignal()
    /// How often repositories were pulled, as far as it is not written down.
    package let pullCounts = PullCounts()
    /// How far collections are.
    package let collections = CollectionProgress()
    package let limits: Limits
    /// Who everything is done for; decided upon by `metadata`.
    package private(set) var principal = Principal.anonymous
    /// Seconds since 1970.
    package let now: @Sendable () -> Int64

    /// `now` is the clock, in seconds since 1970.
    package init(
        metadata: any MetadataStore, blobs: any BlobStore, uploads: any UploadStore,
        limits: Limits = Limits(), mirrors: Mirrors = Mirrors([], logger: Logger(label: "wasme-hub")),
        now: @escaping @Sendable () -> Int64
    ) {
        self.metadata = metadata
        self.blobs = blobs
        self.uploads = uploads
        self.limits = limits
        self.mirrors = mirrors
        self.now = now
    }

    /// The registry as somebody may use it.
    package func acting(for principal: Principal) -> Registry {
        var registry = self
        registry.principal = principal
        registry.metadata = metadata.acting(for: principal)
        return registry
    }

    /// Refuses to let somebody in who has to say first who it is.
    package func authorizeEntry() throws { try metadata.access.authorizeEntry() }

    /// Refuses an action before it begins.
    package func authorize(
        _ action: RepositoryAction, in repository: Repository, tags: [Tag] = []
    ) async throws {
        try await metadata.authorize(action, in: repository, tags: tags)
        if action == .push { try refuseMirrored(repository) }
    }

    /// Clears up after the process before this one; to be called once, before the first request.
    package func recover() async throws {
        try await uploads.discardAll(except: try await metadata.uploads(since: now() - limits.uploadLifetime))
    }

    /// One page of a list, and where the next one begins.
    package struct Page: Hashable, Sendable {
        package let entries: [String]
        /// The last entry, if there are more after it.
        package let next: String?
        /// What a client should be told about the answer.
        package var warning: String?

        /// The first `length` of some entries, which are more if another page follows.
        fileprivate init(_ entries: [String], length: Int) {
            let shown = Array(entries.prefix(length))
            self.entries = shown
            next = entries.count > length ? shown.last : nil
        }

        fileprivate static let empty = Page([], length: 0)
    }

    /// Tags of a repository (distribution-spec 1.1, "Listing Tags").
    package func tags(in repository: Repository, after: String = "", limit: Int?) async throws -> Page {
        var warning: String?
        let page = try await page(limit) { limit in
            if let (tags, note) = try await mirroredTags(in: repository, after: after, limit: limit) {
                warning = note
                return tags
            }
            return try await metadata.tags(in: repository, after: after, limit: limit)
        }
        guard var page else { throw HubError.unknown(repository) }
        page.warning = warning
        return page
    }

    /// Repositories that hold something.
    package func repositories(after: String = "", limit: Int?) async throws -> Page {
        try await page(limit) { try await metadata.repositories(after: after, limit: $0) }
            ?? Page.empty
    }

    /// What the tags of a repository name, newest first; `before` is where an earlier page ended.
    package func taggedImages(
        in repository: Repository, before: TaggedImage.Position? = nil, limit: Int
    ) async throws -> [TaggedImage] {
        try await metadata.taggedImages(in: repository, before: before, limit: min(limit, limits.pageLength))
    }

    /// Asks for one entry more than wanted: whether it comes tells if there is a next page.
    private func page(_ limit: Int?, _ list: (Int) async throws -> [String]?) async throws -> Page? {
        let length = pageLength(limit)
        return try await list(length + 1).map { Page($0, length: length) }
    }

    /// The same for a list that is at hand at once.
    package func page(_ limit: Int?, _ list: (Int) throws -> [String]?) rethrows -> Page? {
        let length = pageLength(limit)
        return try list(length + 1).map { Page($0, length: length) }
    }

    private func pageLength(_ limit: Int?) -> Int { min(limit ?? limits.pageLength, limits.pageLength) }

    /// Reads for one thread, which decide like the registry's own, and find what it would find.
    package func immediateReads() throws -> any ImmediateReads { try metadata.immediateReads() }
}

extension HubError {
    static func unknown(_ repository: Repository) -> Self {
        Self(.nameUnknown, "repository \"\(repository)\" is not known", detail: repository.path)
    }

    static func unknown(_ digest: Digest, in repository: Repository) -> Self {
        Self(
            .blobUnknown, "repository \"\(repository)\" holds no blob \(digest)", detail: digest.description)
    }
}
