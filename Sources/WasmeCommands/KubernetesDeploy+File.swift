// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics
import FilterImage
import KubernetesControl
import OCI

/// What only a deploy of a file to Kubernetes can be told.
struct KubernetesFileOptions: ParsableArguments {
    @Flag(help: "Take over fields of objects in a cluster that belong to other field managers.")
    var forceConflicts = false

    @Flag(help: "Leave out, with a warning, what a target on Kubernetes cannot express.")
    var bestEffort = false

    @Option(
        help: ArgumentHelp(
            "Write a cluster's objects into a folder with a kustomization, and change no cluster.",
            valueName: "dir"))
    var output: String?

    @OptionGroup var git: GitOptions

    @Option(
        help: ArgumentHelp(
            "The version of the mesh or gateway, as in 1.30 (default: found, for Istio).",
            valueName: "version"))
    var targetVersion: String?

    @Flag(help: "Ask the selected proxies of a cluster until all of them run the filter.")
    var wait = false

    @OptionGroup var way: ProxyOptions

    init() {}

    /// The options as they are given.
    var given: [String] {
        [
            forceConflicts ? "--force-conflicts" : nil, bestEffort ? "--best-effort" : nil,
            output.map { _ in "--output" }, targetVersion.map { _ in "--target-version" },
            wait ? "--wait" : nil,
        ].compactMap { $0 } + git.given
    }
}

extension KubernetesDeploy {
    /// A document of a file that was carried out.
    struct Document {
        let deployment: FilterDeployment
        let changes: [ObjectChange]
        /// The module's digest.
        let module: Digest
        /// With the namespace that the file says.
        let deploy: KubernetesDeploy
    }

    /// Refuses options that do not fit a file.
    static func check(_ file: FilterDeploymentFile, _ cluster: ClusterOptions, waits: Bool) throws {
        guard let (target, place) = Target.named(file.target) else { return }
        if let space = place.namespace, let asked = cluster.namespace, asked != space {
            throw CommandError(
                .usage,
                "\"\(file.id)\" is for namespace \"\(space)\" by its file, and --namespace says \"\(asked)\"",
                hint: "leave out --namespace, or the namespace in the file")
        }
        var proof = try ProofOptions.parse([])
        proof.wait = waits
        try proof.check(target.word, of: file.id)
    }

    /// Deploys what a file says, in the same way as the command line does.
    /// - Parameters:
    ///   - file: the document.
    ///   - proof: whether and how it is proved.
    ///   - applied: is told what became of the objects, before they are proved.
    /// - Throws: a `Diagnostic`; with `--atomic` the clusters are as they were then.
    func run(
        _ file: FilterDeploymentFile, proof: ProofOptions, applied: ([ObjectChange]) -> Void
    ) async throws {
        guard let (target, _) = Target.named(file.target), let done = try await carryOut(file) else { return }
        applied(done.changes)
        try await done.deploy.finish(
            done.deployment, done.changes, target, proof: proof, module: done.module)
    }

    /// A document whose image is found and whose configuration fits it.
    struct Prepared {
        let deployment: FilterDeployment
        let place: KubernetesPlace
        let target: Target
        let image: StoredFilter
        /// With the namespace that the file says.
        let deploy: KubernetesDeploy
    }

    /// Finds what a file says.
    /// - Returns: nil for Envoys that stand alone.
    /// - Throws: a `Diagnostic`.
    func prepare(_ file: FilterDeploymentFile) async throws -> Prepared? {
        guard let (target, named) = Target.named(file.target) else { return nil }
        var (deploy, place) = (self, named)
        place.namespace = place.namespace ?? options.cluster.namespace
        // Errors say what to type next: with the namespace.
        deploy.options.cluster.namespace = place.namespace
        let (image, written) = try await file.resolve(
            store: options.store, access: options.access, quiet: output.quiet, in: context)
        var deployment = written
        deployment.id = file.kubernetesID
        try image.check(deployment.configuration)
        return Prepared(
            deployment: deployment, place: place, target: target, image: image, deploy: deploy)
    }

    /// Deploys what a file says, and leaves it to others to print what became of it.
    /// - Returns: nil if no cluster was asked.
    /// - Throws: a `Diagnostic`.
    func carryOut(_ file: FilterDeploymentFile) async throws -> Document? {
        guard let found = try await prepare(file) else { return nil }
        if options.printDeployment {
            // As it was written, with what is decided when it is deployed.
            var pinned = file
            pinned.filter.digest = found.image.digest
            if !found.deployment.rootID.isEmpty { pinned.filter.rootID = found.deployment.rootID }
            context.terminal.writeOutput(pinned.yaml)
            return nil
        }
        return try await found.deploy.carryOut(found.deployment, found.place, found.target, found.image).map {
            made, changes in
            Document(
                deployment: made, changes: changes, module: Digest(of: found.image.content.module),
                deploy: found.deploy)
        }
    }

    /// Prints what became of it; with a proof the control plane and the proxies are asked first.
    func finish(
        _ deployment: FilterDeployment, _ changes: [ObjectChange], _ target: Target,
        proof: ProofOptions? = nil, module: Digest? = nil
    ) async throws {
        var evidence: [FilterEvidence]?
        let isDryRun = options.change.dryRun != nil
        if let proof, proof.wait, !isDryRun, let fleet = ProxyFleet.named(target.word) {
            let way = FilterProof(
                fleet: fleet, id: deployment.id, digest: deployment.digest, module: module, way: proof.way,
                output: output, context: context)
            evidence = try await proof.prove(changes, by: way, cluster: options.cluster)
        } else {
            try await warnOfMissedPods(changes)
        }
        try output.print(
            ClusterChangeResult(deployment.id, changes, isDryRun: isDryRun, evidence: evidence), in: context)
        guard let evidence, evidence.isEmpty || !evidence.allSatisfy(\.isProved) else { return }
        for doubt in evidence.compactMap(\.doubt) { output.note("warning: \(doubt)", in: context) }
        let message = "not proved that every selected proxy runs \"\(deployment.id)\""
        if options.change.atomic, await takeBack(deployment.id, changes).isEmpty {
            throw CommandError(
                .failed, "\(message): what was changed is as it was",
                hint: "deploy without --atomic to look at it where it is")
        }
        let isNew = changes.contains { $0.kind == .created } && !changes.contains { $0.kind == .deleted }
        let verb = isNew ? "undeploy" : "rollback"
        throw CommandError(
            .failed, message,
            hint:
                "take it back: wasme \(verb) \(target.word) \(deployment.id)\(target.repeated)\(options.cluster.repeated)"
        )
    }

    /// Takes changes back, also for somebody who is interrupted.
    /// - Returns: what could not be taken back.
    func takeBack(_ id: String, _ changes: [ObjectChange]) async -> [ObjectChange] {
        guard let writer = try? options.cluster.writer(id, in: context) else { return changes }
        let writing = options.change.options(options.cluster.namespace)
        let left = await Task.detached { await writer.takeBack(changes, writing) }.value
        for (change, error) in left {
            output.note("warning: \(change.object.title) could not be taken back: \(error)", in: context)
        }
        return left.map(\.change)
    }
}

extension FilterDeploymentFile {
    /// What the deployment is called in a cluster.
    ///
    /// An object's name is unique in its namespace: the id needs no namespace, nor would it be a label with a dot.
    var kubernetesID: String { filter.id ?? KubernetesNames.dnsLabel(name) }
}
