// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment

/// `wasme rollback`: a verb for each target.
struct Rollback: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring back what a deployment was before.",
        subcommands: [
            RollbackEnvoy.self, RollbackKubernetes<IstioVerbs>.self,
            RollbackKubernetes<EnvoyGatewayVerbs>.self, RollbackKubernetes<GlooVerbs>.self,
            RollbackKubernetes<HigressVerbs>.self, RollbackKubernetes<KumaVerbs>.self,
            RollbackKubernetes<ConsulVerbs>.self, RollbackKubernetes<CiliumVerbs>.self,
        ])
}

/// `wasme rollback envoy`.
struct RollbackEnvoy: WasmeCommand {
    static let configuration = CommandConfiguration(
        commandName: "envoy",
        abstract: "Bring back what a deployment to Envoys that stand alone was before.",
        discussion: """
            Image, configuration and all else come back as the history has them, by \
            the same way as a deploy: proved, or taken back. Neither the registry nor \
            the local store is needed: the slot keeps the modules of the last ten \
            revisions of each deployment.

            Examples:
              wasme rollback envoy add-header --slot /etc/envoy/slot --admin :9901
              wasme rollback envoy add-header --to 3 --slot /etc/envoy/slot --admin :9901
            """)

    @Argument(help: ArgumentHelp("The deployment's name (default: that of --file).", valueName: "id"))
    var id: String?

    @Option(
        help: ArgumentHelp(
            "The revision, as 'wasme history envoy' shows it (default: the last good one before what is live).",
            valueName: "number"))
    var to: Int?

    @OptionGroup(title: "Envoys") var envoys: EnvoyFleetOptions
    @OptionGroup(title: "The change") var change: EnvoyChangeOptions

    @Option(
        help: ArgumentHelp(
            "A request that proves it, as in 'GET /x expect header a: b'; may be repeated.",
            valueName: "probe"))
    var probe: [String] = []

    @OptionGroup var output: OutputOptions

    func validate() throws { try envoys.validate(id: id) }

    func run(in context: CommandContext) async throws {
        let paint = Paint(isActive: context.terminal.showsColour)
        for named in try envoys.fleets(in: context) {
            let id = id ?? named.file?.id ?? ""
            let outcome = try await change.deployer(
                named, probes: probe, quiet: output.quiet, in: context
            ).rollback(id, to: to)
            try output.print(EnvoyChangeResult("rolled back", id, outcome, paint: paint), in: context)
        }
    }
}
