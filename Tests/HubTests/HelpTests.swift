// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TestSupport
import Testing

@testable import wasme_hub

/// What `--help` says.
@Suite struct HelpTests {
    /// Every command with its words, subcommands after the one that they belong to.
    private static func all(
        _ command: any ParsableCommand.Type = WasmeHub.self, _ words: [String] = []
    ) -> [(words: [String], command: any ParsableCommand.Type)] {
        let name = command.configuration.commandName ?? "\(command)".lowercased()
        let words = words + [name]
        return [(words, command)] + command.configuration.subcommands.flatMap { all($0, words) }
    }

    @Test func `every command says what it is for`() throws {
        let commands = Self.all()
        #expect(commands.count > 40)
        for (words, command) in commands {
            #expect(!command.configuration.abstract.isEmpty, "\(words)")
            let help = WasmeHub.helpMessage(for: command, columns: 100)
            try expectGolden(help + "\n", "help/\(words.joined(separator: " ")).txt")
        }
    }
}
