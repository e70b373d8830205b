// SPDX-License-Identifier: Apache-2.0

private import Foundation
import HTTPTypes
package import OCI

extension RegistryClient {
    /// What refers to a manifest: signatures, bills of materials and the like (distribution-spec 1.1, "Listing
    /// Referrers").
    ///
    /// A registry without this API is asked for the tag that clients keep in its place.
    /// - Parameters:
    ///   - repository: where the manifest is.
    ///   - subject: its digest; it need not be there.
    ///   - type: the only artifact type wanted; nil for all.
    /// - Returns: descriptors with artifact type and annotations; some may name what is gone by now.
    /// - Throws: `RegistryError`.
    package func referrers(
        _ repository: Repository, _ subject: Digest, artifactType type: MediaType? = nil
    ) async throws -> [Descriptor] {
        let all =
            if endpoint.hasReferrers != false, let found = try await listed(repository, subject, type) {
                found
            } else {
                try await tagged(repository, subject).manifests
            }
        guard let type else { return all }
        return all.filter { $0.artifactType == type }
    }

    private func action(_ repository: Repository, _ subject: Digest) -> String {
        "list what refers to \"\(name(repository))@\(subject)\""
    }

    /// Answers of registries that do not know the path: the specification has 404 alone, and 200 is a page for people.
    private static let unknown: Set<Int> = [200, 400, 404, 405, 406, 501]

    /// Asks the registry; nil if it has no such API.
    private func listed(
        _ repository: Repository, _ subject: Digest, _ type: MediaType?
    ) async throws -> [Descriptor]? {
        let action = action(repository, subject)
        let filter = type.map { "?artifactType=\(percentEncoded($0.rawValue))" } ?? ""
        var first = Call(
            .get, location(repository, "referrers/\(subject)\(filter)"),
            scope: Scope(repository, [.pull]), action: action)
        first.headers[.accept] = MediaType.imageIndex.rawValue
        var found: [Descriptor] = []
        do {
            try await forEachPage(first) { answer in
                // A proxy that shows a page for every path has no such API either.
                let given = answer.response.headerFields[.contentType].map { MediaType(contentType: $0) }
                guard given == .imageIndex else { throw NoReferrers() }
                found += try Self.decode(Index.self, answer, action).manifests
                guard found.count <= options.tagLimit else {
                    throw RegistryError.badAnswer(
                        action, "there are more than \(options.tagLimit) of them")
                }
                return true
            }
        } catch is NoReferrers {
            endpoint.hasReferrers = false
            return nil
        } catch let error as RegistryError {
            guard let status = error.status, Self.unknown.contains(status) else { throw error }
            endpoint.hasReferrers = false
            return nil
        }
        endpoint.hasReferrers = true
        return found
    }

    private struct NoReferrers: Error {}
}

// MARK: - The tag in place of the API

extension RegistryClient {
    /// How often an index is written anew because somebody else wrote it at the same time.
    private static let attempts = 8

    /// The tag that names the referrers of a manifest: algorithm, dash, and at most 64 characters of the digest
    /// (distribution-spec 1.1, "Referrers Tag Schema").
    static func referrersTag(_ subject: Digest) throws -> Tag {
        try Tag("\(subject.algorithm.rawValue)-\(subject.hex.prefix(64))")
    }

    private func tagged(_ repository: Repository, _ subject: Digest) async throws -> Index {
        let tag = Reference.Target.tag(try Self.referrersTag(subject))
        let document: ManifestDocument
        do {
            document = try await manifest(repository, tag)
        } catch let error as RegistryError where error.status == 404 {
            return Index(manifests: [])
        }
        guard case .index(let index) = document.content else {
            throw RegistryError.badAnswer(
                action(repository, subject),
                "tag \"\(tag)\", which is to list the referrers, names an image and no index")
        }
        return index
    }

    /// Lists a manifest under its subject's tag, where the registry does not do it by itself.
    ///
    /// No registry writes a tag on condition: after each write it is looked whether somebody else's has undone it. This
    /// client's own wait for each other.
    func list(_ referrer: Descriptor, under subject: Digest, in repository: Repository) async throws {
        let tag = Reference.Target.tag(try Self.referrersTag(subject))
        await endpoint.lists.enter()
        defer { endpoint.lists.leave() }
        for _ in 0..<Self.attempts {
            let started = options.clock.now()
            var index = try await tagged(repository, subject)
            if index.manifests.contains(where: { $0.digest == referrer.digest }) { return }
            index.manifests.append(referrer)
            try await put(try ManifestDocument(index), to: repository, as: tag)
            // Whoever read before this write has written by then.
            let elapsed = options.clock.now() - started
            try await options.clock.sleep(elapsed * (1 + options.clock.jitter()))
        }
        throw RegistryError(
            .refused,
            "cannot list \"\(name(repository))@\(referrer.digest)\" under tag \"\(tag)\": others write it all the time",
            hint: "try again later")
    }
}
