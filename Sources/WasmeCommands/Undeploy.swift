// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment

/// `wasme undeploy`: a verb for each target.
struct Undeploy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take a filter out of where it is live.",
        discussion: """
            A FilterDeployment file says itself where its filters run; all of them are \
            taken out, the last one first:
              wasme undeploy -f deployment.yaml

            As by 'kubectl delete -f', what is not there is an error once the rest is \
            done; with --ignore-not-found it is none.
            """,
        subcommands: [
            UndeployEnvoy.self, UndeployKubernetes<IstioVerbs>.self,
            UndeployKubernetes<EnvoyGatewayVerbs>.self,
            UndeployGloo.self, UndeployKubernetes<HigressVerbs>.self, UndeployKubernetes<KumaVerbs>.self,
            UndeployConsul.self, UndeployKubernetes<CiliumVerbs>.self, UndeployFile.self,
        ], defaultSubcommand: UndeployFile.self)
}

/// `wasme undeploy envoy`.
struct UndeployEnvoy: WasmeCommand {
    static let configuration = CommandConfiguration(
        commandName: "envoy",
        abstract: "Take a filter out of Envoys that stand alone.",
        discussion: """
            Requests that are in the filter go through it to their end; new ones pass \
            by. The place in the chain stays, empty, and the history stays: \
            'wasme rollback envoy' brings the filter back.

            Examples:
              wasme undeploy envoy add-header --slot /etc/envoy/slot --admin :9901
              wasme undeploy envoy -f deployment.yaml
            """)

    @Argument(help: ArgumentHelp("The deployment's name (default: that of --file).", valueName: "id"))
    var id: String?

    @OptionGroup(title: "Envoys") var envoys: EnvoyFleetOptions
    @OptionGroup(title: "The change") var change: EnvoyChangeOptions
    @OptionGroup var output: OutputOptions

    func validate() throws { try envoys.validate(id: id) }

    func run(in context: CommandContext) async throws {
        let paint = Paint(isActive: context.terminal.showsColour)
        for named in try envoys.fleets(in: context) {
            let id = id ?? named.file?.id ?? ""
            let outcome = try await change.deployer(named, quiet: output.quiet, in: context).undeploy(id)
            try output.print(EnvoyChangeResult("undeployed", id, outcome, paint: paint), in: context)
        }
    }
}

extension EnvoyFleetOptions {
    /// Makes sure that a deployment is named.
    func validate(id: String?) throws {
        if id == nil, file == nil {
            throw ValidationError(
                "it is not said which deployment: give its id, as 'wasme status envoy' shows it")
        }
    }
}
