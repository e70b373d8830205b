// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Files
private import Foundation
package import OCI
import SystemPackage

/// What `index.json` says: which images are here, and what they are called.
extension ImageStore {
    static let refName = "org.opencontainers.image.ref.name"
    static let storedAt = "dev.wasme.stored-at"

    /// The manifest that a reference names here: a name, a digest, or the beginning of one where no name fits.
    /// - Throws: `StoreError`; a beginning that fits several images is `.ambiguous`.
    package func resolve(_ reference: Reference) throws -> Descriptor {
        switch try find(reference, in: try readIndex().manifests) {
        case .named(_, let descriptor): return try followed(descriptor).bare
        case .digest(let descriptor): return descriptor.bare
        }
    }

    /// The manifest that a name leads to as it stands in the layout; without a name it is the only image there is.
    ///
    /// Other tools write tags alone there, or what they like (image-layout.md, "index.json file").
    package func resolve(name: String?) throws -> Descriptor {
        let entries = try readIndex().manifests
        if let name {
            guard let found = entries.first(where: { $0.name == name }) else {
                throw StoreError(
                    .unknownImage, "image \"\(name)\" is not in \"\(root)\"",
                    hint: names(entries).map { "it holds \($0)" })
            }
            return try followed(found).bare
        }
        let digests = Set(entries.map(\.digest))
        guard let only = entries.first else {
            throw StoreError(.unknownImage, "there is no image in \"\(root)\"")
        }
        guard digests.count == 1 else {
            throw StoreError(
                .ambiguous, "\"\(root)\" holds \(digests.count) images",
                hint: names(entries).map { "name one of them: \($0)" })
        }
        return try followed(only).bare
    }

    /// All images that have a name, in the order of their names; with `all` those without one, too.
    package func list(all: Bool = false) throws -> [StoredImage] {
        try readIndex().manifests.compactMap { entry in
            guard all || entry.name != nil else { return nil }
            return StoredImage(
                name: entry.name, reference: entry.name.flatMap { try? Reference($0) },
                descriptor: entry.bare,
                storedAt: entry.annotations?[Self.storedAt],
                facts: ImageFacts(annotations: entry.annotations) ?? (try? facts(of: entry)))
        }
        .sorted {
            ($0.name ?? "\u{10FFFF}", $0.storedAt ?? "") < ($1.name ?? "\u{10FFFF}", $1.storedAt ?? "")
        }
    }

    /// The names that lead to a manifest.
    package func names(of digest: Digest) throws -> [String] {
        try readIndex().manifests.filter { $0.digest == digest }.compactMap(\.name)
    }

    /// The artifacts here that say they belong to a manifest (image-spec 1.1, manifest.md "subject").
    package func referrers(of digest: Digest) throws -> [Descriptor] {
        var seen: Set<Digest> = []
        return try readIndex().manifests.compactMap { entry in
            guard seen.insert(entry.digest).inserted, let document = try? manifest(entry),
                document.subject?.digest == digest
            else { return nil }
            var descriptor = entry.bare
            // What a registry's referrers API says of each (distribution-spec 1.1, "Listing Referrers").
            if case .manifest(let manifest) = document.content {
                descriptor.artifactType = manifest.artifactType ?? manifest.config.mediaType
                descriptor.annotations = manifest.annotations
            }
            return descriptor
        }
    }

    // MARK: - changing

    /// Gives a manifest that is here one more name; a name that was given before moves.
    package func tag(_ descriptor: Descriptor, as references: [Reference]) throws {
        try tag(descriptor, names: references.map(\.stored))
    }

    /// The same with names as they are to stand in the layout.
    package func tag(_ descriptor: Descriptor, names: [String]) throws {
        try tag([(descriptor, names)])
    }

    /// Gives names to several manifests at once; with `folders` that have to be on the disk before.
    func tag(_ images: [(descriptor: Descriptor, names: [String])], after folders: [FilePath] = []) throws {
        try checkWritable()
        let entries = try images.map { image in
            (image, facts: try facts(of: image.descriptor), needed: try reached(from: image.descriptor))
        }
        try updateIndex(after: folders) { index in
            for (image, facts, needed) in entries {
                // Under the lock: nobody removes them between this look and the new entry.
                if let missing = needed.first(where: { !contains($0) }) {
                    throw StoreError(
                        .blobMissing,
                        "blob \(missing.digest) of image \(image.descriptor.digest) is not in the store \"\(root)\"",
                        hint: "pull or build the image again")
                }
                index.enter(image.descriptor, names: image.names, facts: facts)
            }
        }
    }

    /// Takes names away from images; an image that has none left stays, until it is pruned.
    package func untag(_ names: [String]) throws {
        try checkWritable()
        try updateIndex { index in
            for name in names where !index.manifests.contains(where: { $0.name == name }) {
                throw unknown(name)
            }
            index.forget(names: Set(names))
        }
    }
}

extension Descriptor {
    /// The name that an entry of `index.json` gives.
    var name: String? { annotations?[ImageStore.refName] }

    /// What addresses the content, without what an index says of it.
    var bare: Descriptor {
        var bare = self
        bare.annotations = nil
        return bare
    }
}

extension ManifestDocument {
    /// The manifest that this one says it belongs to.
    var subject: Descriptor? {
        switch content {
        case .manifest(let manifest): manifest.subject
        case .index(let index): index.subject
        }
    }
}
