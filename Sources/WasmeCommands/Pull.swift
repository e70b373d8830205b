// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import ImageTransfer
import OCI
import OCILayout

/// `wasme pull`.
struct Pull: WasmeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fetch images from their registry into the local store.",
        discussion: """
            A broken transfer goes on where it broke when the command is repeated.

            Examples:
              wasme pull localhost:5000/acme/add-header:v1
              wasme pull localhost:5000/acme/add-header@sha256:…
              wasme pull ghcr.io/acme/add-header:1.2.0 --as add-header:tested
            """)

    @Argument(help: ArgumentHelp("The images.", valueName: "ref"))
    var references: [String]

    @Option(
        name: .customLong("as"),
        help: ArgumentHelp("Its name in the local store (default: the same).", valueName: "name"))
    var newName: String?

    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Registry options") var access: RegistryAccessOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard newName == nil || references.count == 1 else {
            throw ValidationError("--as is for one image")
        }
    }

    func run(in context: CommandContext) async throws {
        let newName = try newName.map { try context.newName($0) }
        let references = try references.map { try context.completed(context.reference($0)) }
        let places = try ImagePlaces(store, access, in: context)
        let images = try await context.showing(.pulling, quiet: output.quiet) { transfer in
            try await places.pull(references.map { ($0, (newName ?? $0).stored) }, transfer)
        }
        let results = zip(references, images).map { reference, image in
            ImagesResult.Image(references: [(newName ?? reference).stored], digest: image.digest)
        }
        try output.print(ImagesResult("pulled", results), in: context)
    }
}

extension ImagePlaces {
    /// Fetches a filter's image from its registry into the store.
    func pull(
        _ reference: Reference, as name: String, _ transfer: ImageTransfer
    ) async throws -> ManifestDocument {
        let images = try await pull([(reference, name)], transfer)
        return images[0]
    }

    /// Fetches filters' images from their registries into the store; nothing is fetched if one is not there.
    /// - Returns: their manifests, in the same order.
    func pull(
        _ images: [(reference: Reference, name: String)], _ transfer: ImageTransfer
    ) async throws -> [ManifestDocument] {
        let found = try await concurrently(images) { reference, _ in
            let found = try await self.find(.registry(reference), .registryFirst)
            guard case .manifest = found.document.content else {
                throw CommandError(
                    .failed, "cannot pull \"\(reference)\": it is an index of several images",
                    hint:
                        "name one of its images by digest, or fetch the whole with 'wasme copy \(reference) store:\(reference)': filters are never an index"
                )
            }
            return (found, try await ImageTree(found.document, from: found.blobs))
        }
        try await store.ingest { ingest in
            let destination = StoreDestination(ingest)
            try await transfer.copy(
                zip(found, images).map { found, image in
                    Shipment((found.1, [image.name]), from: found.0.blobs, to: destination)
                })
        }
        return found.map(\.0.document)
    }
}
