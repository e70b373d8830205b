// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics
import EnvoyControl
import FilterImage
import Foundation
import HostProfiles
import JSON
import KubernetesControl
import OCI
import OCIRegistry

/// The options that a deploy to every target on Kubernetes has.
struct KubernetesDeployOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("The image.", valueName: "ref"))
    var reference: String

    @Option(
        help: ArgumentHelp(
            "Write the objects into a folder with a kustomization, and change no cluster.", valueName: "dir"))
    var output: String?

    @Flag(help: "Print the FilterDeployment file that says the same, and change nothing.")
    var printDeployment = false

    @Flag(help: "Deploy also what the target's version is known not to take.")
    var noCheck = false

    @Option(
        help: ArgumentHelp(
            "The version of the mesh or gateway, as in 1.30 (default: found, for Istio).",
            valueName: "version"))
    var targetVersion: String?

    @OptionGroup var git: GitOptions
    @OptionGroup(title: "The filter") var filter: FilterOptions
    @OptionGroup(title: "Where it runs") var place: PlaceOptions
    @OptionGroup(title: "Clusters") var cluster: ClusterOptions
    @OptionGroup(title: "The change") var change: ClusterChangeOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Registry options") var access: RegistryAccessOptions

    init() {}
}

/// A deploy to a target on Kubernetes: the same way for all of them.
struct KubernetesDeploy {
    var options: KubernetesDeployOptions
    let output: OutputOptions
    let context: CommandContext

    /// Finds the image, and what is to run of it where.
    func prepare(
        _ makeTarget: (StoredFilter) throws -> Target
    ) async throws -> (FilterDeployment, KubernetesPlace, Target, StoredFilter) {
        let image = try await StoredFilter.load(
            context.place(options.reference), store: options.store, access: options.access,
            quiet: output.quiet,
            in: context)
        var deployment = try options.filter.deployment(of: image, in: context)
        if options.filter.id == nil { deployment.id = KubernetesNames.dnsLabel(deployment.id) }
        options.place.apply(to: &deployment)
        try image.check(deployment.configuration)
        let place = try options.place.place(options.cluster.namespace)
        return (deployment, place, try makeTarget(image), image)
    }

    /// Deploys, and prints what became of it.
    func run(proof: ProofOptions? = nil, _ makeTarget: (StoredFilter) throws -> Target) async throws {
        try checkDestination(waits: proof?.wait == true)
        let (deployment, place, target, image) = try await prepare(makeTarget)
        if options.printDeployment {
            let file = try FilterDeploymentFile.said(deployment, target.file(place), options.access)
            context.terminal.writeOutput(file.yaml)
            return
        }
        guard let (made, changes) = try await carryOut(deployment, place, target, image) else { return }
        try await finish(
            made, changes, target, proof: proof, module: Digest(of: image.content.module))
    }

    /// Renders for each cluster, as each has its own history, and applies.
    /// - Parameters:
    ///   - deployment: what is to run.
    ///   - place: where.
    ///   - target: what renders it.
    ///   - image: what is held against the target first; nil for what ran there before.
    /// - Returns: the deployment, and what became of its objects; nil if no cluster was asked.
    /// - Throws: a `Diagnostic`.
    func carryOut(
        _ deployment: FilterDeployment, _ place: KubernetesPlace, _ target: Target,
        _ image: StoredFilter? = nil
    ) async throws -> (FilterDeployment, [ObjectChange])? {
        var request = try request(deployment, place, version: version())
        if asksNoCluster {
            try await check(image, for: target.word, request.version.map { [$0] } ?? [])
            try await carryOutWithoutCluster(request, target)
            return nil
        }
        let versions = try await versions(of: target.word)
        // The oldest: what it takes, all take.
        request.version = versions.min()
        try await check(image, for: target.word, versions)
        if image != nil { warn(try await checkRegistry(deployment.image, for: target, versions)) }
        let first = try target.make(request).plan(request)
        guard !first.objects.isEmpty else {
            throw CommandError(
                .usage,
                "what was rendered is no object of a cluster, but a file for a tool of the target's own",
                hint: "write it with --output DIR, or see it with --dry-run client")
        }
        let writer = try options.cluster.writer(deployment.id, in: context)
        if image != nil { warn(try await checkPull(deployment, place, for: try target.make(request))) }
        try await preparePullSecret(deployment, place)
        var changeOptions = options.change.options(first.objects.first?.namespace ?? place.namespace)
        let present = try await writer.present(first.objects.map { ClusterWriter.Item($0) }, changeOptions)
        let former = try await former(deployment.id, target, in: changeOptions.namespace, writer)
        // What was there before comes back by its history; what is new goes.
        let isNew =
            former.allSatisfy(\.isEmpty)
            && !present.joined().contains { live in
                KubernetesStamp.deployments(in: .object(live.json)).contains(deployment.id)
            }
        let verb = isNew ? "undeploy" : "rollback"
        changeOptions.takeBack =
            "wasme \(verb) \(target.word) \(deployment.id)\(target.repeated)\(options.cluster.repeatedAnywhere)"
        var items: [[ClusterWriter.Item]] = []
        var replaced: [[ClusterObject]] = []
        var warnings: [String] = []
        for (live, former) in zip(present, former) {
            request.live = (live + former).map { .object($0.json) }
            let made = try target.make(request)
            let plan = try made.plan(request)
            warnings += plan.warnings
            warnings += try made.conflicts(of: plan, with: request.live)
            items.append(plan.objects.map { ClusterWriter.Item($0) })
            replaced.append(former.filter { plan.replaces(.object($0.json), in: target.groups) })
        }
        warn(warnings)
        return (deployment, try await writer.apply(items, replacing: replaced, changeOptions))
    }

    /// What is to be rendered, by whom and when.
    func request(
        _ deployment: FilterDeployment, _ place: KubernetesPlace, version: HostVersion? = nil
    ) -> KubernetesRequest {
        var request = KubernetesRequest(
            deployment, at: place, author: context.who, time: Date.now.formatted(.iso8601))
        request.version = version
        request.isBestEffort = options.place.bestEffort
        return request
    }

    func warn(_ warnings: [String]) {
        var seen: Set<String> = []
        for warning in warnings where seen.insert(warning).inserted {
            output.note("warning: \(warning)", in: context)
        }
    }

    /// The version that the command line names.
    func version() throws -> HostVersion? {
        guard let text = options.targetVersion else { return nil }
        guard let version = HostVersion(text) else {
            throw CommandError(
                .usage, "\"\(text)\" is not a version", hint: "write it as in --target-version 1.30")
        }
        return version
    }

    /// Refuses an image that the target is known not to take.
    func check(_ image: StoredFilter?, for word: String, _ versions: [HostVersion]) async throws {
        guard let image, !options.noCheck else { return }
        warn(try await HostVersionCheck(image).check(word, versions))
    }

    /// The versions of the target that run, as far as that is known.
    func versions(of word: String) async throws -> [HostVersion] {
        if let version = try version() { return [version] }
        return word == "istio" ? try await istioVersions() : []
    }

    /// The versions of the clusters' control planes.
    private func istioVersions() async throws -> [HostVersion] {
        var versions: [HostVersion] = []
        let kubectl = try options.cluster.kubectl(in: context)
        for name in options.cluster.contexts.isEmpty ? [nil] : options.cluster.contexts.map(Optional.some) {
            let planes = try await kubectl.with(context: name).istioControlPlanes()
            versions += planes.compactMap { $0.version.flatMap { HostVersion($0) } }
        }
        if versions.isEmpty { output.note("note: which version of Istio runs is not known", in: context) }
        return versions
    }

    /// Finds the pull secret in each cluster, or makes it, and tries it on the registry.
    private func preparePullSecret(_ deployment: FilterDeployment, _ place: KubernetesPlace) async throws {
        guard let name = place.pullSecret, let image = deployment.image, let host = image.registry else {
            return
        }
        let secret = PullSecret(name, in: place.namespace)
        let kubectl = try options.cluster.kubectl(in: context)
        for contextName in options.cluster.contexts.isEmpty
            ? [nil] : options.cluster.contexts.map(Optional.some)
        {
            let cluster = kubectl.with(context: contextName)
            var credential = try await secret.credential(by: cluster, for: host)
            let isMissing = credential == nil
            if isMissing {
                credential = try await options.access.credentials(for: host, in: context).credential(
                    for: host, image.repository)
            }
            guard let credential else {
                throw CommandError(
                    .usage,
                    "there is no secret \"\(name)\", and no credentials for \"\(host)\" to make it from",
                    hint: "log in first: wasme login \(host)")
            }
            let client = RegistryClient(
                host: host, transport: context.makeTransport(),
                options: try options.access.options(for: host, in: context),
                credentials: FixedCredentials(credential, for: host))
            _ = try await client.resolve(image.repository, .digest(deployment.digest))
            guard isMissing, options.change.dryRun == nil else { continue }
            try await secret.create(credential, for: host, by: cluster)
            output.note("created the secret \"\(name)\" for \"\(host)\"", in: context)
        }
    }
}
