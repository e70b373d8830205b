// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ImageTransfer
import OCI

/// `wasme push`.
struct Push: WasmeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send an image to its registry.",
        discussion: """
            Examples:
              wasme push localhost:5000/acme/add-header:v1
              wasme push ghcr.io/acme/add-header:1.2.0 --format json
            """)

    @Argument(help: ArgumentHelp("The image.", valueName: "ref"))
    var reference: String

    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Registry options") var access: RegistryAccessOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        let reference = try context.reference(reference)
        let document = try await access.transfer(
            .pushing, reference, store: store.open(in: context), quiet: output.quiet, in: context
        ) { try await $0.push(reference, to: reference) }
        try output.print(
            ImageResult(
                action: "pushed", references: [reference.tagged ?? reference.description],
                digest: document.digest),
            in: context)
    }
}
