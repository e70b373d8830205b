// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import OCI

extension RegistryClient {
    /// Finds out what a tag or digest names, without fetching it.
    ///
    /// A registry whose answer to HEAD does not say all of it, or is an error, is asked again with GET: only that has
    /// a body to explain itself with.
    package func resolve(_ repository: Repository, _ target: Reference.Target) async throws -> Descriptor {
        let call = try await manifestCall(.head, repository, target)
        let answer = try await retrying {
            let answer = try await exchange(call)
            let error = RegistryError(call.action, host, answer)
            if error.isTemporary { throw error }
            return answer
        }
        let headers = answer.response.headerFields
        guard answer.status == 200, let type = headers[.contentType],
            let digest = try digest(of: answer, call),
            let size = headers[.contentLength].flatMap({ Int64($0) }), size > 0
        else { return try await manifest(repository, target).descriptor }
        if case .digest(let asked) = target, asked != digest {
            throw RegistryError.mismatch(call.action, .digestMismatch(expected: asked, actual: digest))
        }
        return Descriptor(mediaType: MediaType(contentType: type), digest: digest, size: size)
    }

    /// Whether a repository has a manifest that is about to be pushed; a registry that does not say has not.
    package func hasManifest(_ repository: Repository, _ digest: Digest) async throws -> Bool {
        var call = try await manifestCall(.head, repository, .digest(digest))
        // With the rights that will be needed next, so that one token does for all.
        call.scope = Scope(repository, [.pull, .push])
        return try await retrying { [call] in try await exchange(call).status == 200 }
    }

    /// Fetches a manifest or index; its bytes are held against the digest that was asked for or that the registry
    /// states.
    package func manifest(
        _ repository: Repository, _ target: Reference.Target
    ) async throws -> ManifestDocument {
        var call = try await manifestCall(.get, repository, target)
        call.limit = ManifestDocument.maximumSize
        let answer = try await perform(call)
        let expected: Digest? =
            switch target {
            case .digest(let digest): digest
            case .tag: try digest(of: answer, call)
            }
        let algorithm = expected?.algorithm ?? .sha256
        if let expected {
            let actual = Digest(of: answer.body, algorithm: algorithm)
            guard actual == expected else {
                throw RegistryError.mismatch(call.action, .digestMismatch(expected: expected, actual: actual))
            }
        }
        let type = answer.response.headerFields[.contentType].map { MediaType(contentType: $0) }
        do {
            return try ManifestDocument(
                bytes: answer.body, mediaType: type.flatMap { Self.isManifest($0) ? $0 : nil },
                algorithm: algorithm)
        } catch {
            var refusal = RegistryError.badAnswer(call.action, shownText("\(error)", limit: 300))
            if case .unsupportedSchemaVersion = error {
                refusal.hint = "push the image again with a tool of today, or convert it with skopeo"
            }
            throw refusal
        }
    }

    /// Stores a manifest or index under a tag or its digest; its blobs must be there.
    ///
    /// One with a subject is listed among that manifest's referrers, by the registry or, if it does not say that it did
    /// so, by us (distribution-spec 1.1, "Pushing Manifests with Subject").
    /// - Returns: what addresses it now.
    @discardableResult
    package func push(
        _ manifest: ManifestDocument, to repository: Repository, as target: Reference.Target
    ) async throws -> Descriptor {
        let answer = try await put(manifest, to: repository, as: target)
        if let subject = manifest.subject {
            let isListed = answer.header("oci-subject") == subject.digest.description
            if isListed { endpoint.hasReferrers = true }
            if !isListed { try await list(manifest.referrer, under: subject.digest, in: repository) }
        }
        return manifest.descriptor
    }

    @discardableResult
    func put(
        _ manifest: ManifestDocument, to repository: Repository, as target: Reference.Target
    ) async throws -> Answer {
        let action = "push manifest \"\(name(repository, target))\""
        if case .digest(let digest) = target, digest != manifest.digest {
            throw RegistryError.mismatch(action, .digestMismatch(expected: digest, actual: manifest.digest))
        }
        let location = location(repository, "manifests/\(target)")
        var call = Call(.put, location, scope: Scope(repository, [.pull, .push]), action: action)
        call.headers[.contentType] = manifest.mediaType.rawValue
        call.body = HTTPBody(manifest.bytes)
        let answer = try await perform(call)
        if let stored = try digest(of: answer, call) {
            let own = Digest(of: manifest.bytes, algorithm: stored.algorithm)
            guard stored == own else {
                throw RegistryError.mismatch(action, .digestMismatch(expected: own, actual: stored))
            }
        }
        return answer
    }

    private func manifestCall(
        _ method: HTTPRequest.Method, _ repository: Repository, _ target: Reference.Target
    ) async throws -> Call {
        var call = Call(
            method, location(repository, "manifests/\(target)"), scope: Scope(repository, [.pull]),
            action: "read manifest \"\(name(repository, target))\"")
        call.headers[.accept] = (MediaType.manifests + MediaType.indexes).map(\.rawValue).joined(
            separator: ", ")
        return call
    }

    private func digest(of answer: Answer, _ call: Call) throws -> Digest? {
        guard let text = answer.header("docker-content-digest") else { return nil }
        do {
            return try Digest(text[...])
        } catch {
            throw RegistryError.badAnswer(call.action, shownText("\(error)", limit: 200))
        }
    }

    /// A server of files calls everything by a general type: then the document's own word counts.
    private static func isManifest(_ type: MediaType) -> Bool {
        MediaType.manifests.contains(type) || MediaType.indexes.contains(type)
    }
}
