// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics

/// `wasme deploy -f FILE`: whatever target the file names.
struct DeployFile: WasmeCommand {
    static let configuration = CommandConfiguration(
        commandName: "file",
        abstract: "Deploy what a FilterDeployment file says.", shouldDisplay: false)

    @Option(
        name: [.customShort("f"), .long],
        help: ArgumentHelp("A FilterDeployment file; - reads standard input.", valueName: "file"))
    var file: String?

    @Flag(help: "Show what would change, and change nothing.")
    var dryRun = false

    @OptionGroup(title: "The change") var change: EnvoyChangeOptions
    @OptionGroup(title: "The deploy") var slotOptions: EnvoySlotOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Registry options") var access: RegistryAccessOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        guard let file else { throw CleanExit.helpRequest(Deploy.self) }
        let deployment = EnvoySlotDeployment(
            change: change, options: slotOptions, isDryRun: dryRun, store: store, access: access,
            output: output, context: context)
        for named in try NamedFleet.read(file, in: context) { try await deployment.run(named) }
    }
}
