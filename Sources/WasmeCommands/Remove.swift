// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import OCI
import OCILayout

/// `wasme rm`.
struct Remove: WasmeCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm",
        abstract: "Remove images from the local store.",
        discussion: """
            A name is taken away; with an image's last name goes its content. A digest
            stands for the image with all its names. If one of the images is not there,
            nothing is removed.

            Examples:
              wasme rm add-header:v1 localhost:5000/acme/add-header:v1
              wasme rm sha256:3f2a9c --force
              wasme rm $(wasme list 'localhost:5000/acme/*' -q)
            """)

    @Argument(help: ArgumentHelp("The images: names, digests, or beginnings of them.", valueName: "ref"))
    var references: [String]

    @Flag(name: .shortAndLong, help: "Remove an image by its digest although it has several names.")
    var force = false

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        let store = try store.open(in: context)
        let removal = try store.remove(
            try references.map { try context.reference($0) }, force: force)
        if let obstacle = removal.obstacle {
            output.note("the content stays for now: \(obstacle)", in: context)
            if let hint = obstacle.hint { output.note("  help: \(hint), then 'wasme prune'", in: context) }
        }
        try output.print(RemovalResult(removal), in: context)
    }
}

/// What was removed from the local store, or would be.
struct RemovalResult: CommandResult {
    let names: [String]
    /// The images that are not in the store any more.
    let digests: [Digest]
    /// Number of blobs, manifests too.
    let blobs: Int
    /// Number of broken-off transfers.
    let leftovers: Int
    let freedBytes: Int64
    let dryRun: Bool

    init(_ removal: Removal, dryRun: Bool = false) {
        names = removal.names
        digests = removal.images
        blobs = removal.blobs.count
        leftovers = removal.leftovers
        freedBytes = removal.bytes
        self.dryRun = dryRun
    }

    /// Whether there was nothing to do.
    var isEmpty: Bool { names.isEmpty && digests.isEmpty && blobs == 0 && leftovers == 0 }

    var text: String {
        let action = dryRun ? "would remove" : "removed"
        let lines = names.map { "\(action) \($0)" } + digests.map { "\(action) \($0)" }
        let parts = [(blobs, "blob", "blobs"), (leftovers, "broken-off transfer", "broken-off transfers")]
            .filter { $0.0 > 0 }.map { "\($0.0) \($0.0 == 1 ? $0.1 : $0.2)" }
        guard !parts.isEmpty else {
            return (lines + ["\(dryRun ? "would free" : "freed") nothing: the content has other names"])
                .joined(separator: "\n")
        }
        let freed =
            "\(dryRun ? "would free" : "freed") \(byteCount(freedBytes)): \(parts.joined(separator: ", "))"
        return (lines + [freed]).joined(separator: "\n")
    }
    var brief: String { (names + digests.map(\.description)).joined(separator: "\n") }
}
