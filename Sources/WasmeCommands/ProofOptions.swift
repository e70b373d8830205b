// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics
import KubernetesControl
import OCI

/// How the proxies of pods are asked.
struct ProxyOptions: ParsableArguments {
    enum Way: String, ExpressibleByArgument, CaseIterable {
        case portForward = "port-forward"
        case exec
    }

    @Option(
        help: ArgumentHelp(
            "How proxies are reached; exec is for those of Istio and Higress (default: port-forward).",
            valueName: "port-forward|exec")
    )
    var via = Way.portForward

    init() {}

    func proxy(
        _ kubectl: Kubectl, of fleet: ProxyFleet, in context: CommandContext
    ) throws -> any PodProxy {
        switch via {
        case .portForward:
            PortForward(kubectl, ports: fleet.ports, transport: context.makeTransport)
        case .exec: try fleet.exec(kubectl)
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

    /// Refuses to wait for what cannot be seen.
    /// - Parameters:
    ///   - word: the target's.
    ///   - subject: what is deployed, for the error.
    /// - Throws: `CommandError` of usage.
    func check(_ word: String, of subject: String) throws {
        guard wait, let obstacle = ProxyFleet.named(word)?.obstacle else { return }
        throw CommandError(
            .usage, "--wait cannot be kept for \"\(subject)\": \(obstacle)", hint: "leave out --wait")
    }

    /// Asks the control planes and the proxies about the written objects.
    func prove(
        _ changes: [ObjectChange], by proof: FilterProof, cluster: ClusterOptions
    ) async throws -> [FilterEvidence] {
        let kubectl = try cluster.kubectl(in: proof.context)
        let limit = timeout.flatMap { DurationText.parse($0) } ?? .seconds(60)
        var all: [FilterEvidence] = []
        // What was replaced by another kind is gone.
        for change in changes where change.kind != .deleted {
            let evidence = try await proof.evidence(
                of: change.object, by: kubectl.with(context: change.context), within: limit)
            if let evidence { all.append(evidence) }
        }
        return all
    }
}
