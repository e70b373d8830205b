// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics
import JSON
import KubernetesControl
import OCI

/// `wasme status istio`.
struct StatusIstio: WasmeCommand {
    static let configuration = CommandConfiguration(
        commandName: "istio", abstract: "Show whether the proxies of an Istio mesh run their filters.",
        discussion: """
            Asks the proxy of every selected pod: accepted, fetched, loaded, alive on all \
            workers, and from which image. Needs the right to forward ports of pods.

            Examples:
              wasme status istio -n shop
              wasme status istio add-header -n shop --via exec --format json
            """)

    @Argument(help: ArgumentHelp("Of this deployment alone.", valueName: "id"))
    var id: String?

    @OptionGroup(title: "Clusters") var cluster: ClusterOptions
    @OptionGroup(title: "Proof") var way: ProxyOptions
    @OptionGroup var output: OutputOptions

    func run(in context: CommandContext) async throws {
        let found = try await cluster.writer(id ?? "", in: context).find(
            IstioVerbs.kinds, namespace: cluster.namespace, anyID: id == nil)
        if found.isEmpty, let id { throw noDeployment(id, "istio", cluster) }
        let kubectl = try cluster.kubectl(in: context)
        var deployments: [IstioStatusResult.Deployment] = []
        for (name, object) in found {
            let digest = object.annotations["wasme.io/digest"].flatMap { Digest($0) }
            let rows = try await object.rows(
                kubectl.with(context: name), way, digest: digest, waiting: nil, output: output, in: context)
            deployments.append(
                .init(
                    id: object.labels[ClusterWriter.idLabel] ?? "", object: object.title,
                    digest: digest?.description,
                    image: object.annotations["wasme.io/image"], proxies: rows))
        }
        try output.print(IstioStatusResult(deployments: deployments), in: context)
    }
}

/// What the proxies of a mesh say.
struct IstioStatusResult: CommandResult {
    struct Deployment: Encodable {
        let id: String
        let object: String
        let digest: String?
        let image: String?
        let proxies: [ProxyRow]
    }

    let deployments: [Deployment]

    var text: String {
        guard !deployments.isEmpty else { return "nothing is deployed there" }
        return deployments.map { deployment in
            "\(deployment.id): \(deployment.image ?? "")\n\(ProxyRow.table(deployment.proxies))"
        }.joined(separator: "\n\n")
    }
    var brief: String {
        deployments.map { deployment in
            "\(deployment.id) \(deployment.proxies.count { $0.state == "healthy" })/\(deployment.proxies.count)"
        }.joined(separator: "\n")
    }
}
