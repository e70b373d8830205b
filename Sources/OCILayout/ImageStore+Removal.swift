// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
import Files
private import Foundation
package import OCI
import SystemPackage

/// What was taken out of a store, or would be.
package struct Removal: Sendable {
    /// The names that lead nowhere now.
    package var names: [String] = []
    /// The images that are not here any more.
    package var images: [Digest] = []
    /// The blobs that nothing reached any more, manifests too.
    package var blobs: [Digest] = []
    /// Beginnings of transfers, and what killed processes left.
    package var leftovers = 0
    /// Bytes that are free now.
    package var bytes: Int64 = 0
    /// Why blobs were left for a later time.
    package var obstacle: StoreError?
}

extension ImageStore {
    /// Takes images out: by a name, that name, and the content if nothing else names it; by a digest, all of it.
    /// - Parameters:
    ///   - references: what to remove; if one is not here, nothing is removed.
    ///   - force: whether an image that has several names may be removed by its digest.
    /// - Returns: what went.
    /// - Throws: `StoreError`.
    package func remove(_ references: [Reference], force: Bool = false) throws -> Removal {
        try checkWritable()
        return try locked {
            let index = try readIndexFile()
            var (names, digests) = try targets(references, in: index.manifests)
            if !force { try checkSingleNames(digests, besides: names, in: index.manifests) }
            let named = Set(index.manifests.filter { $0.name != nil }.map(\.digest))
            var kept = index
            kept.manifests.removeAll {
                digests.contains($0.digest) || $0.name.map(names.contains) == true
            }
            digests.formUnion(named.subtracting(kept.manifests.map(\.digest)))
            // What belongs to an image and has no name of its own goes with it, and what belongs to that.
            let artifacts = kept.manifests.filter { $0.name == nil }
            while let next = artifacts.first(where: { artifact in
                !digests.contains(artifact.digest) && subject(of: artifact).map(digests.contains) == true
            }) {
                digests.insert(next.digest)
                kept.manifests.removeAll { $0.digest == next.digest }
            }
            names.formUnion(index.manifests.filter { digests.contains($0.digest) }.compactMap(\.name))
            var removal = Removal(names: names.sorted())
            let gone = index.manifests.filter { entry in
                !kept.manifests.contains { $0.digest == entry.digest }
            }
            removal.images = Set(gone.map(\.digest)).sorted()
            try writeIndex(kept)
            var spare = Set(gone.flatMap { (try? reached(from: $0)) ?? [$0] }.map(\.digest))
            do {
                spare.subtract(try held(by: kept.manifests))
                try removeBlobs(spare.subtracting(try countedOn()), noting: &removal)
            } catch let error as StoreError {
                removal.obstacle = error
            }
            return removal
        }
    }

    /// Collects what no name leads to: images without one, blobs of no image, abandoned transfers.
    ///
    /// What a process that is at work counts on stays, and so do artifacts whose subject stays.
    /// - Parameters:
    ///   - named: whether images with names go, too.
    ///   - age: how old something must be to go; nil for any age.
    ///   - dryRun: whether only to find out what would go.
    /// - Returns: what went.
    /// - Throws: `StoreError`, also if an image that stays is damaged: what it needs cannot be told then.
    package func prune(
        named: Bool = false, olderThan age: Duration? = nil, dryRun: Bool = false
    ) throws -> Removal {
        try checkWritable()
        return try locked {
            let index = try readIndexFile()
            let deadline = age.map { Date().timeIntervalSince1970 - $0 / .seconds(1) }
            var kept = index
            kept.manifests = survivors(of: index.manifests, named: named, deadline: deadline)
            let held = try held(by: kept.manifests).union(try countedOn())
            var removal = Removal()
            removal.names = Set(index.manifests.compactMap(\.name)).subtracting(
                kept.manifests.compactMap(\.name)
            ).sorted()
            removal.images = Set(index.manifests.map(\.digest)).subtracting(kept.manifests.map(\.digest))
                .sorted()
            if kept != index, !dryRun { try writeIndex(kept) }
            let spare = try allBlobs().filter { !held.contains($0) && isOld(path($0), deadline) }
            try removeBlobs(spare, noting: &removal, dryRun: dryRun)
            for file in try partials() where isOld(file, deadline) {
                guard let lock = try FileLock(file, wait: false) else { continue }
                try withExtendedLifetime(lock) { try removeLeftover(file, noting: &removal, dryRun: dryRun) }
            }
            for folder in try abandonedIngests() where isOld(folder, deadline) {
                try removeLeftover(folder, noting: &removal, dryRun: dryRun)
            }
            return removal
        }
    }

    // MARK: - choosing

    private func targets(
        _ references: [Reference], in entries: [Descriptor]
    ) throws -> (names: Set<String>, digests: Set<Digest>) {
        var names: Set<String> = []
        var digests: Set<Digest> = []
        var unknown: [(reference: Reference, error: StoreError)] = []
        for reference in references {
            do {
                switch try find(reference, in: entries, isDeep: false) {
                case .named(let name, _): names.insert(name)
                case .digest(let entry): digests.insert(entry.digest)
                }
            } catch let error as StoreError where error.code == .unknownImage {
                unknown.append((reference, error))
            }
        }
        guard let first = unknown.first else { return (names, digests) }
        let list = unknown.map { "\"\($0.reference)\"" }.joined(separator: ", ")
        throw StoreError(
            .unknownImage,
            (unknown.count == 1 ? "image \(list) is" : "images \(list) are") + " not in the store \"\(root)\""
                + (references.count > 1 ? "; nothing was removed" : ""),
            hint: first.error.hint.map { _ in "see 'wasme list --all'" })
    }

    private func checkSingleNames(
        _ digests: Set<Digest>, besides names: Set<String>, in entries: [Descriptor]
    ) throws {
        for digest in digests.sorted() {
            let others = entries.filter { $0.digest == digest }.compactMap(\.name).filter {
                !names.contains($0)
            }
            guard others.count > 1 else { continue }
            throw StoreError(
                .severalNames,
                "image \(digest) has \(others.count) names: "
                    + others.sorted().map { "\"\($0)\"" }.joined(separator: ", "),
                hint: "remove it by one of them, which takes that name away, or all of it with --force")
        }
    }

    private func survivors(of entries: [Descriptor], named: Bool, deadline: Double?) -> [Descriptor] {
        var kept = Set(
            entries.filter { entry in
                let isRoot = entry.name != nil && !named
                return isRoot || !isOld(entry, deadline)
            }.map(\.digest))
        // Artifacts of what stays, artifacts of those, and so on.
        let subjects = entries.compactMap { entry in subject(of: entry).map { (entry.digest, $0) } }
        while case let more = subjects.filter({ kept.contains($1) && !kept.contains($0) }), !more.isEmpty {
            kept.formUnion(more.map(\.0))
        }
        return entries.filter { kept.contains($0.digest) }
    }

    private func subject(of entry: Descriptor) -> Digest? { (try? manifest(entry))?.subject?.digest }

    private func isOld(_ entry: Descriptor, _ deadline: Double?) -> Bool {
        guard let deadline, let text = entry.annotations?[Self.storedAt],
            let date = try? Date(text, strategy: .iso8601)
        else { return isOld(path(entry.digest), deadline) }
        return date.timeIntervalSince1970 < deadline
    }

    private func isOld(_ file: FilePath, _ deadline: Double?) -> Bool {
        guard let deadline, let time = Files.modified(file) else { return deadline == nil }
        return time < deadline
    }

    /// All that images need.
    private func held(by entries: [Descriptor]) throws -> Set<Digest> {
        var held: Set<Digest> = []
        for entry in entries where !held.contains(entry.digest) {
            do {
                held.formUnion(try reached(from: entry).map(\.digest))
            } catch let error as StoreError {
                let what = entry.name ?? entry.digest.description
                throw StoreError(
                    error.code, "cannot tell which blobs image \"\(what)\" needs", cause: error,
                    hint: "pull or build it again, or remove it with 'wasme rm \(what)'")
            }
        }
        return held
    }

    private func allBlobs() throws -> Set<Digest> {
        var all: Set<Digest> = []
        for algorithm in Digest.Algorithm.allCases where Files.kind(path(algorithm)) == .directory {
            // What is no digest is not ours to remove.
            all.formUnion(
                try Files.contents(path(algorithm)).compactMap { name in
                    Digest("\(algorithm.rawValue):\(name)")
                })
        }
        return all
    }

    private func partials() throws -> [FilePath] {
        let folder = root.appending("partial")
        guard Files.kind(folder) == .directory else { return [] }
        return try Files.contents(folder).map { folder.appending($0) }
    }

    // MARK: - removing

    private func removeBlobs(
        _ digests: Set<Digest>, noting removal: inout Removal, dryRun: Bool = false
    ) throws {
        for digest in digests.sorted() {
            let path = path(digest)
            guard Files.kind(path) != nil else { continue }
            removal.bytes += Files.size(path) ?? 0
            removal.blobs.append(digest)
            if !dryRun { try Files.remove(path) }
        }
    }

    private func removeLeftover(_ path: FilePath, noting removal: inout Removal, dryRun: Bool) throws {
        let files =
            Files.kind(path) == .directory ? try Files.contents(path).map { path.appending($0) } : [path]
        removal.bytes += files.reduce(0) { $0 + (Files.size($1) ?? 0) }
        removal.leftovers += 1
        if !dryRun { try Files.remove(path) }
    }
}
