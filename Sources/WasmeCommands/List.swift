// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import OCI
import OCILayout

/// `wasme list`.
struct List: WasmeCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the images in the local store, or those that a registry has.",
        discussion: """
            Examples:
              wasme list
              wasme list --format json
              wasme list --published --search header --registry localhost:5000
            """)

    @Flag(help: "List what a registry has, each repository with its newest tag.")
    var published = false

    @Option(help: ArgumentHelp("With --published: words that must all fit.", valueName: "words"))
    var search: String?

    @OptionGroup var place: PublishedOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Registry options") var access: RegistryAccessOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if !published, search != nil || place.registry != nil {
            throw ValidationError("--search and --registry are of use with --published only")
        }
    }

    func run(in context: CommandContext) async throws {
        if published {
            let found = try await place.find(search ?? "", access: access, output: output, in: context)
            return try output.print(found, in: context)
        }
        let store = try store.open(in: context)
        let images = try store.list().map { image in
            Result.Image(
                name: image.reference?.name ?? image.name, tag: image.reference?.tag?.name,
                digest: image.descriptor.digest, size: image.facts?.size,
                abiVersions: image.facts?.abiVersions ?? [], created: image.facts?.created,
                storedAt: image.storedAt)
        }
        try output.print(Result(images: images), in: context)
    }

    /// All images with a name.
    struct Result: CommandResult {
        struct Image: Encodable {
            let name: String?
            let tag: String?
            let digest: Digest
            /// Bytes of the configuration and all layers.
            let size: Int64?
            let abiVersions: [String]
            let created: String?
            let storedAt: String?
        }

        let images: [Image]

        var text: String {
            guard !images.isEmpty else {
                return "no images yet; see 'wasme build --help' and 'wasme pull --help'"
            }
            return table(
                ["NAME", "TAG", "DIGEST", "SIZE", "STORED"],
                images.map { image in
                    [
                        image.name ?? "", image.tag ?? "", "sha256:\(image.digest.short)",
                        image.size.map(byteCount) ?? "",
                        image.storedAt ?? "",
                    ]
                })
        }
        var brief: String { images.map(\.digest.description).joined(separator: "\n") }
    }
}
