// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import HubFacts
import OCI

/// One version of a repository's content with all that its page shows.
struct FilterView: Sendable {
    /// What is known of the content.
    enum Content: Sendable {
        case filter(FilterFacts)
        /// An image that is or claims to be a filter, and why it cannot be read.
        case unreadable(String)
        /// Anything else that a registry keeps.
        case other
        /// Pushed a moment ago.
        case notReadYet
    }

    /// Versions and referrers that are shown.
    private static let mostVersions = 50
    private static let mostReferrers = 50

    let repository: Repository
    let target: Reference.Target
    let document: ManifestDocument
    let content: Content
    /// Tags, the newest first.
    let versions: [TaggedImage]
    let hasMoreVersions: Bool
    let referrers: [Descriptor]

    /// Looks a version up as a visitor may see it; nil if there is none for this visitor, or the repository has no tag.
    init?(_ address: FilterAddress, _ visit: Visit) async throws {
        do {
            let registry = visit.registry
            let repository = address.repository
            let images = try await registry.taggedImages(in: repository, limit: Self.mostVersions + 1)
            let newest = images.first.flatMap { try? Tag($0.tag) }.map { Reference.Target.tag($0) }
            guard let target = address.target ?? newest else { return nil }
            let manifest = try await registry.heldManifest(target, in: repository)
            document = try ManifestDocument(
                bytes: manifest.bytes, mediaType: manifest.mediaType, algorithm: manifest.digest.algorithm)
            content = try await Self.content(manifest.digest, repository, registry)
            referrers = try await registry.heldReferrers(
                to: manifest.digest, in: repository, limit: Self.mostReferrers
            ).referrers
            self.repository = repository
            self.target = target
            versions = Array(images.prefix(Self.mostVersions))
            hasMoreVersions = images.count > Self.mostVersions
        } catch let error as HubError where error.hidesContent {
            return nil
        }
    }

    private static func content(
        _ digest: Digest, _ repository: Repository, _ registry: Registry
    ) async throws -> Content {
        do {
            let facts = try await registry.facts(of: .digest(digest), in: repository).facts
            if let filter = FilterFacts(facts) { return .filter(filter) }
            return facts.kind == .unreadable ? .unreadable(facts.reason ?? "") : .notReadYet
        } catch let error as HubError where error.code == .notAFilter {
            return .other
        } catch let error as HubError where error.code == .stillReading {
            return .notReadYet
        }
    }

    /// The filter's facts, if it is one.
    var filter: FilterFacts? { if case .filter(let facts) = content { facts } else { nil } }

    /// The manifest; nil for an index.
    var manifest: Manifest? { if case .manifest(let manifest) = document.content { manifest } else { nil } }

    /// What its makers wrote beside the manifest.
    var annotations: [String: String] {
        switch document.content {
        case .manifest(let manifest): manifest.annotations ?? [:]
        case .index(let index): index.annotations ?? [:]
        }
    }
}

extension HubError {
    /// Whether it says that something is not there, or not for this visitor: a page tells nobody which.
    var hidesContent: Bool {
        switch code.status {
        case .unauthorized, .forbidden, .notFound: true
        default: false
        }
    }
}
