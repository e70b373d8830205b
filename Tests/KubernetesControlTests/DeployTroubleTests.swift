// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import JSON
import KubernetesControl
import SystemPackage
import TestSupport
import Testing

/// What stands in the way of a deploy, by the program on a real API server: what is said, and that nothing was changed.
@Suite(.requires(.kubernetes), .requires(.registry), .ownCluster(.wasmPlugin), .filterImage, .serialized)
struct DeployTroubleTests {
    @Test func `a namespace that is going, and one that is not there`() async throws {
        try await Stage.run { stage in
            let space = try await Cluster.namespace()
            try await Cluster.server.kubectl(
                ["create", "-f", "-"],
                input: """
                    apiVersion: v1
                    kind: ConfigMap
                    metadata: {name: keeper, namespace: \(space), finalizers: [example.org/keep]}

                    """)
            try await Cluster.server.kubectl(["delete", "namespace", space, "--wait=false"])
            for more in [[], ["--dry-run", "server"]] {
                let going = try await stage.deploy(["-n", space, "-l", "app=web"] + more)
                #expect(going.status == 1)
                #expect(going.stdout == "")
                #expect(going.stderr.contains("namespace \"\(space)\""), "\(going.stderr)")
                #expect(going.stderr.contains("is being deleted"), "\(going.stderr)")
                #expect(going.stderr.contains("help: wait until it is gone and create it again"))
                let missing = try await stage.deploy(["-n", "nowhere", "-l", "app=web"] + more)
                #expect(missing.status == 1)
                #expect(missing.stderr.contains("there is no namespace \"nowhere\""), "\(missing.stderr)")
                #expect(missing.stderr.contains("kubectl create namespace nowhere"))
            }
        }
    }

    @Test func `filters of one phase and priority are warned of, and an id that others have is refused`()
        async throws
    {
        try await Stage.run { stage in
            let space = try await Cluster.namespace()
            func deploy(_ id: String, _ more: [String] = []) async throws -> ProcessOutcome {
                try await stage.deploy(["-n", space, "-l", "app=web", "--id", id] + more)
            }
            #expect(try await deploy("one", ["--priority", "5"]).status == 0)
            let second = try await deploy("two", ["--priority", "5"])
            #expect(second.status == 0, "\(second.stderr)")
            #expect(
                second.stderr.contains(
                    "\"two\" and \"one\" both have the priority 5 in the same phase: their order is that of their names"
                ), "\(second.stderr)")
            let third = try await deploy("three", ["--priority", "6"])
            #expect(!third.stderr.contains("both have"), "\(third.stderr)")

            // The name is taken by something that wasme has not written.
            try await Cluster.server.kubectl(
                ["create", "-f", "-"],
                input: """
                    apiVersion: extensions.istio.io/v1alpha1
                    kind: WasmPlugin
                    metadata: {name: taken, namespace: \(space)}
                    spec: {url: "oci://example.org/other"}

                    """)
            let taken = try await deploy("taken")
            #expect(taken.status == 1)
            #expect(taken.stderr.contains("WasmPlugin \"\(space)/taken\""), "\(taken.stderr)")
            #expect(taken.stderr.contains("not wasme's"), "\(taken.stderr)")
            #expect(taken.stderr.contains("choose another --id"))
            let url = try await Cluster.live("taken", in: space)?.json["spec"]?.object?["url"]
            #expect(url == .string("oci://example.org/other"))
        }
    }

    @Test func `a configuration that an API server would not store is refused with its size`() async throws {
        try await Stage.run { stage in
            let space = try await Cluster.namespace()
            func deploy(_ bytes: Int) async throws -> ProcessOutcome {
                let file = try stage.scratch.write(
                    "config.json", "{\"a\": \"\(String(repeating: "x", count: bytes))\"}")
                return try await stage.deploy(["-n", space, "-l", "app=web", "--config", "@\(file.string)"])
            }
            let large = try await deploy(1_600_000)
            #expect(large.status == 64)
            #expect(
                large.stderr.contains("an API server stores at most 1572864 (1.5 MiB)"), "\(large.stderr)")
            #expect(large.stderr.contains("make the filter's configuration smaller"))
            #expect(try await Cluster.live(in: space) == nil)
            // More than all annotations may have: the history then keeps its digest alone.
            let medium = try await deploy(300_000)
            #expect(medium.status == 0, "\(medium.stderr)")
            let small = try await deploy(10)
            #expect(small.status == 0, "\(small.stderr)")
            let back = try await stage.wasme(["rollback", "istio", "add-header", "-n", space])
            #expect(back.status != 0)
            #expect(back.stderr.contains("was too large to be kept"), "\(back.stderr)")
        }
    }

    @Test func `credentials that are over, and kinds that are not there or in another version`() async throws
    {
        try await Stage.run { stage in
            let space = try await Cluster.namespace()
            let text = String(decoding: try Files.read(try Cluster.server.administrator), as: UTF8.self)
            let old = try stage.scratch.write(
                "expired", text.replacing("administrator-token", with: "old-token"))
            let expired = try await stage.deploy(
                ["-n", space, "-l", "app=web"], ["KUBECONFIG": old.string])
            #expect(expired.status == 77)
            #expect(expired.stderr.contains("does not accept the credentials"), "\(expired.stderr)")
            #expect(expired.stderr.contains("help: log in again"))

            func gateway() async throws -> ProcessOutcome {
                try await stage.wasme([
                    "deploy", "envoy-gateway", stage.image, "-n", space, "--id", "add-header", "--target",
                    "HTTPRoute/web",
                ])
            }
            let absent = try await gateway()
            #expect(absent.status == 1)
            #expect(
                absent.stderr.contains("has no EnvoyExtensionPolicy of gateway.envoyproxy.io/v1alpha1"),
                "\(absent.stderr)")
            #expect(
                absent.stderr.contains(
                    "help: install the mesh's or gateway's CustomResourceDefinitions first"))
            try await Cluster.define([
                Kind(
                    "EnvoyExtensionPolicy", "envoyextensionpolicies.gateway.envoyproxy.io", "v1beta9")
            ])
            let other = try await gateway()
            #expect(other.status == 1)
            #expect(other.stderr.contains("it has it in gateway.envoyproxy.io/v1beta9"), "\(other.stderr)")
        }
    }
}
