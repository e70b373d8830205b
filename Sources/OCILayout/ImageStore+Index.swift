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
        try checkWritable()
        let facts = try facts(of: descriptor)
        let needed = try reached(from: descriptor)
        try updateIndex { index in
            // Under the lock: nobody removes them between this look and the new entry.
            if let missing = needed.first(where: { !contains($0) }) {
                throw StoreError(
                    .blobMissing,
                    "blob \(missing.digest) of image \(descriptor.digest) is not in the store \"\(root)\"",
                    hint: "pull or build the image again")
            }
            index.enter(descriptor, names: names, facts: facts)
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

    // MARK: - the file

    func readIndex() throws -> Index {
        let path = root.appending("index.json")
        let hint =
            isReadOnly
            ? nil
            : "remove it and pull or build the images again: what is here of them is not fetched a second time"
        do {
            return try JSONDecoder().decode(Index.self, from: Data(try Files.read(path)))
        } catch let error as SystemError where error.isNotFound {
            return Index(manifests: [])
        } catch DecodingError.valueNotFound(_, let place)
            where place.codingPath.last?.stringValue == "manifests"
        {
            // So tools in Go write a list without members.
            return Index(manifests: [])
        } catch let error as SystemError where error.isDirectory {
            throw StoreError(.corrupt, "\"\(path)\" is damaged: it is a folder", hint: hint)
        } catch let error as DecodingError {
            throw StoreError(.corrupt, "\"\(path)\" is damaged: \(decodingFailure(error))", hint: hint)
        }
    }

    /// Changes the index under the lock; what does not change is not written.
    func updateIndex(_ change: (inout Index) throws -> Void) throws {
        try locked {
            let index = try readIndex()
            var changed = index
            try change(&changed)
            if changed != index { try writeIndex(changed) }
        }
    }

    /// Only under the lock.
    func writeIndex(_ index: Index) throws {
        try Files.replace(
            root.appending("index.json"), with: try canonicalJSON(index),
            draft: root.appending(".index.json-new"))
    }

    // MARK: - finding

    /// What a reference leads to.
    enum Found {
        case named(String, Descriptor)
        case digest(Descriptor)
    }

    /// Finds what a reference means: a name first, then a digest or the beginning of one; if `isDeep`, also that of an
    /// image in an index among the entries.
    func find(_ reference: Reference, in entries: [Descriptor], isDeep: Bool = true) throws -> Found {
        if reference.digest == nil {
            // A foreign layout's name may be what looks like a repository to us.
            for name in [reference.tagged, reference.description] {
                if let name, let entry = entries.first(where: { $0.name == name }) {
                    return .named(name, entry)
                }
            }
        }
        let beginning = reference.digest.map { ($0.algorithm, $0.hex) } ?? reference.digestBeginning
        if let beginning {
            var found: [Digest: Descriptor] = [:]
            for entry in isDeep ? try nested(entries) : entries where entry.digest.begins(beginning) {
                found[entry.digest] = found[entry.digest] ?? entry
            }
            if found.count == 1, let only = found.first { return .digest(only.value) }
            guard found.isEmpty else {
                throw StoreError(
                    .ambiguous, "\"\(reference)\" is the beginning of \(found.count) digests",
                    hint: "write more of it: "
                        + found.keys.sorted().map(\.description).joined(separator: ", "))
            }
        }
        throw unknown(reference.description, isRemote: reference.registry != nil)
    }

    private func unknown(_ name: String, isRemote: Bool = false) -> StoreError {
        StoreError(
            .unknownImage, "image \"\(name)\" is not in the store \"\(root)\"",
            hint: isRemote
                ? "see 'wasme list', or fetch it with 'wasme pull \(name)'"
                : "see 'wasme list', or build it with 'wasme build -t \(name)'")
    }

    private func names(_ entries: [Descriptor]) -> String? {
        let names = Set(entries.map { $0.name ?? $0.digest.description }).sorted()
        guard !names.isEmpty else { return nil }
        let shown = names.prefix(10).map { "\"\($0)\"" }.joined(separator: ", ")
        return names.count > 10 ? "\(shown) and \(names.count - 10) more" : shown
    }

    /// The entries, and those of indexes among them.
    private func nested(_ entries: [Descriptor]) throws -> [Descriptor] {
        var all = entries
        var seen = Set(entries.map(\.digest))
        var next = 0
        while next < all.count {
            defer { next += 1 }
            guard MediaType.indexes.contains(all[next].mediaType),
                case .index(let index)? = try? manifest(all[next]).content
            else { continue }
            all += index.manifests.filter { seen.insert($0.digest).inserted }
        }
        return all
    }

    /// Where a name leads to an index with one image in it, as container builders write it: that image.
    private func followed(_ entry: Descriptor) throws -> Descriptor {
        var entry = entry
        // An index cannot hold itself: its digest would have to be known before.
        while MediaType.indexes.contains(entry.mediaType),
            case .index(let index) = try manifest(entry).content
        {
            let images = index.manifests.filter {
                $0.annotations?["vnd.docker.reference.type"] != "attestation-manifest"
            }
            guard images.count == 1 else { break }
            entry = images[0]
        }
        return entry
    }

    func facts(of descriptor: Descriptor) throws -> ImageFacts {
        ImageFacts(try manifest(descriptor)) { try? read($0) }
    }
}

extension Index {
    /// Makes names lead to a manifest; without any, the manifest is known by its digest alone.
    mutating func enter(_ descriptor: Descriptor, names: [String], facts: ImageFacts) {
        var entry = descriptor.bare
        entry.annotations = facts.annotations
        let isSettled = names.allSatisfy { name in
            manifests.contains {
                $0.name == name && $0.digest == entry.digest
                    && ImageFacts(annotations: $0.annotations) == facts
            }
        }
        // Giving what is given is no change: nothing is written then.
        if isSettled, !names.isEmpty || manifests.contains(where: { $0.digest == entry.digest }) { return }
        entry.annotations?[ImageStore.storedAt] = Date().formatted(.iso8601)
        // The image that had the name stays, without one, until it is pruned.
        for position in manifests.indices where manifests[position].name.map(names.contains) == true {
            manifests[position].annotations?[ImageStore.refName] = nil
        }
        for name in names {
            entry.annotations?[ImageStore.refName] = name
            manifests.append(entry)
        }
        if names.isEmpty { manifests.append(entry) }
        dropSpareEntries()
    }

    /// Takes names away.
    mutating func forget(names: Set<String>) {
        for position in manifests.indices where manifests[position].name.map(names.contains) == true {
            manifests[position].annotations?[ImageStore.refName] = nil
        }
        dropSpareEntries()
    }

    /// An entry without a name is kept only while nothing else names the same manifest.
    private mutating func dropSpareEntries() {
        let named = Set(manifests.filter { $0.name != nil }.map(\.digest))
        var seen: Set<Digest> = []
        manifests.removeAll { entry in
            guard entry.name == nil else { return false }
            return named.contains(entry.digest) || !seen.insert(entry.digest).inserted
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

extension Reference {
    /// The name it is stored under: with its tag; what was fetched by digest alone is known by that.
    package var stored: String { tagged ?? description }

    /// The beginning of a digest that this may be meant as: `sha256:3f2a…`, or at least four hexadecimal digits.
    fileprivate var digestBeginning: (Digest.Algorithm?, String)? {
        guard registry == nil, digest == nil else { return nil }
        let path = repository.path
        if let tag {
            guard let algorithm = Digest.Algorithm(rawValue: path), tag.name.isLowercaseHex else {
                return nil
            }
            return (algorithm, tag.name)
        }
        return path.utf8.count >= 4 && path.isLowercaseHex ? (nil, path) : nil
    }
}

extension Digest {
    fileprivate func begins(_ beginning: (algorithm: Algorithm?, hex: String)) -> Bool {
        (beginning.algorithm ?? algorithm) == algorithm && hex.hasPrefix(beginning.hex)
    }
}

extension String {
    fileprivate var isLowercaseHex: Bool {
        utf8.allSatisfy { byte in "0123456789abcdef".utf8.contains(byte) }
    }
}

extension SystemError {
    fileprivate var isNotFound: Bool { errno == Errno.noSuchFileOrDirectory.rawValue }
    fileprivate var isDirectory: Bool { errno == Errno.isDirectory.rawValue }
}
