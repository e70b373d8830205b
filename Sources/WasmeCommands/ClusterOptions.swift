// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics
import KubernetesControl

/// Which clusters a command is about, and how they are reached.
struct ClusterOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The namespace of what is written (default: the context's).", valueName: "name"))
    var namespace: String?

    @Option(
        help: ArgumentHelp(
            "The contexts of kubectl, separated by commas (default: the current one).", valueName: "a,b"))
    var context: String?

    @Option(help: ArgumentHelp("The file that describes clusters to kubectl.", valueName: "file"))
    var kubeconfig: String?

    @Option(help: ArgumentHelp("How long one call of kubectl may take (default: 60s).", valueName: "time"))
    var requestTimeout: String?

    init() {}

    func validate() throws {
        if let text = requestTimeout, DurationText.parse(text) == nil {
            throw ValidationError("--request-timeout is \"\(text)\": write a time, as in 30s or 2m")
        }
        let contexts = contexts
        if Set(contexts).count != contexts.count { throw ValidationError("--context names a context twice") }
    }

    /// The options as they are given.
    var given: [String] {
        [
            namespace.map { _ in "--namespace" }, context.map { _ in "--context" },
            kubeconfig.map { _ in "--kubeconfig" }, requestTimeout.map { _ in "--request-timeout" },
        ].compactMap { $0 }
    }

    var contexts: [String] { context?.split(separator: ",").map { String($0) } ?? [] }

    func kubectl(in context: CommandContext) throws -> Kubectl {
        var kubectl = try Kubectl(environment: context.environment, in: context.workingDirectory)
        kubectl.kubeconfig = kubeconfig.map { context.path($0) }
        kubectl.timeLimit = requestTimeout.flatMap { DurationText.parse($0) } ?? kubectl.timeLimit
        return kubectl
    }

    func writer(_ id: String, in context: CommandContext) throws -> ClusterWriter {
        ClusterWriter(try kubectl(in: context), contexts: contexts, id: id)
    }

    /// The options that name the same place, for a command to type next.
    var repeated: String { repeatedAnywhere + (context.map { " --context \($0)" } ?? "") }

    /// The same without the contexts.
    var repeatedAnywhere: String {
        (namespace.map { " -n \($0)" } ?? "") + (kubeconfig.map { " --kubeconfig \($0)" } ?? "")
    }
}

/// How a change of clusters is made.
struct ClusterChangeOptions: ParsableArguments {
    enum DryRun: String, ExpressibleByArgument, CaseIterable {
        case client
        case server
    }

    @Option(
        help: ArgumentHelp(
            "Change nothing: client prints the objects, server lets the API servers check them.",
            valueName: "client|server"))
    var dryRun: DryRun?

    @Flag(help: "Take over fields of the objects that belong to other field managers.")
    var forceConflicts = false

    @Flag(help: "What was changed goes back if a later change fails.")
    var atomic = false

    init() {}

    /// The options as they are given, but for a dry run.
    var given: [String] {
        [forceConflicts ? "--force-conflicts" : nil, atomic ? "--atomic" : nil].compactMap { $0 }
    }

    func options(_ namespace: String?) -> ClusterWriter.Options {
        var options = ClusterWriter.Options()
        options.namespace = namespace
        options.forcesConflicts = forceConflicts
        options.isAtomic = atomic
        options.isDryRun = dryRun == .server
        return options
    }
}

/// Where in a cluster a filter is to run.
struct PlaceOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Labels of the pods; may be repeated, or separated by commas (default: all of the namespace).",
            valueName: "key=value"))
    var labels: [String] = []

    @Option(
        help: ArgumentHelp(
            "A gateway, route or service that it is attached to; may be repeated. The group of Gateway API is assumed, that of a Service is the core.",
            valueName: "kind/name"))
    var target: [String] = []

    @Option(
        help: ArgumentHelp(
            "The secret with the registry's credentials; made from your docker configuration if it is not there. Without it no secret is looked at.",
            valueName: "name"))
    var pullSecret: String?

    @Option(
        help: ArgumentHelp("Where among the mesh's own filters: authn, authz or stats.", valueName: "phase"))
    var phase: FilterDeployment.Phase?

    @Option(
        help: ArgumentHelp(
            "Which traffic, in the original's words: inbound, outbound, any or gateway.", valueName: "context"
        ))
    var patchContext: FilterDeploymentFile.PatchContext?

    @Option(help: ArgumentHelp("Only traffic of this port; may be repeated.", valueName: "number"))
    var port: [Int] = []

    @Option(
        help: ArgumentHelp(
            "Accepted as the original's; filters are bound to pods, of whatever kind of workload.",
            valueName: "kind", visibility: .hidden))
    var workloadType: String?

    @Flag(help: "Leave out, with a warning, what the target cannot express.")
    var bestEffort = false

    init() {}

    /// Adds what is said here to a place and a deployment.
    func place(_ namespace: String?) throws -> KubernetesPlace {
        var place = KubernetesPlace()
        place.namespace = namespace
        place.pullSecret = pullSecret
        for pair in labels.flatMap({ $0.split(separator: ",") }) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw CommandError(
                    .usage, "\"\(pair)\" is not a label",
                    hint: "write --labels key=value, as in --labels app=web")
            }
            place.labels[String(parts[0])] = String(parts[1])
        }
        place.targets = try target.map { text in
            let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { String($0) }
            guard (2...3).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else {
                throw CommandError(
                    .usage, "\"\(text)\" names no object",
                    hint: "write KIND/NAME or GROUP/KIND/NAME, as in Gateway/edge")
            }
            if parts.count == 3 { return .init(group: parts[0], kind: parts[1], name: parts[2]) }
            let group =
                ["Service": "", "ServiceEntry": "networking.istio.io"][parts[0]]
                ?? "gateway.networking.k8s.io"
            return .init(group: group, kind: parts[0], name: parts[1])
        }
        return place
    }

    func apply(to deployment: inout FilterDeployment) {
        deployment.phase = phase
        var mode: FilterDeployment.TrafficMatch.Mode?
        switch patchContext {
        case .inbound: mode = .server
        case .outbound: mode = .client
        case .any: mode = .both
        case .gateway, nil: mode = nil
        }
        if mode != nil || !port.isEmpty {
            deployment.match = [.init(mode: mode ?? .both, ports: port)]
        }
    }
}

extension FilterDeployment.Phase: ExpressibleByArgument {}
extension FilterDeploymentFile.PatchContext: ExpressibleByArgument {}
