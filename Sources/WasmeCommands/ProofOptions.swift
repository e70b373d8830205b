// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics
import JSON
import KubernetesControl
import OCI

/// How the proxies of pods are asked.
struct ProxyOptions: ParsableArguments {
    enum Way: String, ExpressibleByArgument, CaseIterable {
        case portForward = "port-forward"
        case exec
    }

    @Option(
        help: ArgumentHelp("How proxies are reached (default: port-forward).", valueName: "port-forward|exec")
    )
    var via = Way.portForward

    init() {}

    func proxy(_ kubectl: Kubectl, in context: CommandContext) -> any PodProxy {
        switch via {
        case .portForward: PortForward(kubectl, transport: context.makeTransport)
        case .exec: PodExec(kubectl)
        }
    }
}

/// Whether and how a deploy is proved.
struct ProofOptions: ParsableArguments {
    @Flag(help: "Ask the selected proxies until all of them run the filter.")
    var wait = false

    @Option(help: ArgumentHelp("How long to wait for that (default: 60s).", valueName: "time"))
    var timeout: String?

    @OptionGroup var way: ProxyOptions

    init() {}

    func validate() throws {
        if let timeout, DurationText.parse(timeout) == nil {
            throw ValidationError("--timeout is \"\(timeout)\": write a time, as in 500ms, 10s or 2m")
        }
    }

    /// Asks the proxies that the written objects select.
    func prove(
        _ changes: [ObjectChange], cluster: ClusterOptions, digest: Digest, output: OutputOptions,
        in context: CommandContext
    ) async throws -> [ProxyRow] {
        var rows: [ProxyRow] = []
        let kubectl = try cluster.kubectl(in: context)
        for change in changes {
            rows += try await change.object.rows(
                kubectl.with(context: change.context), way, digest: digest,
                waiting: timeout.flatMap { DurationText.parse($0) } ?? .seconds(60), output: output,
                in: context)
        }
        return rows
    }
}

extension ClusterObject {
    /// The labels of the pods that an object of Istio selects; nil if it selects by other means.
    var selectedLabels: [String: String]? {
        let spec = json["spec"]?.object
        guard spec?["targetRefs"] == nil else { return nil }
        let labels = spec?["selector"]?.object?["matchLabels"] ?? spec?["workloadSelector"]?.object?["labels"]
        var selected: [String: String] = [:]
        for (name, value) in labels?.object?.members ?? [] { selected[name] = value.string }
        return selected
    }

    /// What the proxies of the pods say that this object selects; none for one that makes no filter.
    func rows(
        _ kubectl: Kubectl, _ way: ProxyOptions, digest: Digest?, waiting limit: Duration?,
        output: OutputOptions,
        in context: CommandContext
    ) async throws -> [ProxyRow] {
        guard let resource = IstioResource(self) else { return [] }
        guard let labels = selectedLabels else {
            throw CommandError(
                .failed, "\(title) selects gateways by targetRefs: their pods are not looked for",
                hint: "see its own status with kubectl describe")
        }
        var selection = PodSelection(namespace: namespace, labels: labels)
        let pods = try await kubectl.pods(selection)
        if pods.isEmpty {
            selection.labels = [:]
            let all = try await kubectl.pods(selection).map(\.labels)
            let missed = PodSelection(namespace: namespace, labels: labels)
            output.note("warning: \(title) \(missed.miss(among: all))", in: context)
            return []
        }
        let proof = IstioProof(way.proxy(kubectl, in: context))
        let status =
            if let limit {
                try await proof.prove(resource, digest: digest?.hex, in: pods, within: limit)
            } else {
                try await proof.status(of: resource, digest: digest?.hex, in: pods)
            }
        if !status.others.isEmpty {
            let names = status.others.prefix(3).map(\.name).joined(separator: ", ")
            output.note(
                "note: \(status.others.count) of the selected pods have no running proxy: \(names)"
                    + (status.others.count > 3 ? ", …" : ""), in: context)
        }
        return status.reports.map { ProxyRow($0, context: kubectl.context) }
    }
}
