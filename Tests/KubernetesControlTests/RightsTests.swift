// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import JSON
import KubernetesControl
import SystemPackage
import TestSupport
import Testing

/// The published roles, with tokens that have nothing else, on a real API server.
@Suite(
    .requires(.kubernetes), .requires(.registry),
    .ownCluster(.wasmPlugin, .trafficExtension, .envoyFilter, .higressPlugin, .envoyExtensionPolicy),
    .filterImage, .serialized) struct RightsTests
{
    /// Whether the API server lets a user do something.
    private func may(
        _ user: String, _ verb: String, _ resource: String, in space: String
    ) async throws -> Bool {
        // What stands behind a slash there would be taken for an object's name.
        let parts = resource.split(separator: "/").map { String($0) }
        let part = parts.count > 1 ? ["--subresource=\(parts[1])"] : []
        let outcome = try await run(
            try #require(Tool.kubectl.path),
            [
                "--kubeconfig", try Cluster.server.configuration(for: user).string, "auth", "can-i", verb,
                parts[0], "-n", space,
            ] + part)
        return outcome.stdout.hasPrefix("yes")
    }

    private static let secretVerbs = ["get", "list", "watch", "create", "update", "patch", "delete"]

    @Test func `a deployer does everything but prove, and reads no secret`() async throws {
        try await Stage.run { stage in
            let space = try await Cluster.namespace()
            try await Cluster.give("bob", ["wasme-deployer"], in: space)
            for verb in Self.secretVerbs {
                #expect(try await !may("bob", verb, "secrets", in: space), "\(verb)")
            }
            func bob(_ arguments: [String]) async throws -> ProcessOutcome {
                try await stage.wasme(arguments, as: "bob")
            }
            for value in [1, 2] {
                let deployed = try await stage.deploy(
                    ["-n", space, "-l", "app=web", "--config", "{\"a\": \(value)}"], as: "bob")
                #expect(deployed.status == 0, "\(deployed.stderr)")
                // It may not look for Istio, which is said; the pods it may see.
                #expect(deployed.stderr.contains("which version of Istio runs is not known"))
                #expect(deployed.stderr.contains("there are no pods in namespace \"\(space)\" yet"))
            }
            let dry = try await stage.deploy(
                ["-n", space, "-l", "app=web", "--config", "{\"a\": 3}", "--dry-run", "server"], as: "bob")
            #expect(dry.stdout.contains("would be configured"), "\(dry.stderr)")
            let history = try await bob(["history", "istio", "add-header", "-n", space])
            #expect(history.stdout.split(separator: "\n").count == 3, "\(history.stderr)")
            let back = try await bob(["rollback", "istio", "add-header", "-n", space])
            #expect(back.status == 0, "\(back.stderr)")
            // A secret is read only for who asks for one, and then it is said what is missing.
            let asked = try await stage.deploy(
                ["-n", space, "-l", "app=web", "--pull-secret", "registry"], as: "bob")
            #expect(asked.status == 77)
            #expect(
                asked.stderr.contains("\"bob\" may not get secrets in namespace \"\(space)\""),
                "\(asked.stderr)")
            let gone = try await bob(["undeploy", "istio", "add-header", "-n", space])
            #expect(gone.status == 0, "\(gone.stderr)")
            // Nothing is granted elsewhere.
            let elsewhere = try await stage.deploy(["-n", "default", "-l", "app=web"], as: "bob")
            #expect(elsewhere.status == 77)
        }
    }

    @Test func `a deployer writes every kind of object that the role names`() async throws {
        let server = try Cluster.server
        let space = try await Cluster.namespace()
        try await Cluster.give("bob", ["wasme-deployer"], in: space)
        let kinds = [Kind.trafficExtension, .envoyFilter, .higressPlugin, .envoyExtensionPolicy]
        for kind in kinds {
            let group = kind.resource.drop { $0 != "." }.dropFirst()
            let object = try #require(
                try JSONValue(
                    parsing: """
                        {"apiVersion": "\(group)/\(kind.version)", "kind": "\(kind.name)",
                         "metadata": {"name": "add-header", "namespace": "\(space)", "labels":
                          {"app.kubernetes.io/managed-by": "wasme", "wasme.io/id": "add-header"}}, "spec": {"a": 1}}
                        """
                ).object)
            let writer = ClusterWriter(try Cluster.kubectl("bob"), id: "add-header")
            let items = [ClusterWriter.Item(ClusterObject(object))]
            let options = ClusterWriter.Options()
            #expect(try await writer.apply(items, options).map(\.kind) == [.created], "\(kind.name)")
            #expect(try await writer.present(items, options).joined().count == 1, "\(kind.name)")
            let gone = try await writer.remove([kind.resource], namespace: space, options)
            #expect(gone.map(\.kind) == [.deleted], "\(kind.name)")
        }
        // The role names these and Istio's plugin, and nothing else that is written.
        let text = try await server.kubectl(["get", "role", "wasme-deployer", "-n", space, "-o", "json"])
        let rules = try JSONValue(parsing: text).object?["rules"]?.array ?? []
        let written = rules.compactMap(\.object).filter {
            $0["verbs"]?.array?.contains(.string("create")) == true
        }
        let names = written.flatMap { $0["resources"]?.array ?? [] }.compactMap(\.string)
        #expect(
            names.sorted()
                == [
                    "envoyextensionpolicies", "envoyfilters", "trafficextensions", "wasmplugins",
                    "wasmplugins",
                ])
    }

    @Test func `a prover reaches proxies and their logs, writes nothing and reads no secret`() async throws {
        let server = try Cluster.server
        let space = try await Cluster.namespace()
        try await Cluster.give("carol", ["wasme-prover"], in: space)
        try await Cluster.pod("web-0", in: space, "app: web")
        for (verb, resource) in [
            ("list", "pods"), ("get", "pods"), ("create", "pods/portforward"), ("get", "pods/log"),
        ] {
            #expect(try await may("carol", verb, resource, in: space), "\(verb) \(resource)")
        }
        for verb in Self.secretVerbs {
            #expect(try await !may("carol", verb, "secrets", in: space), "\(verb)")
        }
        for (verb, resource) in [
            ("create", "pods/exec"), ("delete", "pods"), ("create", "pods"),
            ("patch", "wasmplugins.extensions.istio.io"),
        ] {
            #expect(try await !may("carol", verb, resource, in: space), "\(verb) \(resource)")
        }
        // There is no kubelet to forward to: what the API server says is that the pod does not run, not that one may not.
        for arguments in [["port-forward", "pod/web-0", ":15000"], ["logs", "web-0", "-c", "istio-proxy"]] {
            for (user, isDenied) in [("carol", false), ("dave", true)] {
                let outcome = try await run(
                    try #require(Tool.kubectl.path),
                    ["--kubeconfig", try server.configuration(for: user).string, "-n", space] + arguments)
                #expect(outcome.stderr.contains("Forbidden") == isDenied, "\(user): \(outcome.stderr)")
            }
        }
    }

    @Test func `who may handle pull secrets makes one and reads it, and lists none`() async throws {
        try await Stage.run { stage in
            let space = try await Cluster.namespace()
            try await Cluster.give("carol", ["wasme-deployer", "wasme-pull-secret"], in: space)
            for verb in Self.secretVerbs {
                let isGranted = ["get", "create", "patch"].contains(verb)
                #expect(try await may("carol", verb, "secrets", in: space) == isGranted, "\(verb)")
            }
            let host = stage.image.prefix { $0 != "/" }
            let folder = stage.scratch.appending("docker")
            try Files.createDirectory(folder)
            // This registry lets everybody in; what is shown to it is not looked at.
            let auth = Data("me:s3cret".utf8).base64EncodedString()
            try Files.replace(
                folder.appending("config.json"),
                with: Array("{\"auths\": {\"\(host)\": {\"auth\": \"\(auth)\"}}}".utf8))
            let arguments = ["-n", space, "-l", "app=web", "--pull-secret", "registry"]
            let made = try await stage.deploy(arguments, as: "carol")
            #expect(made.status == 0, "\(made.stderr)")
            #expect(made.stderr.contains("created the secret \"registry\" for \"\(host)\""))
            #expect(
                try await Cluster.live(in: space)?.json["spec"]?.object?["imagePullSecret"]
                    == .string("registry"))
            // The second time it is read, and stays.
            let again = try await stage.deploy(arguments, as: "carol")
            #expect(again.status == 0, "\(again.stderr)")
            #expect(!again.stderr.contains("created the secret"))
        }
    }

    @Test func `Istio's version is found with the right to list deployments in its namespace alone`()
        async throws
    {
        try await Cluster.controlPlane("1.29.2")
        let file = repositoryRoot.pushing("deploy/rbac/istio-version.yaml").string
        try await Cluster.server.kubectl(["apply", "-f", file])
        #expect(try await Cluster.kubectl("dave").istioControlPlanes().isEmpty)
        try await Cluster.bind("dave", to: "wasme-istio-version", in: "istio-system")
        #expect(try await Cluster.kubectl("dave").istioControlPlanes().map(\.version) == ["1.29.2"])
        #expect(try await !may("dave", "get", "deployments", in: "istio-system"))
        for verb in Self.secretVerbs {
            #expect(try await !may("dave", verb, "secrets", in: "istio-system"), "\(verb)")
        }
    }
}
