// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment

/// `wasme diff`: a verb for each target.
struct Diff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what a deploy would change.",
        subcommands: [
            DiffEnvoy.self, DiffKubernetes<DeployIstio>.self, DiffKubernetes<DeployEnvoyGateway>.self,
            DiffKubernetes<DeployGloo>.self, DiffKubernetes<DeployHigress>.self,
            DiffKubernetes<DeployKuma>.self, DiffKubernetes<DeployConsul>.self,
            DiffKubernetes<DeployCilium>.self,
        ])
}

/// `wasme diff envoy`.
struct DiffEnvoy: WasmeCommand {
    static let configuration = CommandConfiguration(
        commandName: "envoy",
        abstract: "Show what a deploy to Envoys that stand alone would change.",
        discussion: """
            The image, the configuration and the slot are looked at as a deploy would; \
            nothing is written, and no Envoy is asked. The exit status is 1 if something \
            would change.

            Examples:
              wasme diff envoy add-header:v2 --slot /etc/envoy/slot
              wasme diff envoy -f deployment.yaml
            """)

    @Argument(help: ArgumentHelp("The image (default: that of --file).", valueName: "ref"))
    var reference: String?

    @OptionGroup(title: "The filter") var options: FilterOptions
    @OptionGroup(title: "Envoys") var envoys: EnvoyFleetOptions

    @Flag(help: "As with a module that is put into the resource.")
    var inline = false

    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Registry options") var access: RegistryAccessOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if envoys.file == nil, reference == nil { throw ValidationError("the image is missing") }
        if envoys.file != nil, reference != nil || options.isGiven {
            throw ValidationError("--file names the image and how it runs itself: leave out the rest")
        }
    }

    func run(in context: CommandContext) async throws {
        var slotOptions = try EnvoySlotOptions.parse([])
        slotOptions.inline = inline
        let deployment = EnvoySlotDeployment(
            change: try EnvoyChangeOptions.parse([]), options: slotOptions, isDryRun: true, store: store,
            access: access,
            output: output, context: context)
        var differs = false
        for named in try envoys.fleets(in: context) {
            let result =
                if let reference {
                    try await deployment.difference(reference, options, named)
                } else {
                    try await deployment.difference(named)
                }
            try output.print(result, in: context)
            if !result.isEmpty { differs = true }
        }
        if differs { throw ExitCode.failure }
    }
}
