// SPDX-License-Identifier: Apache-2.0

import OCI

/// What a page of a filter is about, as its address says it: `acme/tiny`, `acme/tiny:v1` or `acme/tiny@sha256:…`.
struct FilterAddress {
    let repository: Repository
    /// Nil for the newest tag.
    let target: Reference.Target?

    /// Nil for what no repository or tag can be called.
    init?(_ text: String) {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first else { return nil }
        let words = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let path = words.first, let repository = try? Repository(String(path)) else { return nil }
        self.repository = repository
        if parts.count > 1 {
            // A tag beside a digest says nothing that the digest does not.
            guard let digest = Digest(String(parts[1])) else { return nil }
            target = .digest(digest)
        } else if words.count > 1 {
            guard let tag = try? Tag(String(words[1])) else { return nil }
            target = .tag(tag)
        } else {
            target = nil
        }
    }

    /// The address of a version.
    static func path(_ repository: Repository, _ target: Reference.Target) -> String {
        switch target {
        case .tag(let tag): "/r/\(repository):\(tag)"
        case .digest(let digest): "/r/\(repository)@\(digest)"
        }
    }
}
