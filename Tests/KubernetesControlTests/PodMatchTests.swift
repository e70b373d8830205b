// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import JSON
import KubernetesControl
import SystemPackage
import TestSupport
import Testing

/// What is said of labels that no pod has, by the program on a real API server.
@Suite(.requires(.kubernetes), .requires(.registry), .ownCluster(.wasmPlugin), .filterImage, .serialized)
struct PodMatchTests {
    @Test func `labels that no pod has are answered with the nearest there are, and deployed all the same`()
        async throws
    {
        try await Stage.run { stage in
            let space = try await Cluster.namespace()
            try await Cluster.pod("web-0", in: space, "app: web, tier: front")
            try await Cluster.pod("cart-0", in: space, "app: cart, tier: back")
            let missed =
                "warning: WasmPlugin \"\(space)/add-header\" selects no pod in namespace \"\(space)\"; nothing has \"app=wbe\"; did you mean \"app=web\"?"
            for more in [["--dry-run", "server"], []] {
                let outcome = try await stage.deploy(["-n", space, "-l", "app=wbe"] + more)
                #expect(outcome.status == 0)
                #expect(outcome.stderr.contains(missed), "\(outcome.stderr)")
            }
            #expect(try await Cluster.live(in: space) != nil)
            // Each label is there, and no pod has both.
            let both = try await stage.deploy(["-n", space, "-l", "app=web,tier=back"])
            #expect(both.stderr.contains("something has all the others without"), "\(both.stderr)")
            let one = try await stage.deploy(["-n", space, "-l", "app=web,tier=front"])
            #expect(one.status == 0)
            #expect(!one.stderr.contains("selects"), "\(one.stderr)")
            // Whole namespaces are selected without labels.
            let all = try await stage.deploy(["-n", space])
            #expect(!all.stderr.contains("selects"), "\(all.stderr)")

            let file = stage.scratch.appending("deployment.yaml")
            let printed = try await stage.deploy(["-n", space, "-l", "app=wbe", "--print-deployment"])
            try Files.replace(file, with: Array(printed.stdout.utf8))
            for more in [["--dry-run"], []] {
                let outcome = try await stage.wasme(["deploy", "-f", file.string] + more)
                #expect(outcome.status == 0)
                #expect(outcome.stderr.contains(missed), "\(outcome.stderr)")
            }
            let folder = try await stage.deploy(["-n", space, "-l", "app=wbe", "--output", "objects"])
            #expect(folder.status == 0)
            #expect(!folder.stderr.contains("selects"), "\(folder.stderr)")
        }
    }

    @Test func `no pods at all, no right to see them, and a namespace that stands for all`() async throws {
        try await Stage.run { stage in
            let space = try await Cluster.namespace()
            let empty = try await stage.deploy(["-n", space, "-l", "app=web"])
            #expect(empty.status == 0)
            #expect(
                empty.stderr.contains(
                    "warning: WasmPlugin \"\(space)/add-header\" selects no pod: there are no pods in namespace \"\(space)\" yet, so no proxy runs it"
                ), "\(empty.stderr)")

            try await Cluster.grant(
                "bob", "get,list,create,patch", on: "wasmplugins.extensions.istio.io", in: space)
            let blind = try await stage.deploy(["-n", space, "-l", "app=web"], as: "bob")
            #expect(blind.status == 0, "\(blind.stderr)")
            #expect(
                blind.stderr.contains(
                    "note: whether WasmPlugin \"\(space)/add-header\" selects a pod is not known: cannot list pods with app=web in namespace \"\(space)\": \"bob\" may not list pods in namespace \"\(space)\""
                ), "\(blind.stderr)")

            // What stands in the control plane's own namespace is for the pods of all of them.
            try await Cluster.pod("web-0", in: space, "app: web")
            try await Cluster.controlPlane("1.30.3")
            let root = try await stage.deploy(["-n", "istio-system", "-l", "app=web"])
            #expect(root.status == 0, "\(root.stderr)")
            #expect(!root.stderr.contains("selects"), "\(root.stderr)")
            let nowhere = try await stage.deploy(["-n", "istio-system", "-l", "app=wbe"])
            #expect(nowhere.stderr.contains("selects no pod in any namespace"), "\(nowhere.stderr)")
            #expect(nowhere.stderr.contains("did you mean \"app=web\"?"))
        }
    }

    @Test func `who may not look for pods elsewhere is told the status of what they may see`() async throws {
        try await Stage.run { stage in
            let space = try await Cluster.namespace()
            let server = try Cluster.server
            // A control plane beside the plugin: the pods of all namespaces might be meant.
            try await server.kubectl([
                "create", "deployment", "istiod", "-n", space, "--image=docker.io/istio/pilot:1.30.3",
            ])
            try await server.kubectl([
                "create", "clusterrole", "planes", "--verb=list", "--resource=deployments.apps",
            ])
            try await server.kubectl([
                "create", "clusterrolebinding", "planes-carol", "--clusterrole=planes", "--user=carol",
            ])
            try await Cluster.grant("carol", "get,list", on: "wasmplugins.extensions.istio.io", in: space)
            try await Cluster.grant("carol", "list", on: "pods", in: space)
            let deployed = try await stage.deploy(["-n", space, "-l", "app=web"])
            #expect(deployed.status == 0, "\(deployed.stderr)")
            let status = try await stage.wasme(["status", "istio", "add-header", "-n", space], as: "carol")
            #expect(status.status == 1, "\(status.stderr)")
            #expect(
                status.stdout.contains(
                    "selects no pod; looked for pods with app=web in namespace \"\(space)\""),
                "\(status)")
        }
    }

    private func selection(_ text: String) throws -> PodSelection? {
        PodSelection(ClusterObject(try #require(try JSONValue(parsing: text).object)))
    }

    @Test func `what an object selects is read from each kind that selects by labels, and from no other`()
        throws
    {
        let metadata = #""metadata": {"name": "a", "namespace": "shop"}"#
        let web = PodSelection(namespace: "shop", labels: ["app": "web"])
        for kind in ["WasmPlugin", "TrafficExtension"] {
            #expect(
                try selection(
                    #"{"apiVersion": "extensions.istio.io/v1alpha1", "kind": "\#(kind)", \#(metadata), "spec": {"selector": {"matchLabels": {"app": "web"}}}}"#
                ) == web)
        }
        #expect(
            try selection(
                #"{"apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter", \#(metadata), "spec": {"workloadSelector": {"labels": {"app": "web"}}}}"#
            ) == web)
        let patch =
            #"{"apiVersion": "kuma.io/v1alpha1", "kind": "MeshProxyPatch", \#(metadata), "spec": {"targetRef": {"kind": "Dataplane", "labels": {"app": "web"}}}}"#
        #expect(try selection(patch) == web)
        #expect(
            try selection(patch.replacing("shop", with: "kuma-system"))
                == PodSelection(namespace: nil, labels: ["app": "web"]))
        // Higress' plugins are for its gateway; without labels a plugin is for its whole namespace.
        #expect(
            try selection(
                #"{"apiVersion": "extensions.higress.io/v1alpha1", "kind": "WasmPlugin", \#(metadata), "spec": {}}"#
            ) == nil)
        #expect(
            try selection(
                #"{"apiVersion": "extensions.istio.io/v1alpha1", "kind": "WasmPlugin", \#(metadata), "spec": {}}"#
            ) == nil)
    }
}
