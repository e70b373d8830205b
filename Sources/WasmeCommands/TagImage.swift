// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import ArgumentParser
import OCI
import OCILayout

/// `wasme tag`.
struct TagImage: WasmeCommand {
    static let configuration = CommandConfiguration(
        commandName: "tag",
        abstract: "Give an image in the local store more names.",
        discussion: """
            Examples:
              wasme tag add-header:v1 localhost:5000/acme/add-header:v1
              wasme tag add-header:v1 add-header:stable localhost:5000/acme/add-header:latest
              wasme tag sha256:3f2a9c add-header:tested
            """)

    @Argument(help: ArgumentHelp("The image: a name, a digest, or the beginning of one.", valueName: "ref"))
    var source: String

    @Argument(help: ArgumentHelp("Its new names.", valueName: "new-ref"))
    var destinations: [String]

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        let source = try context.reference(source)
        let destinations = try destinations.map { try context.newName($0) }
        let store = try store.open(in: context)
        let descriptor = try store.resolve(source)
        try store.tag(descriptor, as: destinations)
        try output.print(
            ImageResult(
                action: "tagged", references: destinations.map(\.stored), digest: descriptor.digest),
            in: context)
    }
}
