// SPDX-License-Identifier: Apache-2.0

import Deployment
import Diagnostics
import FilterImage
import ImageTransfer
import OCI

/// Finds out which images hold the modules that the original's cache called by their digests.
struct ModuleSearch {
    let store: StoreOptions
    let access: RegistryAccessOptions
    let output: OutputOptions
    let context: CommandContext

    /// Looks through images on this machine, else in their registries.
    /// - Parameters:
    ///   - modules: what to look for.
    ///   - candidates: the images, as they are written.
    ///   - named: those among them that were named on the command line: they have to be there.
    /// - Returns: for each module that was found the images, in the order of the candidates.
    /// - Throws: a `Diagnostic` for an image that was named and cannot be read.
    func find(
        _ modules: [Digest], in candidates: [String], named: Set<String>
    ) async throws -> [Digest: [MigrationPlan.Image]] {
        guard !modules.isEmpty else { return [:] }
        let places = try ImagePlaces(store, access, in: context)
        var found: [Digest: [MigrationPlan.Image]] = [:]
        var packed: [(candidate: String, image: FoundImage)] = []
        for candidate in candidates {
            try await attempt(candidate, named) {
                let image = try await places.find(.named(try context.reference(candidate)), .storeFirst)
                guard case .manifest(let manifest) = image.document.content else {
                    output.note(
                        "note: \"\(candidate)\" is an index of several images, and is not looked into",
                        in: context)
                    return
                }
                // The manifest of the original's own layout names the module itself.
                let layers = manifest.layers.map(\.digest)
                for module in modules where layers.contains(module) {
                    found[module, default: []].append(try Self.image(image, candidate, in: context))
                }
                if manifest.layers.last?.mediaType.isTar == true { packed.append((candidate, image)) }
            }
        }
        for (candidate, image) in packed where modules.contains(where: { found[$0] == nil }) {
            try await attempt(candidate, named) {
                let content = try await FilterImage.unpack(image.document, from: image.blobs)
                let module = Digest(of: content.module)
                guard modules.contains(module) else { return }
                found[module, default: []].append(try Self.image(image, candidate, in: context))
            }
        }
        return found
    }

    /// Reads an image; one that nobody has named may be gone.
    private func attempt(
        _ candidate: String, _ named: Set<String>, _ read: () async throws -> Void
    ) async throws {
        do {
            try await read()
        } catch  where !named.contains(candidate) && !(error is CancellationError) {
            let reason = (error as? any Diagnostic)?.message ?? "\(error)"
            output.note("note: the image \"\(candidate)\" cannot be read: \(reason)", in: context)
        }
    }

    private static func image(
        _ image: FoundImage, _ name: String, in context: CommandContext
    ) throws -> MigrationPlan.Image {
        .init(
            reference: try image.reference ?? context.reference(name), digest: image.document.digest)
    }
}
