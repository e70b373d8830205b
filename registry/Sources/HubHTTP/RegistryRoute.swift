// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import OCI

/// What a path below `/v2/` means (distribution-spec 1.1, "Endpoints").
///
/// Repository names contain slashes and may contain any of the words that follow them, as in `m/manifests/x`: the
/// path is read from the right.
enum RegistryRoute {
    case base
    case catalog
    case tags(Repository)
    /// The last part is a tag or a digest; which one, and whether it is valid, depends on what is done with it.
    case manifest(Repository, String)
    case blob(Repository, Digest)
    case uploads(Repository)
    case upload(Repository, String)
    case referrers(Repository, Digest)

    /// Reads the parts of the path after `/v2`.
    init(_ segments: [String]) throws(HubError) {
        let last = segments.last ?? ""
        let count = segments.count
        func word(_ fromRight: Int) -> String { count > fromRight ? segments[count - 1 - fromRight] : "" }
        func name(_ dropping: Int) throws(HubError) -> Repository {
            try Self.repository(segments.dropLast(dropping).joined(separator: "/"))
        }
        if segments.isEmpty || segments == [""] {
            self = .base
        } else if segments == ["_catalog"] {
            self = .catalog
        } else if word(1) == "tags", last == "list" {
            self = .tags(try name(2))
        } else if word(1) == "manifests" {
            self = .manifest(try name(2), last)
        } else if word(1) == "referrers" {
            self = .referrers(try name(2), try Self.digest(last))
        } else if word(1) == "blobs", last == "uploads" {
            self = .uploads(try name(2))
        } else if word(2) == "blobs", word(1) == "uploads" {
            self = last.isEmpty ? .uploads(try name(3)) : .upload(try name(3), last)
        } else if word(1) == "blobs" {
            self = .blob(try name(2), try Self.digest(last))
        } else {
            throw HubError(.noSuchPath, "the registry has no such path")
        }
    }

    /// What the path means of another repository; nil if it is about none, or there is none.
    func renamed(_ name: (Repository) -> Repository?) -> RegistryRoute? {
        switch self {
        case .tags(let repository): name(repository).map { .tags($0) }
        case .manifest(let repository, let target): name(repository).map { .manifest($0, target) }
        case .blob(let repository, let digest): name(repository).map { .blob($0, digest) }
        case .referrers(let repository, let digest): name(repository).map { .referrers($0, digest) }
        case .base, .catalog, .uploads, .upload: nil
        }
    }

    /// What may be done with it.
    var methods: [HTTPRequest.Method] {
        [.get, .head, .post, .put, .patch, .delete].filter { need($0) != nil }
    }

    /// What a request needs a right to.
    enum Need: Hashable {
        /// To be let in at all.
        case entry
        /// To see names of repositories: each is decided upon its own.
        case catalog
        case repository(Repository, RepositoryAction)
    }

    /// The right that a request with this method needs; nil if there is no such request, which is then refused.
    func need(_ method: HTTPRequest.Method) -> Need? {
        switch (self, method) {
        case (.base, .get), (.base, .head): .entry
        case (.catalog, .get), (.catalog, .head): .catalog
        case (.tags(let repository), .get), (.tags(let repository), .head),
            (.referrers(let repository, _), .get), (.referrers(let repository, _), .head),
            (.manifest(let repository, _), .get), (.manifest(let repository, _), .head),
            (.blob(let repository, _), .get), (.blob(let repository, _), .head):
            .repository(repository, .pull)
        case (.manifest(let repository, _), .put), (.uploads(let repository), .post),
            (.upload(let repository, _), .patch), (.upload(let repository, _), .put),
            (.upload(let repository, _), .get), (.upload(let repository, _), .head),
            (.upload(let repository, _), .delete):
            .repository(repository, .push)
        case (.manifest(let repository, _), .delete), (.blob(let repository, _), .delete):
            .repository(repository, .delete)
        default: nil
        }
    }

    /// Parses a repository name that a client sent.
    static func repository(_ text: String) throws(HubError) -> Repository {
        do {
            return try Repository(text)
        } catch {
            throw HubError(.nameInvalid, "\(error)")
        }
    }

    /// Parses a digest that a client sent.
    static func digest(_ text: String) throws(HubError) -> Digest {
        do {
            return try Digest(text[...])
        } catch {
            throw HubError(.digestInvalid, "\(error)")
        }
    }

    /// Parses a tag that a client wants to set.
    static func tag(_ text: String) throws(HubError) -> Tag {
        do {
            return try Tag(text)
        } catch {
            throw HubError(.tagInvalid, "\(error)")
        }
    }

    /// Parses what stands for a manifest: a digest if it has a colon, which no tag has, else a tag.
    static func target(_ text: String) throws(HubError) -> Reference.Target {
        text.contains(":") ? .digest(try digest(text)) : .tag(try tag(text))
    }

    /// Parses the name of a manifest that should be there: a tag that cannot exist is simply not known.
    static func existing(_ name: String, in repository: Repository) throws(HubError) -> Reference.Target {
        if name.contains(":") { return .digest(try digest(name)) }
        guard let tag = try? Tag(name) else {
            throw HubError(.manifestUnknown, "repository \"\(repository)\" holds no such manifest")
        }
        return .tag(tag)
    }
}
