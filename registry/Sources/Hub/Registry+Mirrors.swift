// SPDX-License-Identifier: Apache-2.0

import Logging
import OCI

extension Registry {
    /// What became of a look at the registry that a repository mirrors.
    enum Refreshed: Sendable {
        /// What the hub holds is what counts; a warning if that could not be made sure.
        case held(warning: String?)
        /// The hub does not keep it.
        case passed(StoredManifest)
    }

    /// The registry as whoever runs the hub, with the mirror of a repository.
    private func mirror(
        of repository: Repository
    ) -> (hub: Registry, mirror: RegistryMirror, origin: Repository)? {
        guard let (mirror, origin) = mirrors.mirror(of: repository) else { return nil }
        return (acting(for: .host), mirror, origin)
    }

    /// Refuses to store anything in a repository that mirrors another one.
    func refuseMirrored(_ repository: Repository) throws {
        guard let (mirror, origin) = mirrors.mirror(of: repository) else { return }
        throw HubError(
            .mirrored, "repository \"\(repository)\" is a mirror of \"\(mirror.upstream.name)/\(origin)\"",
            hint: "push there, or to a repository that is no mirror")
    }

    /// Makes sure that what the hub holds of a mirrored manifest is what counts; nil if the repository is no mirror.
    func refresh(_ target: Reference.Target, in repository: Repository) async throws -> Refreshed? {
        guard let (hub, mirror, origin) = mirror(of: repository) else { return nil }
        try await authorize(.pull, in: repository)
        let refreshed = try await mirrors.flights.share("manifest \(repository) \(target)") {
            switch target {
            case .digest:
                guard try await hub.metadata.manifest(target, in: repository) == nil else {
                    return Refreshed.held(warning: nil)
                }
                return try await hub.fetchManifest(target, origin, in: repository, mirror)
            case .tag(let tag):
                return try await hub.revalidate(tag, origin, in: repository, mirror)
            }
        }
        if case .held = refreshed, mirrors.isUseDue("\(repository) \(target)", now: now()) {
            try await hub.metadata.noteUse(of: target, in: repository)
        }
        return refreshed
    }

    private func revalidate(
        _ tag: Tag, _ origin: Repository, in repository: Repository, _ mirror: RegistryMirror
    ) async throws -> Refreshed {
        let known = try await metadata.mirroredTag(tag, in: repository)
        // A clock that went back makes nothing fresh for ever.
        if let known, (0..<mirror.maxAge).contains(now() - known.checkedAt) { return .held(warning: nil) }
        do {
            if let known, try await mirror.upstream.resolve(origin, .tag(tag)).digest == known.digest {
                try await metadata.noteCheck(of: tag, in: repository)
                return .held(warning: nil)
            }
            return try await fetchManifest(.tag(tag), origin, in: repository, mirror)
        } catch let error as HubError where error.code == .manifestUnknown {
            if known != nil { try await metadata.dropMirrored(tag, in: repository) }
            throw error
        } catch let error as HubError where known != nil && error.isPassing {
            return .held(warning: warn(mirror, repository, error))
        }
    }

    /// Notes that the hub answers from what it holds, and says it in words for a client.
    private func warn(_ mirror: RegistryMirror, _ repository: Repository, _ error: HubError) -> String {
        mirrors.logger.warning(
            "answering from what is held of a mirrored registry",
            metadata: ["repository": "\(repository)", "reason": "\(error)"])
        return "\(mirror.upstream.name) does not answer: this is what the hub holds of it"
    }

    private func fetchManifest(
        _ target: Reference.Target, _ origin: Repository, in repository: Repository, _ mirror: RegistryMirror
    ) async throws -> Refreshed {
        let document: ManifestDocument
        do {
            document = try await mirror.upstream.manifest(origin, target)
        } catch let error as HubError where error.code == .upstreamUnknown {
            throw HubError(
                .manifestUnknown,
                "\"\(mirror.upstream.name)/\(origin)\", which \"\(repository)\" mirrors, has no manifest \"\(target)\"",
                detail: target.description)
        }
        let manifest: NewManifest
        do {
            manifest = try NewManifest(
                bytes: document.bytes, mediaType: document.mediaType, algorithm: document.digest.algorithm)
        } catch {
            throw HubError(
                .upstreamInvalid,
                "\"\(mirror.upstream.name)\" gave a manifest that cannot be taken: \(error.message)")
        }
        do {
            var tag: Tag?
            if case .tag(let name) = target { tag = name }
            try await metadata.putMirrored(manifest, tag: tag, in: repository, isPublic: mirror.isPublic)
            return .held(warning: nil)
        } catch let error as HubError where error.code == .quotaExceeded {
            mirrors.logger.warning("a manifest is not kept", metadata: ["reason": "\(error.message)"])
            return .passed(
                StoredManifest(digest: document.digest, mediaType: document.mediaType, bytes: document.bytes))
        }
    }

    /// A blob that a mirrored repository does not hold yet, as the other registry describes it.
    func describeMirrored(_ digest: Digest, in repository: Repository) async throws -> BlobRecord? {
        guard let (hub, mirror, origin) = mirror(of: repository) else { return nil }
        try await authorize(.pull, in: repository)
        if try await hub.metadata.descriptor(of: digest, in: repository) != nil,
            let held = try await hub.metadata.adoptBlob(digest, in: repository)
        {
            return held
        }
        return try await mirror.upstream.describeBlob(origin, digest).map {
            BlobRecord(digest: digest, size: $0.size)
        }
    }

    /// Fetches a blob that a mirrored repository does not hold yet.
    ///
    /// - Returns: reads it while it arrives; nil if the other registry does not have it, or the repository is no mirror.
    func fetchMirrored(_ digest: Digest, in repository: Repository) async throws -> (any BlobReader)? {
        guard let (hub, mirror, origin) = mirror(of: repository) else { return nil }
        try await authorize(.pull, in: repository)
        // A manifest that came from there says that it has the blob; otherwise it has to say so itself. What the hub
        // holds of other repositories proves nothing.
        let named = try await hub.metadata.descriptor(of: digest, in: repository)
        var descriptor = named
        if descriptor == nil { descriptor = try await mirror.upstream.describeBlob(origin, digest) }
        guard let descriptor else { return nil }
        if try await hub.metadata.adoptBlob(digest, in: repository) != nil {
            return try await hub.readBlob(digest, in: repository)
        }
        let upstream = mirror.upstream
        do {
            return try await fetches.fetch(descriptor, for: repository, with: hub) { sink, beginning in
                try await upstream.blob(origin, descriptor, into: sink, after: beginning)
            }.reader()
        } catch let error as HubError where error.code == .upstreamUnknown {
            return nil
        }
    }

    /// Tags of a mirrored repository, as the other registry lists them; nil if the repository is no mirror.
    ///
    /// No more is asked for than wanted, and what comes stays in that registry's order, by which it goes on. One that knows
    /// no pages is read whole.
    func mirroredTags(
        in repository: Repository, after: String, limit: Int
    ) async throws -> (tags: [String]?, warning: String?)? {
        guard let (hub, mirror, origin) = mirror(of: repository) else { return nil }
        try await authorize(.pull, in: repository)
        do {
            let tags = try await mirrors.flights.share("tags \(repository) \(limit) \(after)") {
                if let page = try await mirror.upstream.tags(origin, after: after, limit: limit) {
                    return page.map(\.name)
                }
                let all = try await mirror.upstream.tags(origin).map(\.name).sorted {
                    $0.utf8.lexicographicallyPrecedes($1.utf8)
                }
                return Array(all.drop { !after.utf8.lexicographicallyPrecedes($0.utf8) }.prefix(limit))
            }
            return (tags, nil)
        } catch let error as HubError where error.code == .upstreamUnknown {
            return (nil, nil)
        } catch let error as HubError where error.isPassing {
            guard let held = try await hub.metadata.tags(in: repository, after: after, limit: limit) else {
                throw error
            }
            return (held, warn(mirror, repository, error))
        }
    }

    /// What refers to a manifest of a mirrored repository, as the other registry says; nil if it is no mirror.
    func mirroredReferrers(
        to subject: Digest, artifactType: MediaType?, after: Int64, in repository: Repository
    ) async throws -> ReferrerPage? {
        guard let (hub, mirror, origin) = mirror(of: repository) else { return nil }
        try await authorize(.pull, in: repository)
        let limit = limits.pageLength
        do {
            let all = try await mirror.upstream.referrers(origin, to: subject, artifactType: artifactType)
            var page = ReferrerPage()
            let rest = all.dropFirst(Int(clamping: after))
            page.referrers = Array(rest.prefix(limit))
            if rest.count > limit { page.next = after + Int64(limit) }
            return page
        } catch let error as HubError where error.code == .upstreamUnknown {
            return ReferrerPage()
        } catch let error as HubError where error.isPassing {
            var page = try await hub.metadata.referrers(
                to: subject, artifactType: artifactType, in: repository, after: after, limit: limit)
            page.warning = warn(mirror, repository, error)
            return page
        }
    }

    /// Removes what nobody pulled of mirrored repositories for as long as their mirrors keep it.
    func retireMirrored() async throws -> Int {
        var count = 0
        for mirror in mirrors.all {
            guard let lifetime = mirror.lifetime else { continue }
            for repository in try await metadata.repositories(below: mirror.prefix)
            where mirrors.mirror(of: repository)?.mirror.prefix == mirror.prefix {
                count += try await metadata.retireMirrored(in: repository, before: now() - lifetime)
            }
        }
        return count
    }
}

extension HubError {
    /// Whether a registry may answer the same question at another time.
    fileprivate var isPassing: Bool { code == .upstreamUnavailable || code == .upstreamLimited }
}
