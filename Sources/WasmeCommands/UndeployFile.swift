// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics
import KubernetesControl

/// `wasme undeploy -f FILE`: from whatever targets the file names.
struct UndeployFile: WasmeCommand {
    static let configuration = CommandConfiguration(
        commandName: "file",
        abstract: "Take out what a FilterDeployment file says.", shouldDisplay: false)

    @Option(
        name: [.customShort("f"), .long],
        help: ArgumentHelp("A FilterDeployment file; - reads standard input.", valueName: "file"))
    var file: String?

    @Option(
        defaultAsFlag: ClusterChangeOptions.DryRun.server, parsing: .next,
        help: ArgumentHelp(
            "Show what would go, and change nothing; with --git client shows the difference.",
            valueName: "client|server"))
    var dryRun: ClusterChangeOptions.DryRun?

    @Flag(help: "What is not there is no error, as for kubectl delete.")
    var ignoreNotFound = false

    @OptionGroup(title: "The change") var change: EnvoyChangeOptions
    @OptionGroup(title: "Clusters") var cluster: ClusterOptions
    @OptionGroup(title: "On Kubernetes") var kubernetes: KubernetesUndeployFileOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        guard let file else { throw CleanExit.helpRequest(Undeploy.self) }
        let files = try FilterDeploymentFile.load(file, in: context)
        var run = UndeployFileRun(self, context: context)
        try await run.carryOut(files, from: file)
    }

    var clusterChange: ClusterChangeOptions {
        get throws {
            var options = try ClusterChangeOptions.parse([])
            (options.dryRun, options.atomic) = (dryRun, change.atomic)
            options.forceConflicts = kubernetes.forceConflicts
            return options
        }
    }
}

/// What only an undeploy of a file from Kubernetes can be told.
struct KubernetesUndeployFileOptions: ParsableArguments {
    @Flag(help: "Take over fields of objects in a cluster that belong to other field managers.")
    var forceConflicts = false

    @OptionGroup var git: GitOptions

    init() {}

    /// The options as they are given.
    var given: [String] { (forceConflicts ? ["--force-conflicts"] : []) + git.given }
}
