// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

@main
struct WasmeHub: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wasme-hub", abstract: "A registry that knows what an Envoy filter is.",
        subcommands: [
            Serve.self, UserCommand.self, OrganisationCommand.self, TokenCommand.self, GrantCommand.self,
            RevokeCommand.self, VisibilityCommand.self, AuditCommand.self, KeyCommand.self,
            ConfigCommand.self,
            CollectCommand.self, ScrubCommand.self, BackupCommand.self, RestoreCommand.self,
        ], defaultSubcommand: Serve.self)
}
