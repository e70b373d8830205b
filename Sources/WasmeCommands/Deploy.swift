// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `wasme deploy`: a verb for each target.
struct Deploy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Put a filter live.", subcommands: [DeployEnvoy.self])
}
