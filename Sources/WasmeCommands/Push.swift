// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import ImageTransfer
import OCI
import OCILayout

/// `wasme push`.
struct Push: WasmeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send images to their registry.",
        discussion: """
            What the registry has is not sent again. --tag gives each image more tags \
            there, at the cost of one small request each.

            Examples:
              wasme push localhost:5000/acme/add-header:v1
              wasme push ghcr.io/acme/add-header:1.2.3 --tag 1.2 --tag latest
              wasme push ghcr.io/acme/add-header:1.2.0 --format json
            """)

    @Argument(help: ArgumentHelp("The images.", valueName: "ref"))
    var references: [String]

    @Option(help: ArgumentHelp("One more tag in the registry; may be repeated.", valueName: "tag"))
    var tag: [String] = []

    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Registry options") var access: RegistryAccessOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        let more = try tag.map { text in
            do {
                return try Tag(text).name
            } catch {
                throw CommandError(
                    .usage, "\(error)", hint: "--tag takes the part after the colon, as in 1.2")
            }
        }
        let places = try ImagePlaces(store, access, in: context)
        // First what takes no time: none is sent if one cannot be.
        var images: [(found: FoundImage, target: Reference)] = []
        for text in references {
            let reference = try context.reference(text)
            let target = try context.completed(reference)
            _ = try places.client(for: target)
            let found = try await places.find(.named(reference), .store)
            guard case .manifest = found.document.content else {
                throw CommandError(
                    .failed, "cannot push \"\(reference)\": it is an index of several images",
                    hint:
                        "push one of its images by digest, or move the whole with 'wasme copy store:\(reference) \(target)': filters are never an index"
                )
            }
            images.append((found, target))
        }
        let moves = try await concurrently(images) { (found, target) in
            let tags = (target.tags + more).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
            return (found, target, (try await ImageTree(found.document, from: found.blobs), tags))
        }
        try await context.showing(.pushing, quiet: output.quiet) { transfer in
            try await transfer.copy(
                concurrently(moves) { (found, target, image) in
                    try await places.shipment(
                        of: image, from: found.blobs, to: places.client(for: target), target.repository)
                })
        }
        let results = moves.map { (found, target, image) in
            ImagesResult.Image(
                references: image.1.isEmpty ? [target.stored] : image.1.map { "\(target.name):\($0)" },
                digest: found.document.digest)
        }
        try output.print(ImagesResult("pushed", results), in: context)
    }
}
