// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
private import Diagnostics
import Foundation

@main
struct WasmeHub: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wasme-hub", abstract: "A registry that knows what an Envoy filter is.",
        version: Release.version,
        subcommands: [
            Serve.self, UserCommand.self, OrganisationCommand.self, TokenCommand.self, GrantCommand.self,
            RevokeCommand.self, VisibilityCommand.self, PolicyCommand.self, AuditCommand.self,
            KeyCommand.self, ConfigCommand.self, WebhookCommand.self, SyncCommand.self,
            CollectCommand.self, ScrubCommand.self, ReindexCommand.self, BackupCommand.self,
            RestoreCommand.self,
        ], defaultSubcommand: Serve.self)

    static func main() async {
        // Keys and passwords' hashes lie in the data folder and in its copies: nobody else on the machine reads them.
        umask(0o077)
        await main(nil)
    }
}
