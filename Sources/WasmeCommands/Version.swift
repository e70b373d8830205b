// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
private import Diagnostics

/// `wasme version`.
struct Version: WasmeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the version of wasme.",
        discussion: """
            Examples:
              wasme version
              wasme version --format json
            """)

    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws { try output.print(VersionResult(), in: context) }
}

private struct VersionResult: CommandResult {
    let version = Release.version

    enum CodingKeys: CodingKey {
        case version
    }

    var text: String { "wasme \(version)" }
    var brief: String { version }
}
