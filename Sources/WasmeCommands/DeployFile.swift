// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics
import OCI

/// `wasme deploy -f FILE`: whatever targets the file names.
struct DeployFile: WasmeCommand {
    static let configuration = CommandConfiguration(
        commandName: "file",
        abstract: "Deploy what a FilterDeployment file says.", shouldDisplay: false)

    @Option(
        name: [.customShort("f"), .long],
        help: ArgumentHelp("A FilterDeployment file; - reads standard input.", valueName: "file"))
    var file: String?

    @Flag(help: "Show what would change, and change nothing; a cluster's API server is asked.")
    var dryRun = false

    @OptionGroup(title: "The change") var change: EnvoyChangeOptions
    @OptionGroup(title: "The deploy") var slotOptions: EnvoySlotOptions
    @OptionGroup(title: "Clusters") var cluster: ClusterOptions
    @OptionGroup(title: "On Kubernetes") var kubernetes: KubernetesFileOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Registry options") var access: RegistryAccessOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        guard let file else { throw CleanExit.helpRequest(Deploy.self) }
        let files = try FilterDeploymentFile.load(file, in: context)
        try check(files)
        let slots = EnvoySlotDeployment(
            change: change, options: slotOptions, isDryRun: dryRun, store: store, access: access,
            output: output, context: context)
        var done: [String] = []
        for document in files {
            do {
                if let named = NamedFleet(document, from: file, in: context) {
                    try await slots.run(named)
                } else {
                    try await deploy(document.filter.image.description, in: context).run(
                        document, proof: proof())
                }
            } catch {
                if !done.isEmpty, !dryRun {
                    let list = done.map { "\"\($0)\"" }.joined(separator: ", ")
                    output.note("note: deployed before that, and still there: \(list)", in: context)
                }
                throw error
            }
            done.append(document.id)
        }
    }

    /// Options that nothing in the file is for would be silently without effect.
    private func check(_ files: [FilterDeploymentFile]) throws {
        let clusters = files.filter { KubernetesDeploy.Target.named($0.target) != nil }
        let forSlots = slotOptions.given.filter { $0 != "--no-check" }
        if clusters.count == files.count, let option = forSlots.first {
            throw CommandError(
                .usage, "\(option) is for Envoys that stand alone, and the file names none",
                hint: "leave it out")
        }
        if clusters.isEmpty, let option = (kubernetes.given + cluster.given).first {
            throw CommandError(
                .usage, "\(option) is for targets on Kubernetes, and the file names none",
                hint: "leave it out")
        }
        for file in clusters { try KubernetesDeploy.check(file, cluster, waits: kubernetes.wait) }
    }

    private func deploy(_ image: String, in context: CommandContext) throws -> KubernetesDeploy {
        var options = try KubernetesDeployOptions.parse([image])
        options.cluster = cluster
        options.change.dryRun = dryRun ? .server : nil
        options.change.atomic = change.atomic
        options.change.forceConflicts = kubernetes.forceConflicts
        options.place.bestEffort = kubernetes.bestEffort
        options.output = kubernetes.output
        options.targetVersion = kubernetes.targetVersion
        options.noCheck = slotOptions.noCheck
        (options.store, options.access) = (store, access)
        return KubernetesDeploy(options: options, output: output, context: context)
    }

    private func proof() throws -> ProofOptions {
        var proof = try ProofOptions.parse([])
        (proof.wait, proof.timeout, proof.way) = (kubernetes.wait, change.timeout, kubernetes.way)
        return proof
    }
}
