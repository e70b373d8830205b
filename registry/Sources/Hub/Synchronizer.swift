// SPDX-License-Identifier: Apache-2.0

import OCI

/// What is copied of another registry.
package struct SyncRule: Sendable {
    package let upstream: any Upstream
    /// Which repositories there: names, or patterns as in `acme/*`.
    package let repositories: [String]
    /// Patterns of tags.
    package let tags: [String]
    /// What the names of the copies begin with here, before a slash; empty for nothing.
    package let prefix: String
    /// Whether what refers to an image comes with it.
    package let includesReferrers: Bool
    /// Whether tags go here that are gone there.
    package let prunes: Bool

    package init(
        upstream: any Upstream, repositories: [String], tags: [String], prefix: String,
        includesReferrers: Bool, prunes: Bool
    ) {
        self.upstream = upstream
        self.repositories = repositories
        self.tags = tags
        self.prefix = prefix
        self.includesReferrers = includesReferrers
        self.prunes = prunes
    }
}

/// Copies repositories of another registry into the hub.
///
/// What is here is not fetched again, and a blob that broke off is taken up where it broke. A tag moves when all of its
/// image is here, and not before.
package struct Synchronizer: Sendable {
    private let registry: Registry
    private let rule: SyncRule
    private let observe: @Sendable (String) -> Void

    /// Deepest chain of referrers, as a signature of a bill of materials of an image.
    private static let depth = 4
    /// Blobs of an image that are fetched at once.
    private static let blobsAtOnce = 4

    /// `observe` is told what is being done, in words.
    package init(
        _ registry: Registry, _ rule: SyncRule, observe: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.registry = registry.acting(for: .host)
        self.rule = rule
        self.observe = observe
    }

    /// Copies what the rule names; what fails is in the report, and stops nothing else.
    package func run() async throws -> SyncReport {
        var report = SyncReport()
        do {
            for origin in try await origins() {
                try Task.checkCancellation()
                do {
                    try await copy(origin, &report)
                } catch let error as HubError {
                    report.add(origin.path, nil, nil, .failed, error)
                }
            }
        } catch let error as HubError {
            report.add(rule.upstream.name, nil, nil, .failed, error)
        }
        return report
    }

    /// The repositories that are meant; the registry is asked for its names only if there are patterns.
    private func origins() async throws -> [Repository] {
        let patterns = rule.repositories.filter { $0.hasSuffix("*") }
        var found = Set(rule.repositories.filter { !$0.hasSuffix("*") }.compactMap { try? Repository($0) })
        if !patterns.isEmpty {
            let scopes = patterns.map { Scope(repositories: $0, actions: []) }
            found.formUnion(
                try await rule.upstream.catalog().filter { name in scopes.contains { $0.covers(name) } })
        }
        return found.sorted()
    }

    private func copy(_ origin: Repository, _ report: inout SyncReport) async throws {
        let name = rule.prefix.isEmpty ? origin.path : "\(rule.prefix)/\(origin)"
        let target: Repository
        do {
            target = try Repository(name)
        } catch {
            throw HubError(.nameInvalid, "\(error)")
        }
        try registry.refuseMirrored(target)
        let there = try await rule.upstream.tags(origin).filter(isWanted).sorted()
        for (number, tag) in there.enumerated() {
            try Task.checkCancellation()
            observe("\(target):\(tag), \(number + 1) of \(there.count)")
            do {
                let (digest, isCopied) = try await copy(tag, of: origin, to: target, &report)
                report.add(target.path, tag, digest, isCopied ? .copied : .unchanged)
            } catch let error as HubError {
                report.add(target.path, tag, nil, .failed, error)
            }
        }
        guard rule.prunes else { return reportAbsent(from: there, of: origin, target, &report) }
        for name in try await registry.metadata.tags(in: target, after: "", limit: .max) ?? [] {
            guard let tag = try? Tag(name), isWanted(tag), !there.contains(tag) else { continue }
            do {
                try await registry.deleteManifest(.tag(tag), in: target)
                report.add(target.path, tag, nil, .removed)
            } catch let error as HubError {
                report.add(target.path, tag, nil, .failed, error)
            }
        }
    }

    /// Tags that were named without a pattern, and that are not there.
    private func reportAbsent(
        from there: [Tag], of origin: Repository, _ target: Repository, _ report: inout SyncReport
    ) {
        for tag in rule.tags.compactMap({ try? Tag($0) }) where !there.contains(tag) {
            let error = HubError(
                .upstreamUnknown, "\"\(rule.upstream.name)/\(origin)\" has no tag \"\(tag)\"")
            report.add(target.path, tag, nil, .failed, error)
        }
    }

    private func isWanted(_ tag: Tag) -> Bool {
        rule.tags.contains { TagPattern.matches($0, tag.name) }
    }

    private func copy(
        _ tag: Tag, of origin: Repository, to target: Repository, _ report: inout SyncReport
    ) async throws -> (Digest, isCopied: Bool) {
        let digest = try await rule.upstream.resolve(origin, .tag(tag)).digest
        let held = try await registry.metadata.manifest(.tag(tag), in: target)?.digest
        if held != digest {
            try await copy(digest, as: .tag(tag), of: origin, to: target, &report)
        }
        var seen: Set<Digest> = [digest]
        if rule.includesReferrers {
            try await copyReferrers(of: digest, of: origin, to: target, Self.depth, &seen, &report)
        }
        return (digest, held != digest)
    }

    /// Copies a manifest with all that it names, if it is not here.
    private func copy(
        _ digest: Digest, as name: Reference.Target, of origin: Repository, to target: Repository,
        _ report: inout SyncReport
    ) async throws {
        if case .digest = name, try await registry.metadata.manifest(name, in: target) != nil { return }
        let document = try await rule.upstream.manifest(origin, .digest(digest))
        let manifest = try NewManifest(
            bytes: document.bytes, mediaType: document.mediaType, algorithm: digest.algorithm)
        let needed = manifest.references.filter(\.isRequired)
        for child in needed where child.kind == .manifest {
            let digest = child.descriptor.digest
            try await copy(digest, as: .digest(digest), of: origin, to: target, &report)
        }
        var blobs = needed.filter { $0.kind == .blob }.map(\.descriptor)[...]
        while !blobs.isEmpty {
            let batch = blobs.prefix(Self.blobsAtOnce)
            blobs = blobs.dropFirst(batch.count)
            let fetched = try await withThrowingTaskGroup { group in
                for blob in batch { group.addTask { try await ensure(blob, of: origin, in: target) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            report.note(fetched)
        }
        _ = try await registry.pushManifest(
            document.bytes, mediaType: document.mediaType, as: name, to: target)
    }

    /// Makes sure that a repository holds a blob.
    /// - Returns: the bytes that were fetched for it.
    private func ensure(
        _ blob: Descriptor, of origin: Repository, in target: Repository
    ) async throws -> Int64 {
        let renewal = registry.now() - registry.limits.blobLease / 2
        if try await registry.metadata.blob(blob.digest, in: target, renewal: renewal) != nil { return 0 }
        // The other registry's manifest names it: what the hub holds of it for others is the same.
        if try await registry.metadata.adoptBlob(blob.digest, in: target) != nil { return 0 }
        let upstream = rule.upstream
        try await registry.fetches.fetch(blob, for: target, with: registry) { sink, beginning in
            try await upstream.blob(origin, blob, into: sink, after: beginning)
        }.finish()
        guard try await registry.metadata.blob(blob.digest, in: target, renewal: renewal) != nil else {
            throw HubError(
                .quotaExceeded, "blob \(blob.digest) of repository \"\(target)\" exceeds a quota",
                hint: "delete what is no longer needed, or raise the quota")
        }
        return blob.size
    }

    private func copyReferrers(
        of subject: Digest, of origin: Repository, to target: Repository, _ depth: Int,
        _ seen: inout Set<Digest>, _ report: inout SyncReport
    ) async throws {
        guard depth > 0 else { return }
        for referrer in try await rule.upstream.referrers(origin, to: subject, artifactType: nil) {
            guard seen.insert(referrer.digest).inserted else { continue }
            let name = Reference.Target.digest(referrer.digest)
            if try await registry.metadata.manifest(name, in: target) == nil {
                try await copy(referrer.digest, as: name, of: origin, to: target, &report)
                report.noteReferrer()
            }
            try await copyReferrers(of: referrer.digest, of: origin, to: target, depth - 1, &seen, &report)
        }
    }
}
