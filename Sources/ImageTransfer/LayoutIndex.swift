// SPDX-License-Identifier: Apache-2.0

private import Foundation
package import OCI

/// The images that an OCI image layout names in its `index.json` (image-spec 1.1, image-layout.md).
package struct LayoutIndex: Sendable {
    /// One of them.
    package struct Entry: Sendable, Hashable {
        /// Its name, as whoever wrote the layout put it; often no more than a tag.
        package let name: String?
        package let descriptor: Descriptor
        /// Whether it is about another image: it has no name, and is meant only by its digest.
        let isArtifact: Bool
    }

    package let entries: [Entry]
    private let title: String

    private static let refName = "org.opencontainers.image.ref.name"
    /// What `docker save` and containerd call an image; they have only its tag in the other annotation.
    private static let fullName = "io.containerd.image.name"

    /// Reads `index.json` and `oci-layout`.
    /// - Parameters:
    ///   - index: the bytes of `index.json`; nil if there is none.
    ///   - marker: the bytes of `oci-layout`; nil if there is none.
    ///   - title: what the layout is called in errors.
    ///   - hasDockerManifest: whether the layout is one of `docker save` before version 25.
    /// - Throws: `TransferError`.
    package init(index: [UInt8]?, marker: [UInt8]?, title: String, hasDockerManifest: Bool = false) throws {
        self.title = title
        guard let index else {
            throw TransferError(
                "\(title) is not an OCI image layout: it has no index.json",
                hint: hasDockerManifest
                    ? "it is one of Docker's own; 'skopeo copy docker-archive:FILE oci-archive:NEW' converts it"
                    : "write one with 'wasme save', 'skopeo copy … oci-archive:FILE' or 'docker save' of version 25 or later"
            )
        }
        guard let marker else {
            throw TransferError("\(title) is not an OCI image layout: it has no oci-layout")
        }
        struct Marker: Decodable { let imageLayoutVersion: String }
        do {
            let version = try JSONDecoder().decode(Marker.self, from: Data(marker)).imageLayoutVersion
            guard version.hasPrefix("1.") else {
                throw TransferError(
                    "\(title) is an image layout of version \"\(version.prefix(20))\", expected 1.0.0")
            }
            let parsed = try JSONDecoder().decode(Index.self, from: Data(index))
            entries = parsed.manifests.map { descriptor in
                var plain = descriptor
                plain.annotations = nil
                return Entry(
                    name: descriptor.annotations?[Self.fullName] ?? descriptor.annotations?[Self.refName],
                    descriptor: plain, isArtifact: descriptor.artifactType != nil)
            }
        } catch let error as DecodingError {
            throw TransferError("\(title) is damaged: \(decodingFailure(error))")
        }
    }

    /// The images, each once, with the entries that name it.
    package var images: [(digest: Digest, entries: [Entry])] {
        var order: [Digest] = []
        var found: [Digest: [Entry]] = [:]
        for entry in entries {
            if found[entry.descriptor.digest] == nil { order.append(entry.descriptor.digest) }
            found[entry.descriptor.digest, default: []].append(entry)
        }
        return order.map { ($0, found[$0] ?? []) }
    }

    /// The one image that is meant.
    ///
    /// A name is that of the layout, or the tag of one; without a name there must be one image only.
    package func resolve(_ wanted: ImagePlace.LayoutName) throws -> Entry {
        let named =
            if let name = wanted.name {
                matches(name)
            } else if let digest = wanted.digest {
                entries.filter { $0.descriptor.digest == digest }
            } else {
                unnamed
            }
        let images = Dictionary(grouping: named, by: \.descriptor.digest)
        guard let found = named.first else {
            throw TransferError(
                "\(title) has no image \(wanted.name.map { "\"\($0)\"" } ?? wanted.digest?.description ?? "at all")",
                hint: entries.isEmpty ? nil : "it has \(list)")
        }
        guard images.count == 1 else {
            throw TransferError("\(title) has several images", hint: "name one of them: \(list)")
        }
        if let digest = wanted.digest, digest != found.descriptor.digest {
            throw TransferError(
                "\"\(wanted.name ?? "")\" of \(title) is \(found.descriptor.digest), expected \(digest)")
        }
        return found
    }

    /// What may be meant if nothing is said: what is attached to another has no name.
    private var unnamed: [Entry] {
        let named = entries.filter { $0.name != nil }
        return named.isEmpty ? entries.filter { !$0.isArtifact } : named
    }

    private func matches(_ name: String) -> [Entry] {
        let exact = entries.filter { $0.name == name }
        if !exact.isEmpty { return exact }
        return entries.filter { entry in
            guard let text = entry.name, let reference = try? Reference(text) else { return false }
            return reference.tag?.name == name || reference.tagged == (try? Reference(name))?.tagged
        }
    }

    private var list: String {
        entries.prefix(10).map { $0.name ?? "@\($0.descriptor.digest)" }.joined(separator: ", ")
            + (entries.count > 10 ? " and \(entries.count - 10) more" : "")
    }
}
