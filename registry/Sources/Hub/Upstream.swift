// SPDX-License-Identifier: Apache-2.0

import Diagnostics
package import OCI

/// Another registry, as the hub asks it.
///
/// Everything throws `HubError` with one of the codes below, or what a sink threw.
package protocol Upstream: Sendable {
    /// Its name, for messages.
    var name: String { get }
    /// What a tag or a digest names there, without fetching it.
    func resolve(_ repository: Repository, _ target: Reference.Target) async throws -> Descriptor
    /// A manifest, held against its digest.
    func manifest(_ repository: Repository, _ target: Reference.Target) async throws -> ManifestDocument
    /// What it says of a blob; nil if it has none.
    func describeBlob(_ repository: Repository, _ digest: Digest) async throws -> Descriptor?
    /// Sends a blob into a sink, held against its digest; `beginning` is what was fetched of it earlier, which is hashed
    /// and not fetched again.
    func blob(
        _ repository: Repository, _ descriptor: Descriptor, into sink: any ByteSink & Sendable,
        after beginning: (any ByteSource)?
    ) async throws
    /// Tags of a repository after one, at most so many, in its own order; nil if it does not part lists into pages.
    func tags(_ repository: Repository, after: String, limit: Int) async throws -> [Tag]?
    /// All tags of a repository.
    func tags(_ repository: Repository) async throws -> [Tag]
    /// What refers to a manifest.
    func referrers(
        _ repository: Repository, to subject: Digest, artifactType: MediaType?
    ) async throws -> [Descriptor]
    /// The repositories that it shows.
    func catalog() async throws -> [Repository]
}

extension HubError.Code {
    /// It has nothing of that name.
    package static let upstreamUnknown = Self("NAME_UNKNOWN", kind: "upstream")
    /// It refuses the hub: its credentials, or what they allow.
    package static let upstreamDenied = Self("DENIED", kind: "upstream")
    /// It was asked too often; `detail` is the number of seconds to wait.
    package static let upstreamLimited = Self("TOOMANYREQUESTS", kind: "upstream")
    /// It does not answer, or is out of order.
    package static let upstreamUnavailable = Self("UNAVAILABLE", kind: "upstream")
    /// What it answers is not what it should be.
    package static let upstreamInvalid = Self("UNAVAILABLE", kind: "upstream content")
    /// The repository is a mirror, which nothing is pushed to.
    package static let mirrored = Self("DENIED", kind: "mirror")
}
