// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics
import KubernetesControl
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

    @Option(
        defaultAsFlag: ClusterChangeOptions.DryRun.server, parsing: .next,
        help: ArgumentHelp(
            "Show what would change, and change nothing: server asks the clusters, client asks nobody.",
            valueName: "client|server"))
    var dryRun: ClusterChangeOptions.DryRun?

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
        try check(files, in: context)
        let slots = EnvoySlotDeployment(
            change: change, options: slotOptions, isDryRun: dryRun != nil, store: store, access: access,
            output: output, context: context)
        let printsDocuments = slotOptions.printDeployment || dryRun == .client
        var done: [Done] = []
        let committed = committed(of: files)
        if let first = committed.first {
            // Before any Envoy is changed: what cannot be rendered shows here.
            try await deploy(first.filter.image.description, in: context).commit(committed)
            done = committed.map { Done(id: $0.id, image: $0.filter.image.description, changes: nil) }
        }
        for document in files where !committed.contains(document) {
            var changes: [ObjectChange]?
            do {
                if printsDocuments, !done.isEmpty, output.format == .text {
                    context.terminal.writeOutput("---\n")
                }
                if let named = NamedFleet(document, from: file, in: context) {
                    try await slots.run(named)
                } else {
                    let deploy = try deploy(document.filter.image.description, in: context)
                    try await deploy.run(document, proof: proof()) { changes = $0 }
                }
            } catch {
                await end(done, in: context)
                throw error
            }
            done.append(Done(id: document.id, image: document.filter.image.description, changes: changes))
        }
    }

    /// The documents that go into one commit.
    private func committed(of files: [FilterDeploymentFile]) -> [FilterDeploymentFile] {
        guard kubernetes.git.git != nil, !slotOptions.printDeployment else { return [] }
        return files.filter { KubernetesDeploy.Target.named($0.target) != nil }
    }

    /// A document that was deployed.
    private struct Done {
        let id: String
        let image: String
        /// What became of its objects; nil if no cluster was asked.
        let changes: [ObjectChange]?
    }

    /// Says what stays of the documents before the one that failed, once what can go back has gone.
    private func end(_ done: [Done], in context: CommandContext) async {
        guard dryRun == nil, !slotOptions.printDeployment else { return }
        var (there, back) = ([String](), [String]())
        for document in done.reversed() {
            guard change.atomic, let changes = document.changes,
                let deploy = try? deploy(document.image, in: context)
            else {
                there.append(document.id)
                continue
            }
            let left = await deploy.takeBack(document.id, changes)
            if left.isEmpty { back.append(document.id) } else { there.append(document.id) }
        }
        for (ids, words) in [(back, "and as it was again"), (there, "and still there")] where !ids.isEmpty {
            let list = ids.reversed().map { "\"\($0)\"" }.joined(separator: ", ")
            output.note("note: deployed before that, \(words): \(list)", in: context)
        }
    }

    /// Options that nothing in the file is for would be silently without effect.
    private func check(_ files: [FilterDeploymentFile], in context: CommandContext) throws {
        let clusters = files.filter { KubernetesDeploy.Target.named($0.target) != nil }
        let forSlots = slotOptions.given.filter { !["--no-check", "--print-deployment"].contains($0) }
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
        if let first = clusters.first {
            try deploy(first.filter.image.description, in: context).checkDestination(waits: kubernetes.wait)
        }
    }

    private func deploy(_ image: String, in context: CommandContext) throws -> KubernetesDeploy {
        var options = try KubernetesDeployOptions.parse([image])
        options.cluster = cluster
        options.change.dryRun = dryRun
        options.change.atomic = change.atomic
        options.change.forceConflicts = kubernetes.forceConflicts
        options.place.bestEffort = kubernetes.bestEffort
        options.output = kubernetes.output
        options.git = kubernetes.git
        options.printDeployment = slotOptions.printDeployment
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
