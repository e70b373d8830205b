// SPDX-License-Identifier: Apache-2.0

import EnvoyControl
import Files
import Foundation
import JSON
import KubernetesControl
import SystemPackage
import TestSupport
import Testing

/// `status` and `--wait`, as processes: the API server is real, and so is the Envoy that stands in for a pod's; only the way to it
/// is short, as no node runs here that could lead a port to it.
@Suite(
    .requires(.kubernetes), .requires(.registry), .requires(.envoy), .sharedCluster, .filterImage, .serialized
)
struct StatusCommandTests {
    /// A kubectl that leads each port of a pod to the admin interface of an Envoy on this machine.
    private func kubectl(
        _ ports: [Int], to admin: UInt16, in scratch: ScratchDirectory
    ) throws -> [String: String] {
        let lines = ports.map { "echo 'Forwarding from 127.0.0.1:\(admin) -> \($0)'" }
        let file = try scratch.program(
            "kubectl",
            """
            for word in "$@"; do
              if [ "$word" = port-forward ]; then
                \(lines.joined(separator: "\n    "))
                exec sleep 600
              fi
            done
            exec \(try #require(Tool.kubectl.path)) "$@"
            """)
        return ["WASME_KUBECTL": file.string]
    }

    @Test func `what runs in Envoy Gateway's proxies is proved by its status and by the proxies`()
        async throws
    {
        try await Stage.run { stage in
            let space = try await Cluster.namespace()
            let label = "gateway.envoyproxy.io/owning-gateway"
            try await Cluster.pod(
                "edge-0", in: space, "\(label)-name: edge, \(label)-namespace: \(space)",
                containers: ["envoy"], isRunning: true)
            try await ListenerProxy.run { [self] proxy in
                let port = proxy.envoy.admin.address.port
                let way = try kubectl([19000], to: port, in: stage.scratch)
                func deploy(_ value: Int, _ more: [String] = []) async throws -> ProcessOutcome {
                    try await stage.wasme(
                        [
                            "deploy", "envoy-gateway", stage.image, "--id", "add-header", "-n", space,
                            "--target", "Gateway/edge", "--config", "{\"a\": \(value)}",
                        ] + more, way)
                }
                func status(_ more: [String] = []) async throws -> ProcessOutcome {
                    try await stage.wasme(["status", "envoy-gateway", "-n", space] + more, way)
                }
                func say(_ status: String, _ reason: String) async throws {
                    try await Cluster.setStatus(
                        #"{"ancestors": [{"ancestorRef": {"kind": "Gateway", "name": "edge"}, "controllerName": "c", "conditions": [{"type": "Accepted", "status": "\#(status)", "reason": "\#(reason)", "message": "", "observedGeneration": GENERATION}]}]}"#,
                        at:
                            "/apis/gateway.envoyproxy.io/v1alpha1/namespaces/\(space)/envoyextensionpolicies/add-header"
                    )
                }
                #expect(try await status().stdout == "nothing is deployed there\n")
                // Nobody has looked at it, and the proxy has not been told.
                let early = try await deploy(1, ["--wait", "--timeout", "1s"])
                #expect(early.status == 1)
                #expect(early.stdout.contains("pending: no control plane has looked at it yet"), "\(early)")
                #expect(early.stderr.contains("take it back: wasme undeploy envoy-gateway add-header"))

                try await say("True", "Accepted")
                var filter = ListenerProxy.Filter()
                filter.isFetched = true
                filter.isSwitchedByRoute = true
                filter.space = space
                try proxy.give(filter, version: "2")
                let proved = try await deploy(1, ["--wait", "--timeout", "60s"])
                #expect(proved.status == 0, "\(proved)")
                #expect(
                    proved.stdout.contains("EnvoyExtensionPolicy \"\(space)/add-header\": accepted"),
                    "\(proved)")
                #expect(proved.stdout.contains("\(space)/edge-0  healthy"), "\(proved)")
                let shown = try await status()
                #expect(shown.status == 0, "\(shown)")
                #expect(shown.stdout.contains("healthy"), "\(shown)")

                // Another configuration: said of the one before, and not yet in the proxy.
                let stale = try await deploy(2, ["--wait", "--timeout", "1s"])
                #expect(stale.status == 1)
                #expect(stale.stdout.contains("was said of an earlier version of it"), "\(stale)")
                #expect(stale.stdout.contains("outdated"), "\(stale)")
                try await say("False", "Invalid")
                let refused = try await deploy(2, ["--wait", "--timeout", "60s"])
                #expect(refused.status == 1)
                #expect(refused.stdout.contains("refused: Accepted is False for Gateway \"edge\": Invalid"))
                let json = try await status(["--format", "json"])
                #expect(json.status == 1)
                let first = try JSONValue(parsing: json.stdout).object?["deployments"]?.array?.first?.object
                #expect(first?["status"]?.object?["state"] == .string("refused"))
                #expect(first?["proved"] == .bool(false))
                #expect(
                    first?["proxies"]?.array?.first?.object?["state"] == .string("outdated"), "\(json.stdout)"
                )

                let exec = try await status(["--via", "exec"])
                #expect(exec.status == 1)
                #expect(
                    exec.stderr.contains("their container \"envoy\" has no pilot-agent"), "\(exec.stderr)")
                #expect(exec.stderr.contains("port-forward is the way"))
            }
        }
    }

    @Test func `a plugin with a target is looked for in the gateway's proxies, with what its agent counts`()
        async throws
    {
        try await Stage.run { stage in
            let space = try await Cluster.namespace()
            let deployed = try await stage.wasme([
                "deploy", "istio", stage.image, "--id", "add-header", "-n", space, "--target",
                "Gateway/edge",
            ])
            try #require(deployed.status == 0, "\(deployed.stderr)")
            let alone = try await stage.wasme(["status", "istio", "-n", space])
            #expect(alone.status == 1)
            #expect(
                alone.stdout.contains(
                    "looked for pods with gateway.networking.k8s.io/gateway-name=edge in namespace \"\(space)\", pods with istio.io/gateway-name=edge"
                ), "\(alone)")
            #expect(alone.stdout.contains("there is no Gateway \"\(space)/edge\""), "\(alone)")

            try await Cluster.pod(
                "edge-0", in: space, "gateway.networking.k8s.io/gateway-name: edge",
                containers: ["istio-proxy"], isRunning: true)
            let name = "extensions.istio.io/wasmplugin/\(space).add-header"
            try await Sidecar.run(.plugin(TinyFilter()), named: name) { [self] sidecar in
                // An Envoy has a page of metrics too, without those of an agent.
                let way = try kubectl(
                    [15000, 15020], to: sidecar.envoy.admin.address.port, in: stage.scratch)
                // Metrics that do not come in time are left out.
                let shown = try await settled {
                    try await stage.wasme(["status", "istio", "add-header", "-n", space], way)
                } until: {
                    $0.stdout.contains("its agent counts")
                }
                #expect(shown.status == 1)
                // The file that stands in for the agent's is not named by the image.
                #expect(
                    shown.stdout.contains("it runs from sha256:\(Sidecar.digest(of: TinyFilter()))"),
                    "\(shown)")
                #expect(shown.stdout.contains("its agent counts no fetch that succeeded"), "\(shown)")
            }
        }
    }

    @Test func `filters in objects of others are shown with what Gloo and Consul say of these`() async throws
    {
        try await Stage.run { stage in
            let space = try await Cluster.namespace()
            try await Cluster.create(
                "{apiVersion: gateway.solo.io/v1, kind: Gateway, metadata: {name: gateway-proxy}, spec: {httpGateway: {}}}",
                in: space)
            try await Cluster.create(
                "{apiVersion: consul.hashicorp.com/v1alpha1, kind: ServiceDefaults, metadata: {name: cart}, spec: {protocol: http}}",
                in: space)
            let gloo = try await stage.wasme([
                "deploy", "gloo", stage.image, "--id", "add-header", "-n", space,
                // Gloo takes the original's layout; what is read here is its status.
                "--no-check",
            ])
            try #require(gloo.status == 0, "\(gloo.stderr)")
            let consul = try await stage.wasme([
                "deploy", "consul", stage.image, "--id", "add-header", "-n", space, "--service", "cart",
                "--module-file", "/wasm/f.wasm",
            ])
            try #require(consul.status == 0, "\(consul.stderr)")
            try await Cluster.setStatus(
                #"{"statuses": {"gloo-system": {"state": 2, "reason": "no such image", "reportedBy": "gloo"}}}"#,
                at: "/apis/gateway.solo.io/v1/namespaces/\(space)/gateways/gateway-proxy")
            try await Cluster.setStatus(
                #"{"conditions": [{"type": "Synced", "status": "True"}]}"#,
                at: "/apis/consul.hashicorp.com/v1alpha1/namespaces/\(space)/servicedefaults/cart")
            let gateway = try await stage.wasme(["status", "gloo", "-n", space])
            #expect(gateway.status == 1)
            #expect(
                gateway.stdout.contains(
                    "Gateway \"\(space)/gateway-proxy\": refused: its state is Rejected: no such image"),
                "\(gateway)")
            #expect(
                gateway.stdout.contains("looked for pods with gloo=gateway-proxy in namespace \"\(space)\""),
                "\(gateway)")
            let service = try await stage.wasme([
                "status", "consul", "add-header", "-n", space, "--service", "cart",
            ])
            #expect(service.status == 1)
            #expect(
                service.stdout.contains("ServiceDefaults \"\(space)/cart\": accepted"), "\(service)")
            #expect(service.stdout.contains("there is no Service \"\(space)/cart\""), "\(service)")
            let other = try await stage.wasme([
                "status", "consul", "other", "-n", space, "--service", "cart",
            ])
            #expect(other.status == 1)
            #expect(other.stderr.contains("there is no deployment \"other\""), "\(other.stderr)")
        }
    }
}
