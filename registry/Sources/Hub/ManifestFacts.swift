// SPDX-License-Identifier: Apache-2.0

package import OCI

/// What the hub found out about a manifest by reading what it names.
///
/// Made of the manifest and its blobs alone, without clock or chance: it can be thrown away and made again, and is then
/// the same to the byte.
package struct ManifestFacts: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        /// An image of a filter.
        case filter
        /// An image that is or claims to be one, and cannot be read.
        case unreadable
        /// Anything else: a container image, a chart, a signature.
        case other
    }

    package var kind: Kind
    /// All that is known, as the API shows it: a JSON object, in our canonical form.
    package var document: [UInt8]
    /// Why it is none, or cannot be read: one line.
    package var reason: String?
    package var summary = FilterSummary()
    package var module: ModuleRecord?

    package init(_ kind: Kind, document: [UInt8] = Array("{}".utf8), reason: String? = nil) {
        self.kind = kind
        self.document = document
        self.reason = reason
    }
}

/// What a list shows of a filter.
package struct FilterSummary: Hashable, Sendable {
    /// Versions of Proxy-Wasm, separated by commas.
    package var abi: String?
    package var language: String?
    /// SPDX licence expression.
    package var licence: String?

    package init() {}
}

/// The module of an image.
package struct ModuleRecord: Hashable, Sendable {
    /// Of the module's own bytes.
    package let digest: Digest
    /// Bytes of the module.
    package let size: Int64
    /// The blob that is the module: a layer of the image, or one that the hub took out of a layer.
    ///
    /// Nil while there is none: the module can then be described and not be served.
    package var blob: Digest?

    package init(digest: Digest, size: Int64, blob: Digest?) {
        self.digest = digest
        self.size = size
        self.blob = blob
    }
}

/// A manifest that is still to be read.
package struct PendingManifest: Hashable, Sendable {
    package let id: ManifestID
    package let repository: Repository
    /// How often it was begun before, by processes that ended over it or were ended.
    package let attempts: Int

    package init(id: ManifestID, repository: Repository, attempts: Int) {
        self.id = id
        self.repository = repository
        self.attempts = attempts
    }
}

/// The key of a manifest in one repository; keys of later pushes are greater.
package struct ManifestID: Hashable, Sendable, Comparable {
    package let rawValue: Int64

    package init(_ rawValue: Int64) { self.rawValue = rawValue }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// What is known of a manifest that somebody asked for.
package struct KnownFacts: Sendable {
    package let id: ManifestID
    package let digest: Digest
    /// Nil until the manifest was read.
    package let facts: ManifestFacts?

    package init(id: ManifestID, digest: Digest, facts: ManifestFacts?) {
        self.id = id
        self.digest = digest
        self.facts = facts
    }
}

/// Keeps what was found out about manifests, and which of them are still to be read.
///
/// A manifest is pending from the transaction that stores it on: whatever ends the process, it is read in the end.
package protocol FactStore: Sendable {
    /// What is known of the manifest that a tag or digest names; nil if there is none.
    func facts(_ target: Reference.Target, in repository: Repository) async throws -> KnownFacts?
    /// The module of a manifest, with its bytes if they are few; nil if it has none that can be served.
    func module(
        _ target: Reference.Target, in repository: Repository
    ) async throws -> (module: ModuleRecord, content: [UInt8]?)?

    // For the hub itself.

    /// Makes every manifest pending, unless all is as this revision of the reader left it.
    func expectFacts(of revision: String) async throws
    /// Makes every manifest pending.
    func forgetFacts() async throws
    /// Manifests to read, the newest first, and only those before another one.
    func pendingManifests(before: ManifestID?, limit: Int) async throws -> [PendingManifest]
    /// Those of some manifests that are to be read.
    func pendingManifests(_ ids: [ManifestID]) async throws -> [PendingManifest]
    func pendingCount() async throws -> Int
    /// Remembers that reading begins.
    func beginReading(_ manifests: [ManifestID]) async throws
    /// A manifest by its key; nil if it went meanwhile.
    func manifest(_ id: ManifestID) async throws -> StoredManifest?
    /// Records what was found, unless the manifest went meanwhile, and with it the module that was taken out of a layer.
    func keep(_ facts: ManifestFacts, of id: ManifestID, extracted: ReceivedBlob?) async throws
}

/// Reads what a manifest names.
package protocol FactReader: Sendable {
    /// Another name, other facts of the same bytes.
    var revision: String { get }
    /// Finds out what a manifest is, in bounded time and memory, whatever it names.
    ///
    /// - Returns: the facts, and the module if it lies in no blob of its own.
    /// - Throws: what `blobs` throws because storage fails; content that cannot be read is a fact.
    func read(
        _ document: ManifestDocument, from blobs: some BlobAccess
    ) async throws -> (facts: ManifestFacts, module: [UInt8]?)
}
