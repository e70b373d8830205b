// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import ArgumentParser
import OCI
import OCILayout

/// `wasme tag`.
struct TagImage: WasmeCommand {
    static let configuration = CommandConfiguration(
        commandName: "tag",
        abstract: "Give an image in the local store one more name.",
        discussion: """
            Examples:
              wasme tag add-header:v1 localhost:5000/acme/add-header:v1
              wasme tag localhost:5000/acme/add-header@sha256:… add-header:tested
            """)

    @Argument(help: ArgumentHelp("The image.", valueName: "ref"))
    var source: String

    @Argument(help: ArgumentHelp("Its new name.", valueName: "new-ref"))
    var destination: String

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        let source = try context.reference(source)
        let destination = try context.newName(destination)
        let store = try store.open(in: context)
        let descriptor = try store.resolve(source)
        try store.tag(descriptor, as: [destination])
        try output.print(
            ImageResult(action: "tagged", references: [destination.stored], digest: descriptor.digest),
            in: context)
    }
}
