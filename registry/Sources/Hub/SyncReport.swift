// SPDX-License-Identifier: Apache-2.0

package import OCI

/// What came of copying.
package struct SyncReport: Hashable, Sendable, Codable {
    package enum State: String, Hashable, Sendable, Codable {
        case copied, unchanged, removed, failed
    }

    /// One tag.
    package struct Image: Hashable, Sendable, Codable {
        package let repository: String
        /// nil if the repository itself failed.
        package let tag: String?
        package let digest: Digest?
        package let state: State
        package let problem: String?
    }

    package private(set) var images: [Image] = []
    /// Blobs that were fetched, and their bytes.
    package private(set) var blobs = 0
    package private(set) var bytes: Int64 = 0
    /// Manifests that refer to images and were copied with them.
    package private(set) var referrers = 0

    package init() {}

    /// Adds what came of another request.
    package mutating func merge(_ other: Self) {
        images += other.images
        blobs += other.blobs
        bytes += other.bytes
        referrers += other.referrers
    }

    package func count(_ state: State) -> Int { images.count { $0.state == state } }

    /// Notes the sizes of blobs; those that were here count nothing.
    mutating func note(_ fetched: [Int64]) {
        blobs += fetched.count { $0 > 0 }
        bytes += fetched.reduce(0, +)
    }

    mutating func noteReferrer() { referrers += 1 }

    /// For people.
    package var summary: String {
        """
        \(count(.copied)) copied, \(count(.unchanged)) unchanged, \(count(.removed)) removed, \
        \(count(.failed)) failed; \(blobs) blobs (\(bytes) bytes) fetched, \(referrers) referrers copied
        """
    }
}

extension SyncReport {
    mutating func add(
        _ repository: String, _ tag: Tag?, _ digest: Digest?, _ state: State, _ error: HubError? = nil
    ) {
        images.append(
            Image(
                repository: repository, tag: tag?.name, digest: digest, state: state,
                problem: error?.message))
    }
}
