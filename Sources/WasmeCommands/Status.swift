// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment

/// `wasme status`: a verb for each target.
struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what is live.",
        subcommands: [
            StatusEnvoy.self, StatusKubernetes<IstioVerbs>.self, StatusKubernetes<EnvoyGatewayVerbs>.self,
            StatusKubernetes<HigressVerbs>.self, StatusKubernetes<KumaVerbs>.self,
            StatusKubernetes<GlooVerbs>.self, StatusKubernetes<ConsulVerbs>.self,
            StatusKubernetes<CiliumVerbs>.self,
        ])
}

/// `wasme status envoy`.
struct StatusEnvoy: WasmeCommand {
    static let configuration = CommandConfiguration(
        commandName: "envoy",
        abstract: "Show what is live in Envoys that stand alone.",
        discussion: """
            What was deployed, what the slot's files hold, and what each Envoy of --admin \
            says that it has and runs. The exit status is 1 if these differ, or an Envoy \
            has trouble.

            Examples:
              wasme status envoy --slot /etc/envoy/slot --admin :9901
              wasme status envoy -f deployment.yaml --format json
            """)

    @OptionGroup(title: "Envoys") var envoys: EnvoyFleetOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        var slots: [EnvoySlotStatus] = []
        for named in try envoys.fleets(in: context) {
            slots += try await EnvoyChangeOptions.parse([]).deployer(named, quiet: true, in: context).status()
        }
        try output.print(
            StatusResult(slots, paint: Paint(isActive: context.terminal.showsColour)), in: context)
        if !slots.allSatisfy(\.isSound) { throw ExitCode.failure }
    }
}
