// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics
import HostProfiles
import JSON
import KubernetesControl
import OCI

/// A target whose objects are wholly ours: they are found, shown, brought back and deleted in the same way.
protocol KubernetesVerbTarget: Sendable {
    /// The verb's word, as in "istio".
    static var word: String { get }
    /// Its name for people.
    static var title: String { get }
    /// Where it writes if nobody says; nil for the context's namespace.
    static var usualNamespace: String? { get }
    /// The resources that it may have written.
    static var kinds: [String] { get }
}

extension KubernetesVerbTarget {
    static var usualNamespace: String? { nil }
}

/// A target that a live object can be rendered for again: the object says where it is.
protocol KubernetesReturnTarget: KubernetesVerbTarget {
    /// The target that has written an object, and the object's place.
    static func target(of live: ClusterObject) -> KubernetesDeploy.Target
}

enum IstioVerbs: KubernetesReturnTarget {
    static let word = "istio"
    static let title = "an Istio mesh"
    static let kinds = [
        "wasmplugins.extensions.istio.io", "trafficextensions.extensions.istio.io",
        "envoyfilters.networking.istio.io",
    ]

    static func target(of live: ClusterObject) -> KubernetesDeploy.Target {
        var options = IstioOptions()
        options.kind = IstioOptions.Kind(rawValue: live.kind)
        options.isGateway = live.json["spec"]?.description.contains("\"context\":\"GATEWAY\"") == true
        return .init(
            word: word, make: { [options] in IstioTarget(options, for: $0) },
            file: { [options] in .istio($0, options, .init()) })
    }
}

enum EnvoyGatewayVerbs: KubernetesReturnTarget {
    static let word = "envoy-gateway"
    static let title = "Envoy Gateway"
    static let kinds = ["envoyextensionpolicies.gateway.envoyproxy.io"]

    static func target(of live: ClusterObject) -> KubernetesDeploy.Target {
        .init(
            word: word, make: { _ in EnvoyGatewayTarget() },
            file: { .envoyGateway($0, EnvoyGatewayOptions()) })
    }
}

enum HigressVerbs: KubernetesReturnTarget {
    static let word = "higress"
    static let title = "Higress"
    static let usualNamespace: String? = HigressTarget().usualNamespace
    static let kinds = ["wasmplugins.extensions.higress.io"]

    static func target(of live: ClusterObject) -> KubernetesDeploy.Target {
        .init(word: word, make: { _ in HigressTarget() }, file: { .higress($0, HigressOptions()) })
    }
}

enum KumaVerbs: KubernetesVerbTarget {
    static let word = "kuma"
    static let title = "a Kuma mesh"
    static let usualNamespace: String? = KumaTarget(KumaOptions(module: .file("/"))).usualNamespace
    static let kinds = ["meshproxypatches.kuma.io", "containerpatches.kuma.io"]
}

enum CiliumVerbs: KubernetesVerbTarget {
    static let word = "cilium"
    static let title = "Cilium"
    static let kinds = ["ciliumenvoyconfigs.cilium.io", "ciliumclusterwideenvoyconfigs.cilium.io"]
}

/// `wasme undeploy istio` and its like.
struct UndeployKubernetes<Target: KubernetesVerbTarget>: WasmeCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: Target.word, abstract: "Take a filter out of \(Target.title).",
            discussion: """
                Deletes the objects with wasme's labels and this id, and nothing else.

                Example:
                  wasme undeploy \(Target.word) add-header -n shop
                """)
    }

    @Argument(help: ArgumentHelp("The deployment's name.", valueName: "id"))
    var id: String

    @OptionGroup(title: "Clusters") var cluster: ClusterOptions
    @OptionGroup(title: "The change") var change: ClusterChangeOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        let writer = try cluster.writer(id, in: context)
        var options = change.options(cluster.namespace ?? Target.usualNamespace)
        options.isDryRun = change.dryRun != nil
        let changes = try await writer.remove(
            Target.kinds, namespace: cluster.namespace ?? Target.usualNamespace, options)
        guard !changes.isEmpty else { throw noDeployment(id, Target.word, cluster) }
        try output.print(ClusterChangeResult(id, changes, isDryRun: options.isDryRun), in: context)
    }
}

func noDeployment(_ id: String, _ word: String, _ cluster: ClusterOptions) -> CommandError {
    CommandError(
        .failed,
        "there is no deployment \"\(id)\" in \(cluster.namespace.map { "namespace \"\($0)\"" } ?? "the context's namespace")",
        hint: "'wasme history \(word)\(cluster.repeated)' lists what is there")
}

/// `wasme rollback istio` and its like.
struct RollbackKubernetes<Target: KubernetesReturnTarget>: WasmeCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: Target.word, abstract: "Bring back what a deployment to \(Target.title) was before.",
            discussion: """
                Image, configuration and all else come back as the history has them; where \
                the filter runs stays as it is.

                Example:
                  wasme rollback \(Target.word) add-header -n shop --to 3
                """)
    }

    @Argument(help: ArgumentHelp("The deployment's name.", valueName: "id"))
    var id: String

    @Option(
        help: ArgumentHelp(
            "The revision, as 'wasme history' shows it (default: the one before).", valueName: "number"))
    var to: Int?

    @OptionGroup(title: "Clusters") var cluster: ClusterOptions
    @OptionGroup(title: "The change") var change: ClusterChangeOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        let found = try await cluster.writer(id, in: context).find(
            Target.kinds, namespace: cluster.namespace ?? Target.usualNamespace)
        guard !found.isEmpty else { throw noDeployment(id, Target.word, cluster) }
        var changes: [ObjectChange] = []
        for (name, object) in found {
            let revision = try KubernetesStamp.history(of: id, in: .object(object.json)).revision(to)
            var options = try KubernetesDeployOptions.parse([
                revision.deployment.image?.description ?? "image"
            ])
            options.cluster = cluster
            options.cluster.context = name
            options.change = change
            let deploy = KubernetesDeploy(options: options, output: output, context: context)
            guard
                let (_, made) = try await deploy.carryOut(
                    revision.deployment, object.place, Target.target(of: object))
            else { continue }
            changes += made
        }
        try output.print(ClusterChangeResult(id, changes, isDryRun: change.dryRun != nil), in: context)
    }
}

extension ClusterObject {
    /// Where an object says that it is to run.
    var place: KubernetesPlace {
        var place = KubernetesPlace()
        place.namespace = namespace
        let spec = json["spec"]?.object
        place.labels = selectedLabels ?? [:]
        for reference in spec?["targetRefs"]?.array ?? [] {
            guard let reference = reference.object, let kind = reference["kind"]?.string,
                let name = reference["name"]?.string
            else { continue }
            place.targets.append(
                .init(
                    group: reference["group"]?.string ?? "", kind: kind, name: name,
                    sectionName: reference["sectionName"]?.string))
        }
        let policy = spec?["wasm"]?.array?.first?.object?["code"]?.object?["image"]?.object
        place.pullSecret =
            spec?["imagePullSecret"]?.string ?? spec?["wasm"]?.object?["imagePullSecret"]?.string
            ?? policy?["pullSecretRef"]?.object?["name"]?.string
        return place
    }
}

/// `wasme diff istio`.
struct DiffIstio: WasmeCommand {
    static let configuration = CommandConfiguration(
        commandName: "istio", abstract: "Show what a deploy to an Istio mesh would change.",
        discussion: """
            The API server says what would come of it: the same as 'wasme deploy istio' \
            with --dry-run server.

            Example:
              wasme diff istio ghcr.io/acme/add-header:v2 -n shop -l app=web
            """)

    @OptionGroup var deploy: DeployIstio

    func run(in context: CommandContext) async throws {
        var deploy = deploy
        deploy.options.change.dryRun = .server
        try await deploy.run(in: context)
    }
}
