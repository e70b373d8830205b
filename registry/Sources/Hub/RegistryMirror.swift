// SPDX-License-Identifier: Apache-2.0

package import Logging
package import OCI
private import Synchronization

/// Repositories that are those of another registry, fetched when they are asked for.
package struct RegistryMirror: Sendable {
    /// What the names of the repositories begin with here, before a slash; empty for all.
    package let prefix: String
    package let upstream: any Upstream
    /// What their names begin with there; empty for nothing.
    package let upstreamPrefix: String
    /// What clients call the other registry that ask a proxy for it (distribution-spec, development version, "Registry
    /// Proxying": the parameter `ns`).
    package let namespace: String
    /// Seconds that a tag is taken for what it was when it was last asked for.
    package let maxAge: Int64
    /// Seconds after which a manifest goes that nobody pulled; nil for never.
    package let lifetime: Int64?
    /// Whether everybody may pull who may pull what is public.
    package let isPublic: Bool

    package init(
        prefix: String, upstream: any Upstream, upstreamPrefix: String, namespace: String, maxAge: Int64,
        lifetime: Int64?, isPublic: Bool
    ) {
        self.prefix = prefix
        self.upstream = upstream
        self.upstreamPrefix = upstreamPrefix
        self.namespace = namespace
        self.maxAge = maxAge
        self.lifetime = lifetime
        self.isPublic = isPublic
    }

    /// What a repository is called there; nil if it is none of the mirror's.
    package func origin(of repository: Repository) -> Repository? {
        var rest = repository.path[...]
        if !prefix.isEmpty {
            guard rest.hasPrefix(prefix) else { return nil }
            rest = rest.dropFirst(prefix.count)
            guard rest.isEmpty || rest.hasPrefix("/") else { return nil }
            rest = rest.drop { $0 == "/" }
        }
        return try? Repository([upstreamPrefix[...], rest].filter { !$0.isEmpty }.joined(separator: "/"))
    }

    /// What a repository of the other registry is called here.
    package func local(_ origin: Repository) -> Repository? {
        var rest = origin.path[...]
        if !upstreamPrefix.isEmpty {
            guard rest.hasPrefix(upstreamPrefix + "/") else { return nil }
            rest = rest.dropFirst(upstreamPrefix.count + 1)
        }
        return try? Repository([prefix[...], rest].filter { !$0.isEmpty }.joined(separator: "/"))
    }
}

/// All mirrors of a hub, and what is being asked on their behalf.
package final class Mirrors: Sendable {
    /// The longest prefix first, which counts.
    let all: [RegistryMirror]
    let flights = Flights()
    let logger: Logger
    /// When the use of a manifest was last noted: once an hour is enough.
    private let uses = Mutex<[String: Int64]>([:])

    private static let useInterval: Int64 = 3600

    package init(_ mirrors: [RegistryMirror], logger: Logger) {
        all = mirrors.sorted { $0.prefix.utf8.count > $1.prefix.utf8.count }
        self.logger = logger
    }

    /// The mirror that a repository belongs to, and what the repository is called there.
    package func mirror(of repository: Repository) -> (mirror: RegistryMirror, origin: Repository)? {
        for mirror in all {
            if let origin = mirror.origin(of: repository) { return (mirror, origin) }
        }
        return nil
    }

    /// The repository that a client means which asks for one of another registry; nil if that one is not mirrored.
    package func repository(_ origin: Repository, in namespace: String) -> Repository? {
        all.lazy.filter { $0.namespace == namespace }.compactMap { $0.local(origin) }.first
    }

    /// Whether the use of a manifest is to be noted now.
    func isUseDue(_ key: String, now: Int64) -> Bool {
        uses.withLock { uses in
            guard now - (uses[key] ?? 0) >= Self.useInterval else { return false }
            if uses.count >= 10_000 { uses = [:] }
            uses[key] = now
            return true
        }
    }
}

/// Work that several want at the same time and that is done once.
final class Flights: Sendable {
    private let running = Mutex<[String: Task<any Sendable, any Error>]>([:])

    /// Does work, or waits for the same work that somebody else began; goes on if whoever asked goes away.
    func share<Result: Sendable>(
        _ key: String, _ work: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let task = running.withLock { running in
            if let task = running[key] { return task }
            let task = Task { () async throws -> any Sendable in
                defer { self.running.withLock { $0[key] = nil } }
                return try await work()
            }
            running[key] = task
            return task
        }
        guard let result = try await task.value as? Result else {
            preconditionFailure("two kinds of work share the key \"\(key)\"")
        }
        return result
    }
}

/// What the hub keeps of other registries.
package protocol MirrorStore: Sendable {
    /// Stores a manifest whose content may come later, and makes a tag name it that was just asked for.
    func putMirrored(
        _ manifest: NewManifest, tag: Tag?, in repository: Repository, isPublic: Bool
    ) async throws
    /// What a tag names, and when it was last asked for, in seconds since 1970.
    func mirroredTag(
        _ tag: Tag, in repository: Repository
    ) async throws -> (digest: Digest, checkedAt: Int64)?
    /// Notes that a tag was asked for, and names what it named.
    func noteCheck(of tag: Tag, in repository: Repository) async throws
    /// Notes that a manifest was pulled; may be lost in a crash.
    func noteUse(of target: Reference.Target, in repository: Repository) async throws
    /// Removes a tag that is gone where it came from.
    func dropMirrored(_ tag: Tag, in repository: Repository) async throws
    /// What a manifest of the repository says of a blob.
    func descriptor(of blob: Digest, in repository: Repository) async throws -> Descriptor?
    /// Links a blob that the hub holds to a repository whose registry has it, too; nil if the hub does not hold it.
    func adoptBlob(_ digest: Digest, in repository: Repository) async throws -> BlobRecord?
    /// Records an upload that the hub makes itself, if it is not yet.
    func beginFetch(_ session: UploadSession) async throws
    /// Removes manifests that nobody pulled since a time.
    /// - Returns: how many.
    func retireMirrored(in repository: Repository, before: Int64) async throws -> Int
    /// All repositories whose names begin so.
    func repositories(below prefix: String) async throws -> [Repository]
}
