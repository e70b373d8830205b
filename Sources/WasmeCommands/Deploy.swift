// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `wasme deploy`: a verb for each target.
struct Deploy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Put a filter live.",
        discussion: """
            A FilterDeployment file says itself where its filters are to run:
              wasme deploy -f deployment.yaml
            """,
        subcommands: [
            DeployEnvoy.self, DeployIstio.self, DeployEnvoyGateway.self, DeployGloo.self, DeployHigress.self,
            DeployKuma.self, DeployConsul.self, DeployCilium.self, DeployFile.self,
        ], defaultSubcommand: DeployFile.self)
}
