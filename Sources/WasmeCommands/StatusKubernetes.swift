// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics
import JSON
import KubernetesControl
import OCI

/// `wasme status istio` and its like.
struct StatusKubernetes<Target: KubernetesVerbTarget>: WasmeCommand {
    static var configuration: CommandConfiguration {
        let obstacle = ProxyFleet.named(Target.word)?.obstacle
        let asked =
            obstacle.map { "Proxies are not asked: \($0)." }
                ?? """
                The proxy of every selected pod is asked: accepted, loaded, alive on all \
                workers. Needs the right to list pods and to forward their ports.
                """
        return CommandConfiguration(
            commandName: Target.word, abstract: "Show whether \(Target.title) runs its filters.",
            discussion: """
                What the control plane says of each object, and what the proxies say. \(asked) \
                The exit status is 1 unless every filter is proved to run in all of them. \
                Fields that others have set since are shown as drift.

                Examples:
                  wasme status \(Target.word)\(Target.exampleOptions)
                  wasme status \(Target.word) add-header\(Target.exampleOptions) --format json
                """)
    }

    @Argument(help: ArgumentHelp("Of this deployment alone.", valueName: "id"))
    var id: String?

    @OptionGroup var target: Target
    @OptionGroup(title: "Clusters") var cluster: ClusterOptions
    @OptionGroup(title: "Proof") var way: ProxyOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        guard let fleet = ProxyFleet.named(Target.word) else { return }
        let found = try await target.deployments(of: id, cluster, in: context)
        if found.isEmpty, let id { throw noDeployment(id, Target.word, cluster, target.repeated) }
        let kubectl = try cluster.kubectl(in: context)
        var deployments: [ClusterStatusResult.Deployment] = []
        for found in found {
            let id = found.id
            let digest = found.object.stamp("digest", of: id).flatMap { Digest($0) }
            let proof = FilterProof(
                fleet: fleet, id: id, digest: digest, way: way, output: output, context: context)
            guard
                let evidence = try await proof.evidence(
                    of: found.object, by: kubectl.with(context: found.context))
            else { continue }
            deployments.append(
                .init(
                    evidence, id: id, digest: digest, image: found.object.stamp("image", of: id),
                    drift: found.object.foreignFields(in: target.ownPath)))
        }
        try output.print(ClusterStatusResult(deployments: deployments), in: context)
        if !deployments.allSatisfy(\.isProved) { throw ExitCode.failure }
    }
}

extension ClusterObject {
    /// What the object says of one of its deployments: several can share one that belongs to others.
    fileprivate func stamp(_ name: String, of id: String) -> String? {
        annotations["wasme.io/\(name)"] ?? annotations["\(id).wasme.io/\(name)"]
    }
}

/// What the control plane and the proxies of a target say.
struct ClusterStatusResult: CommandResult {
    struct Deployment: Encodable {
        let id: String
        let object: String
        let context: String?
        let digest: String?
        let image: String?
        /// What the control plane says of the object.
        let status: ObjectStatus
        let proxies: [ProxyRow]
        /// Why what the proxies say is not all; nil if it is.
        let doubt: String?
        /// Fields that others have set since it was deployed.
        let drift: [Drift]
        /// Whether it is proved that the filter runs.
        let isProved: Bool

        enum CodingKeys: String, CodingKey {
            case id, object, context, digest, image, status, proxies, doubt, drift
            case isProved = "proved"
        }

        init(
            _ evidence: FilterEvidence, id: String, digest: Digest?, image: String?, drift: [ForeignField]
        ) {
            self.id = id
            object = evidence.object.title
            context = evidence.context
            self.digest = digest?.description
            self.image = image
            status = ObjectStatus(evidence)
            proxies = evidence.rows
            doubt = evidence.doubt
            self.drift = drift.map { Drift($0) }
            isProved = evidence.isProved
        }

        fileprivate var text: String {
            var lines = ["\(id): \(image ?? "")", status.line]
            if !proxies.isEmpty { lines.append(ProxyRow.table(proxies)) }
            if let doubt { lines.append("not proved: \(doubt)") }
            lines += drift.map(\.line)
            return lines.joined(separator: "\n")
        }
    }

    /// A field that is not as it was deployed.
    struct Drift: Encodable {
        let path: String
        /// What it is now, as JSON.
        let value: String?
        let manager: String
        let time: String?

        init(_ field: ForeignField) {
            path = field.path
            value = field.value?.description
            manager = field.manager
            time = field.time
        }

        fileprivate var line: String {
            "drift: \(path)\(value.map { " is \($0)," } ?? "") set by \"\(manager)\"\(time.map { " at \($0)" } ?? "")"
        }
    }

    let deployments: [Deployment]

    var text: String {
        guard !deployments.isEmpty else { return "nothing is deployed there" }
        return deployments.map(\.text).joined(separator: "\n\n")
    }
    var brief: String {
        deployments.map { deployment in
            "\(deployment.id) \(deployment.proxies.count { $0.state == "healthy" })/\(deployment.proxies.count)"
        }.joined(separator: "\n")
    }
}

/// What a control plane says of an object.
struct ObjectStatus: Encodable {
    let object: String
    let context: String?
    /// `accepted`, `refused`, `pending` or `silent`.
    let state: String
    let reasons: [String]

    init(_ evidence: FilterEvidence) {
        object = evidence.object.title
        context = evidence.context
        state = evidence.verdict.state.rawValue
        reasons = evidence.verdict.reasons
    }

    var line: String {
        let said = state == "silent" ? "its status says nothing" : state
        return "\(object)\(context.map { " (context \($0))" } ?? ""): \(said)"
            + (reasons.isEmpty ? "" : ": \(reasons.joined(separator: "; "))")
    }
}
