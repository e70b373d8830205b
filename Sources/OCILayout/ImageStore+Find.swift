// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import OCI

/// What a reference leads to among the entries of an index.
extension ImageStore {
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

    func unknown(_ name: String, isRemote: Bool = false) -> StoreError {
        StoreError(
            .unknownImage, "image \"\(name)\" is not in the store \"\(root)\"",
            hint: isRemote
                ? "see 'wasme list', or fetch it with 'wasme pull \(name)'"
                : "see 'wasme list', or build it with 'wasme build -t \(name)'")
    }

    func names(_ entries: [Descriptor]) -> String? {
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
    func followed(_ entry: Descriptor) throws -> Descriptor {
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
