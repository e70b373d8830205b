// SPDX-License-Identifier: Apache-2.0

package import OCI

extension Registry {
    /// The answer to a manifest push.
    package struct PushedManifest: Hashable, Sendable {
        package let digest: Digest
        package let tags: [Tag]
        /// What the manifest refers to, for the `OCI-Subject` header.
        package let subject: Digest?
    }

    /// Stores a manifest under a tag or its digest (distribution-spec 1.1, "Pushing Manifests").
    ///
    /// `tags` are further tags to move; `condition` must hold for every tag, or nothing is stored.
    package func pushManifest(
        _ bytes: [UInt8], mediaType: MediaType?, as target: Reference.Target, tags: [Tag] = [],
        if condition: PushCondition? = nil, to repository: Repository
    ) async throws -> PushedManifest {
        try refuseMirrored(repository)
        var allTags = tags
        var algorithm = Digest.Algorithm.sha256
        switch target {
        case .tag(let tag): allTags.insert(tag, at: 0)
        case .digest(let digest): algorithm = digest.algorithm
        }
        let manifest = try NewManifest(bytes: bytes, mediaType: mediaType, algorithm: algorithm)
        let actual = manifest.document.digest
        if case .digest(let expected) = target, expected != actual {
            throw HubError(
                .digestInvalid, "manifest has digest \(actual), expected \(expected)",
                detail: expected.description)
        }
        try await metadata.putManifest(manifest, in: repository, tags: allTags, if: condition)
        reading.wake()
        return PushedManifest(digest: actual, tags: allTags, subject: manifest.subject)
    }

    /// The manifest that a tag or digest names (distribution-spec 1.1, "Pulling manifests").
    package func manifest(
        _ target: Reference.Target, in repository: Repository
    ) async throws -> StoredManifest {
        var warning: String?
        switch try await refresh(target, in: repository) {
        case .passed(let manifest)?: return manifest
        case .held(let note)?: warning = note
        case nil: break
        }
        var manifest = try await heldManifest(target, in: repository)
        manifest.warning = warning
        return manifest
    }

    /// The same of what is here, though more may be where a mirror has it from.
    package func heldManifest(
        _ target: Reference.Target, in repository: Repository
    ) async throws -> StoredManifest {
        guard let manifest = try await metadata.manifest(target, in: repository) else {
            throw HubError(
                .manifestUnknown, "repository \"\(repository)\" holds no manifest \"\(target)\"",
                detail: target.description)
        }
        return manifest
    }

    /// Removes a tag, or a manifest with all its tags (distribution-spec 1.1, "Deleting tags", "Deleting Manifests").
    package func deleteManifest(_ target: Reference.Target, in repository: Repository) async throws {
        try await metadata.deleteManifest(target, in: repository)
    }

    /// The manifests that refer to a digest, those that fit into one answer (distribution-spec 1.1, "Listing Referrers").
    ///
    /// `after` is the `next` of the page before, 0 for the first one.
    package func referrers(
        to subject: Digest, artifactType: MediaType? = nil, after: Int64 = 0, in repository: Repository
    ) async throws -> ReferrerPage {
        if let page = try await mirroredReferrers(
            to: subject, artifactType: artifactType, after: after, in: repository)
        {
            return page
        }
        return try await metadata.referrers(
            to: subject, artifactType: artifactType, in: repository, after: after, limit: limits.pageLength)
    }
}

extension Registry {
    /// The first manifests that refer to a digest, of those that are here: pages ask no other registry.
    package func heldReferrers(
        to subject: Digest, in repository: Repository, limit: Int
    ) async throws -> ReferrerPage {
        try await metadata.referrers(
            to: subject, artifactType: nil, in: repository, after: 0, limit: min(limit, limits.pageLength))
    }
}

extension NewManifest {
    /// Layers that a registry need not hold.
    private static let foreignLayers: Set<MediaType> = [
        MediaType(rawValue: "application/vnd.oci.image.layer.nondistributable.v1.tar"),
        MediaType(rawValue: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"),
        MediaType(rawValue: "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"),
        MediaType(rawValue: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),
    ]

    private static let mediaTypes = MediaType.manifests + MediaType.indexes

    private static func unknown(_ mediaType: MediaType) -> HubError {
        HubError(
            .manifestInvalid, "\"\(mediaType.rawValue.prefix(80))\" is not the media type of a manifest",
            hint: "send one of \(mediaTypes.map(\.rawValue).joined(separator: ", "))")
    }

    /// An empty name is none (distribution-spec 1.1, "Listing Referrers").
    private static func named(_ type: MediaType?) -> MediaType? {
        type.flatMap { $0.rawValue.isEmpty ? nil : $0 }
    }

    /// Longest media type (RFC 6838 §4.2 allows 127 characters on each side of the slash).
    private static let mediaTypeLength = 255

    /// Checks the bytes of a manifest, all but whether what it names is there.
    init(bytes: [UInt8], mediaType: MediaType?, algorithm: Digest.Algorithm) throws(HubError) {
        if let mediaType, mediaType != .octetStream, !Self.mediaTypes.contains(mediaType) {
            throw Self.unknown(mediaType)
        }
        do {
            document = try ManifestDocument(bytes: bytes, mediaType: mediaType, algorithm: algorithm)
        } catch .tooLarge(let size) {
            throw HubError(.manifestTooLarge, "\(ManifestError.tooLarge(size))")
        } catch {
            throw HubError(.manifestInvalid, "\(error)")
        }
        if let key = duplicateKey(inJSON: bytes) {
            throw HubError(.manifestInvalid, "the manifest has the key \"\(key.prefix(40))\" twice")
        }
        guard Self.mediaTypes.contains(document.mediaType) else { throw Self.unknown(document.mediaType) }
        switch document.content {
        case .manifest(let manifest):
            references = document.blobs.map {
                ManifestReference(
                    descriptor: $0, kind: .blob, isRequired: !Self.foreignLayers.contains($0.mediaType))
            }
            subject = manifest.subject?.digest
            artifactType = Self.named(manifest.artifactType) ?? manifest.config.mediaType
            annotations = manifest.annotations ?? [:]
        case .index(let index):
            var seen: Set<Digest> = []
            references = index.manifests.filter { seen.insert($0.digest).inserted }.map {
                ManifestReference(descriptor: $0, kind: .manifest, isRequired: true)
            }
            subject = index.subject?.digest
            artifactType = Self.named(index.artifactType)
            annotations = index.annotations ?? [:]
        }
        for type in references.map(\.descriptor.mediaType)
            + [document.mediaType, artifactType].compactMap(\.self)
        where type.rawValue.utf8.count > Self.mediaTypeLength {
            throw HubError(
                .manifestInvalid,
                "media type \"\(type.rawValue.prefix(40))…\" is longer than \(Self.mediaTypeLength) bytes")
        }
    }
}
