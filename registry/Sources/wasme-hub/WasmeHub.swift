// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

@main
struct WasmeHub: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wasme-hub", abstract: "A registry that knows what an Envoy filter is.",
        subcommands: [
            Serve.self, CollectCommand.self, ScrubCommand.self, BackupCommand.self, RestoreCommand.self,
        ], defaultSubcommand: Serve.self)
}
