// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics
import JSON
import KubernetesControl

/// A target on Kubernetes, with the options that find what was deployed to it: its verbs are the same for all of them.
protocol KubernetesVerbTarget: ParsableArguments, Sendable {
    /// The verb's word, as in "istio".
    static var word: String { get }
    /// Its name for people.
    static var title: String { get }
    /// Where it writes if nobody says; nil for the context's namespace.
    static var usualNamespace: String? { get }
    /// The options that find the same, for a command to type next.
    var repeated: String { get }

    /// The part of an object that is the target's to write.
    var ownPath: [String] { get }

    /// The live objects that keep the history of a deployment, or of all.
    func deployments(
        of id: String?, _ cluster: ClusterOptions, in context: CommandContext
    ) async throws -> [ClusterDeployment]

    /// The target that an object was written for by a version that kept no options.
    /// - Throws: `CommandError` if the object does not say it.
    func former(_ deployment: ClusterDeployment) throws -> FilterDeploymentFile.Target
}

extension KubernetesVerbTarget {
    static var usualNamespace: String? { nil }
    var repeated: String { "" }
    var ownPath: [String] { ["spec"] }

    func former(_ deployment: ClusterDeployment) throws -> FilterDeploymentFile.Target {
        throw CommandError(
            .failed,
            "an older version has deployed that revision of \"\(deployment.id)\", and has not kept what \(Self.title) was told",
            hint: "deploy it again with 'wasme deploy \(Self.word)'")
    }
}

/// A live object, and what was deployed into it.
struct ClusterDeployment {
    /// The context of kubectl; nil for the current one.
    let context: String?
    let object: ClusterObject
    let id: String

    var history: KubernetesHistory { KubernetesStamp.history(of: id, in: .object(object.json)) }
}

/// A target whose objects are wholly ours: they are found by their labels.
protocol KubernetesOwnedTarget: KubernetesVerbTarget {
    /// The resources that it may have written; the first ones keep the history.
    static var kinds: [String] { get }
    /// Of those, which only help the others.
    static var helpers: [String] { get }
}

extension KubernetesOwnedTarget {
    static var helpers: [String] { [] }

    func deployments(
        of id: String?, _ cluster: ClusterOptions, in context: CommandContext
    ) async throws -> [ClusterDeployment] {
        try await cluster.writer(id ?? "", in: context).find(
            Self.kinds.filter { !Self.helpers.contains($0) },
            namespace: cluster.namespace ?? Self.usualNamespace, anyID: id == nil
        ).map { context, object in
            ClusterDeployment(
                context: context, object: object, id: object.labels[ClusterWriter.idLabel] ?? "")
        }
    }
}

/// A target whose filters stand in an object of others: they are found by their annotations.
protocol KubernetesSharedTarget: KubernetesVerbTarget {
    associatedtype Renderer: SharedObjectTarget
    /// What knows the object; where the module is does not matter for that.
    var renderer: Renderer { get }
}

extension KubernetesSharedTarget {
    var repeated: String { KubernetesDeploy.Target(renderer.written(at: .init())).repeated }

    func deployments(
        of id: String?, _ cluster: ClusterOptions, in context: CommandContext
    ) async throws -> [ClusterDeployment] {
        var place = KubernetesPlace()
        place.namespace = cluster.namespace ?? Self.usualNamespace
        let writer = try cluster.writer(id ?? "", in: context)
        var options = ClusterWriter.Options()
        options.namespace = place.namespace
        let wanted = ClusterWriter.Item(renderer.object(with: [], place))
        let present = try await writer.present([wanted], options)
        return zip(writer.contexts, present).flatMap { context, objects in
            objects.flatMap { object in
                KubernetesStamp.deployments(in: .object(object.json))
                    .filter { id == nil || $0 == id }
                    .map { ClusterDeployment(context: context, object: object, id: $0) }
            }
        }
    }
}

// MARK: - The targets

struct IstioVerbs: KubernetesOwnedTarget {
    static let word = "istio"
    static let title = "an Istio mesh"
    static let kinds = [
        "wasmplugins.extensions.istio.io", "trafficextensions.extensions.istio.io",
        "envoyfilters.networking.istio.io",
    ]

    func former(_ deployment: ClusterDeployment) -> FilterDeploymentFile.Target {
        let live = deployment.object
        var options = IstioOptions()
        options.kind = IstioOptions.Kind(rawValue: live.kind)
        options.isGateway = live.json["spec"]?.description.contains("\"context\":\"GATEWAY\"") == true
        return .istio(live.place, options, .init())
    }
}

struct EnvoyGatewayVerbs: KubernetesOwnedTarget {
    static let word = "envoy-gateway"
    static let title = "Envoy Gateway"
    static let kinds = ["envoyextensionpolicies.gateway.envoyproxy.io"]

    func former(_ deployment: ClusterDeployment) -> FilterDeploymentFile.Target {
        .envoyGateway(deployment.object.place, .init())
    }
}

struct HigressVerbs: KubernetesOwnedTarget {
    static let word = "higress"
    static let title = "Higress"
    static let usualNamespace: String? = HigressTarget().usualNamespace
    static let kinds = ["wasmplugins.extensions.higress.io"]

    func former(_ deployment: ClusterDeployment) -> FilterDeploymentFile.Target {
        .higress(deployment.object.place, .init())
    }
}

struct KumaVerbs: KubernetesOwnedTarget {
    static let word = "kuma"
    static let title = "a Kuma mesh"
    static let usualNamespace: String? = KumaTarget(KumaOptions(module: .file("/"))).usualNamespace
    static let kinds = ["meshproxypatches.kuma.io", "containerpatches.kuma.io"]
    static let helpers = ["containerpatches.kuma.io"]
}

struct CiliumVerbs: KubernetesOwnedTarget {
    static let word = "cilium"
    static let title = "Cilium"
    static let kinds = ["ciliumenvoyconfigs.cilium.io", "ciliumclusterwideenvoyconfigs.cilium.io"]
}

struct GlooVerbs: KubernetesSharedTarget {
    static let word = "gloo"
    static let title = "a gateway of Gloo"
    static let usualNamespace: String? = GlooTarget().usualNamespace

    @Option(help: ArgumentHelp("The Gateway whose filters are meant.", valueName: "name"))
    var gateway = GlooOptions().gateway

    var renderer: GlooTarget {
        var options = GlooOptions()
        options.gateway = gateway
        return GlooTarget(options)
    }
}

struct ConsulVerbs: KubernetesSharedTarget {
    static let word = "consul"
    static let title = "the proxies of a service of Consul"

    @Option(help: ArgumentHelp("The service whose proxies run the filter.", valueName: "name"))
    var service: String

    var renderer: ConsulTarget { ConsulTarget(ConsulOptions(service: service, module: .file("/"))) }
}

// MARK: -

/// The APIs of resources, as `extensions.istio.io` of `wasmplugins.extensions.istio.io`.
func apiGroups(of kinds: [String]) -> Set<String> {
    Set(kinds.map { String($0.drop { $0 != "." }.dropFirst()) })
}

/// The error for a deployment that is not there.
func noDeployment(
    _ id: String, _ word: String, _ cluster: ClusterOptions, _ repeated: String = ""
) -> CommandError {
    CommandError(
        .failed,
        "there is no deployment \"\(id)\" in \(cluster.namespace.map { "namespace \"\($0)\"" } ?? "the context's namespace")",
        hint: "'wasme history \(word)\(repeated)\(cluster.repeated)' lists what is there")
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
