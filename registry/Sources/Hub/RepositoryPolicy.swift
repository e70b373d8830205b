// SPDX-License-Identifier: Apache-2.0

package import OCI

/// What was decided about the repositories of a scope; nil where the hub's own rule holds.
package struct RepositoryPolicy: Hashable, Sendable, Codable {
    /// Whether a manifest may name content that is not here.
    package var allowsSparse: Bool?
    /// Patterns of tags that never move and are never deleted, as in "v*".
    package var immutableTags: [String]?
    /// The most tags that stay when the hub collects, the newest.
    package var keepTags: Int?
    /// Seconds after which a manifest without a tag goes when the hub collects.
    package var untaggedLifetime: Int64?
    /// The most bytes that all repositories of the scope hold together.
    package var quota: Int64?

    package init(
        allowsSparse: Bool? = nil, immutableTags: [String]? = nil, keepTags: Int? = nil,
        untaggedLifetime: Int64? = nil, quota: Int64? = nil
    ) {
        self.allowsSparse = allowsSparse
        self.immutableTags = immutableTags
        self.keepTags = keepTags
        self.untaggedLifetime = untaggedLifetime
        self.quota = quota
    }

    /// Takes from a wider scope what this one leaves open; a quota is each scope's own.
    package func completed(by wider: Self) -> Self {
        Self(
            allowsSparse: allowsSparse ?? wider.allowsSparse,
            immutableTags: immutableTags ?? wider.immutableTags, keepTags: keepTags ?? wider.keepTags,
            untaggedLifetime: untaggedLifetime ?? wider.untaggedLifetime, quota: quota)
    }

    /// Refuses what cannot be meant.
    package func validate() throws(HubError) {
        for (name, value) in [
            ("keepTags", keepTags.map(Int64.init)), ("untaggedLifetime", untaggedLifetime), ("quota", quota),
        ] {
            guard value ?? 0 >= 0 else {
                throw HubError(.policyInvalid, "\"\(name)\" is negative: \(value ?? 0)")
            }
        }
        guard immutableTags?.count ?? 0 <= 100 else {
            throw HubError(.policyInvalid, "more than 100 patterns of immutable tags")
        }
        for pattern in immutableTags ?? [] where !TagPattern.isValid(pattern) {
            throw HubError(
                .policyInvalid, "\"\(pattern.prefix(130))\" is no pattern of tags",
                hint: "write the characters of a tag, with * for any number and ? for one of them")
        }
    }
}

/// Which repositories a policy is about: one, all of a namespace (`acme/*`), or all (`*`).
package struct PolicyScope: Hashable, Sendable, CustomStringConvertible {
    package let description: String
    /// The repository, if it is one.
    package let repository: Repository?
    /// Whose repositories it holds; nil for those of everybody.
    package var owner: AccountName? {
        description == "*" ? nil : try? AccountName(description.prefix { $0 != "/" })
    }

    package init(_ text: String) throws(HubError) {
        description = text
        if text == "*" {
            repository = nil
            return
        }
        let isNamespace = text.hasSuffix("/*")
        do {
            let name = try Repository(isNamespace ? String(text.dropLast(2)) : text)
            repository = isNamespace ? nil : name
        } catch {
            throw HubError(.nameInvalid, "\(error)", hint: "name a repository, \"acme/*\" or \"*\"")
        }
    }

    package init(_ repository: Repository) {
        description = repository.path
        self.repository = repository
    }

    /// The scopes that hold a repository, the narrowest first.
    package static func all(of repository: Repository) -> [String] {
        var scopes = [repository.path]
        var path = repository.path[...]
        while let slash = path.lastIndex(of: "/") {
            path = path[..<slash]
            scopes.append("\(path)/*")
        }
        return scopes + ["*"]
    }
}

/// Patterns of tags: `*` for any number of characters, `?` for one.
package enum TagPattern {
    package static func isValid(_ pattern: String) -> Bool {
        !pattern.isEmpty && pattern.utf8.count <= 128
            && pattern.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
                    UInt8(ascii: "-"), UInt8(ascii: "*"), UInt8(ascii: "?"):
                    true
                default: false
                }
            }
    }

    /// Whether a pattern fits a tag, in time that grows with the product of their lengths at most.
    package static func matches(_ pattern: String, _ tag: String) -> Bool {
        let pattern = Array(pattern.utf8)
        let text = Array(tag.utf8)
        var (p, t) = (0, 0)
        var star: (pattern: Int, text: Int)?
        while t < text.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                star = (p, t)
                p += 1
            } else if p < pattern.count, pattern[p] == UInt8(ascii: "?") || pattern[p] == text[t] {
                p += 1
                t += 1
            } else if let last = star {
                star = (last.pattern, last.text + 1)
                p = last.pattern + 1
                t = last.text + 1
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}

/// What was decided about repositories.
package protocol PolicyStore: Sendable {
    /// All policies that the principal decides about, by scope.
    func policies() async throws -> [String: RepositoryPolicy]
    /// What was decided about a scope itself; nil for nothing.
    func policy(for scope: PolicyScope) async throws -> RepositoryPolicy?
    /// Decides about a scope; nil lifts what was decided. Quotas are for whoever runs the hub to decide.
    func setPolicy(_ policy: RepositoryPolicy?, for scope: PolicyScope) async throws
    /// Refuses so many bytes, which will be a blob with this digest if that is known, if no quota could take them.
    ///
    /// Without a digest nobody knows whether the repository holds the blob already, and would not grow by it.
    func checkQuota(for count: Int64, as digest: Digest?, in repository: Repository) async throws
}

extension HubError.Code {
    /// A policy that cannot be meant.
    package static let policyInvalid = Self("POLICY_INVALID")
    /// A tag that a policy fixes.
    package static let immutable = Self("DENIED", kind: "immutable")
    /// A scope that holds all it may.
    package static let quotaExceeded = Self("DENIED", kind: "quota")
    /// More uploads are open than the hub keeps.
    package static let tooManyUploads = Self("TOOMANYREQUESTS", kind: "uploads")
}
