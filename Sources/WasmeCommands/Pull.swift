// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ImageTransfer
import OCI

/// `wasme pull`.
struct Pull: WasmeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fetch an image from its registry into the local store.",
        discussion: """
            Examples:
              wasme pull localhost:5000/acme/add-header:v1
              wasme pull localhost:5000/acme/add-header@sha256:…
            """)

    @Argument(help: ArgumentHelp("The image.", valueName: "ref"))
    var reference: String

    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Registry options") var access: RegistryAccessOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        let reference = try context.reference(reference)
        let document = try await access.transfer(
            .pulling, reference, store: store.open(in: context), quiet: output.quiet, in: context
        ) { try await $0.pull(reference) }
        try output.print(
            ImageResult(
                action: "pulled", references: [reference.tagged ?? reference.description],
                digest: document.digest),
            in: context)
    }
}
