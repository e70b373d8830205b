// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import OCI

/// `wasme search`.
struct Search: WasmeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find published images in a registry.",
        discussion: """
            A wasme-hub looks through names, annotations and READMEs, and shows the best first; every word must fit. Of any other \
            registry only the names of its repositories are looked through, if it shows them.

            Examples:
              wasme search header --registry localhost:5000
              wasme search rate limit --limit 100 --format json
              wasme search header --sort pulls
            """)

    @Argument(help: ArgumentHelp("Words that must all fit.", valueName: "word"))
    var words: [String]

    @OptionGroup var published: PublishedOptions
    @OptionGroup(title: "Registry options") var access: RegistryAccessOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        try output.print(
            await published.find(words.joined(separator: " "), access: access, output: output, in: context),
            in: context)
    }
}
