// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics
import Files
import KubernetesControl
import OCI

/// `wasme migrate`: what the original wasme left in a cluster.
struct Migrate: WasmeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take over what the original wasme left in a cluster.",
        discussion: """
            Prints the FilterDeployment documents that say the same as the original's \
            FilterDeployments, EnvoyFilters and filters of Gloo, and notes what would \
            go. --apply deploys each document, then deletes what it takes the place \
            of, then gives workloads their annotations back, which restarts their \
            pods, and at the end deletes the cache and the operator. It can be run \
            again if it did not come to its end.

            Examples:
              wasme migrate --all-namespaces
              kubectl get envoyfilters,filterdeployments -n shop -o yaml | wasme migrate -f - --image ghcr.io/acme/add-header:v1
              wasme migrate -n shop --apply
            """)

    @Option(
        name: [.customShort("f"), .long], parsing: .upToNextOption,
        help: ArgumentHelp(
            "Read objects from files and change nothing; - reads standard input.", valueName: "file"))
    var file: [String] = []

    @Flag(name: [.customShort("A"), .long], help: "Look in all namespaces.")
    var allNamespaces = false

    @Option(
        help: ArgumentHelp(
            "An image that may hold a module of the cache, beside those that the cache was told; may be repeated.",
            valueName: "ref"))
    var image: [String] = []

    @Option(
        help: ArgumentHelp("Where the original's cache is.", valueName: "namespace/name"))
    var cache = "wasme/wasme-cache"

    @OptionGroup(title: "The change") var change: MigrateChangeOptions
    @OptionGroup(title: "Clusters") var cluster: ClusterOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Registry options") var access: RegistryAccessOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if allNamespaces, cluster.namespace != nil {
            throw ValidationError("--all-namespaces and --namespace say both where to look: leave one out")
        }
        if change.keepOld, !change.apply { throw ValidationError("--keep-old needs --apply") }
        guard !file.isEmpty else { return }
        if change.apply { throw ValidationError("--apply reads the cluster: leave out --file") }
        let other = cluster.given.first { $0 != "--namespace" } ?? (allNamespaces ? "--all-namespaces" : nil)
        if let other { throw ValidationError("\(other) is for clusters, and --file reads none") }
    }

    func run(in context: CommandContext) async throws {
        let cache = try originalCache()
        let search = ModuleSearch(store: store, access: access, output: output, context: context)
        var result = MigrationResult()
        guard file.isEmpty else {
            let objects = try file.flatMap { try read($0, in: context) }
            let inventory = OriginalInventory(objects, cache: cache)
            let plan = MigrationPlan(inventory, images: try await images(for: inventory, search))
            let run = MigrationRun(self, cluster: nil, context: context)
            let others = objects.filter { $0.usesCache || $0.kind == FilterDeploymentFile.kind }
            run.tell(plan, others: others, gaps: [], into: &result)
            try output.print(result, in: context)
            return try check(result)
        }
        result.applied = change.apply
        let names = cluster.contexts.isEmpty ? [nil] : cluster.contexts.map(Optional.some)
        for name in names {
            let kubectl = try cluster.kubectl(in: context).with(context: name)
            let there = OriginalCluster(
                kubectl, namespace: cluster.namespace, everywhere: allNamespaces, cache: cache)
            let findings = try await there.read()
            let inventory = OriginalInventory(
                findings.objects, cache: cache, knowsWorkloads: findings.knowsWorkloads)
            let plan = MigrationPlan(
                inventory, images: try await images(for: inventory, search), present: findings.present)
            let run = MigrationRun(self, cluster: (there, name), context: context)
            run.tell(
                plan, others: findings.usesOfCache + findings.deployments, gaps: findings.gaps, into: &result)
            guard change.apply else { continue }
            do {
                try await run.apply(plan, gaps: findings.gaps, into: &result)
            } catch {
                try output.print(result, in: context)
                let said =
                    result.changes.isEmpty
                    ? "nothing was changed"
                    : "that is what was changed; the old goes only after the new, so the command can be run again"
                output.note("note: \(said)", in: context)
                throw error
            }
        }
        try output.print(result, in: context)
        try check(result)
    }

    private func images(
        for inventory: OriginalInventory, _ search: ModuleSearch
    ) async throws -> [Digest: [MigrationPlan.Image]] {
        try await search.find(
            inventory.modules, in: image + inventory.candidates.filter { !image.contains($0) },
            named: Set(image))
    }

    private func check(_ result: MigrationResult) throws {
        guard let missing = result.missing.first else { return }
        let name = "\(missing.kind) \"\(missing.namespace.map { "\($0)/" } ?? "")\(missing.name)\""
        throw CommandError(
            .failed,
            result.missing.count == 1
                ? "the image of \(name) is not known: \(missing.reason ?? "")"
                : "the images of \(result.missing.count) EnvoyFilters are not known, as that of \(name)",
            hint: "name the image with --image; the rest is done without it")
    }

    private func originalCache() throws -> OriginalWasme.Cache {
        let parts = cache.split(separator: "/", omittingEmptySubsequences: false).map { String($0) }
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else {
            throw CommandError(
                .usage, "\"\(cache)\" says not where the cache is", hint: "write --cache NAMESPACE/NAME")
        }
        try KubernetesNames.check(namespace: parts[0])
        try KubernetesNames.check(name: parts[1], of: "a cache")
        var cache = OriginalWasme.Cache()
        (cache.namespace, cache.name) = (parts[0], parts[1])
        return cache
    }

    private func read(_ name: String, in context: CommandContext) throws -> [OriginalObject] {
        let title = name == "-" ? "standard input" : name
        let bytes =
            try name == "-"
            ? context.terminal.readInput()
            : Files.read(context.path(name), limit: OriginalObject.maximumSize)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CommandError(
                .usage, "\"\(title)\" is not UTF-8 text", hint: "name a file with YAML or JSON")
        }
        return try OriginalObject.read(text, file: title, namespace: cluster.namespace)
    }
}

/// How a migration changes clusters.
struct MigrateChangeOptions: ParsableArguments {
    @Flag(help: "Deploy the documents, and delete what they take the place of.")
    var apply = false

    @Flag(help: "Deploy the documents, and leave all that is there.")
    var keepOld = false

    @Flag(help: "Deploy also what the target's version is known not to take.")
    var noCheck = false

    @Flag(help: "Take over fields that belong to other field managers, as the list of a Gloo Gateway does.")
    var forceConflicts = false

    @Flag(help: "Leave out, with a warning, what the target cannot express.")
    var bestEffort = false

    @Option(
        help: ArgumentHelp("The version of the mesh, as in 1.30 (default: found).", valueName: "version"))
    var targetVersion: String?

    init() {}
}
