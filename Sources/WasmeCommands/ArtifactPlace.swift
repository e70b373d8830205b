// SPDX-License-Identifier: Apache-2.0

import Files
import ImageTransfer
import OCI
import OCILayout
import OCIRegistry

/// An image that artifacts are attached to, and where both are.
struct ArtifactPlace {
    enum Home {
        case registry(RegistryClient, Repository)
        case store(ImageStore)
    }

    let home: Home
    let image: ManifestDocument

    /// Finds an image: `oci:DIR[:NAME]`, a name with a host in its registry, and any other name in the local store.
    init(
        _ text: String, store options: StoreOptions, access: RegistryAccessOptions, in context: CommandContext
    ) async throws {
        if let rest = Self.tail(of: text, after: "oci:") {
            let parts = rest.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let folder = context.path(String(parts[0]))
            // Only what is a layout already: a folder misspelt is not to become one.
            let layout = try ImageStore(reading: folder)
            image = try layout.manifest(try layout.resolve(name: parts.count > 1 ? String(parts[1]) : nil))
            home = .store(layout)
        } else if let rest = Self.tail(of: text, after: "docker://") {
            (home, image) = try await Self.remote(try context.reference(rest), access, in: context)
        } else {
            let local = Self.tail(of: text, after: "store:")
            let reference = try context.reference(local ?? text)
            if local != nil || reference.registry == nil {
                let store = try options.open(in: context)
                do {
                    image = try store.manifest(try store.resolve(reference))
                    home = .store(store)
                    return
                } catch let error as StoreError where error.code == .unknownImage && local == nil {
                    // A registry of the surroundings completes a name that is not known here.
                    guard try context.completed(reference).registry != nil else { throw error }
                }
            }
            (home, image) = try await Self.remote(try context.completed(reference), access, in: context)
        }
    }

    private static func tail(of text: String, after prefix: String) -> String? {
        text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : nil
    }

    private static func remote(
        _ reference: Reference, _ access: RegistryAccessOptions, in context: CommandContext
    ) async throws -> (Home, ManifestDocument) {
        let client = try access.client(for: reference, in: context)
        let image = try await client.manifest(reference.repository, reference.target)
        return (.registry(client, reference.repository), image)
    }

    var referrers: any ReferrerSource {
        switch home {
        case .registry(let client, let repository): RegistryReferrers(client, repository)
        case .store(let store): StoreReferrers(store)
        }
    }
}
