// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import KubernetesControl
import SystemPackage
import TestSupport
import Testing

/// `wasme migrate` on whole clusters, and on two of them, with real API servers and a real registry.
@Suite(
    .requires(.kubernetes), .requires(.registry), .ownCluster(.wasmPlugin, .envoyFilter, .glooGateway),
    .filterImage, .serialized)
struct MigrationClusterTests {
    private static let roles = "apiVersion: rbac.authorization.k8s.io/v1\n"

    private static func clusterRoles(_ cache: String, more: String = "") -> [String] {
        [
            roles + """
                kind: ClusterRole
                metadata: {name: wasme-operator, labels: {app: wasme-operator}}
                rules:
                - {apiGroups: [wasme.io], resources: [filterdeployments], verbs: [get, list, watch]}
                - {apiGroups: [''], resources: [secrets], verbs: [get, list, watch]}

                """,
            roles + """
                kind: ClusterRole
                metadata: {name: wasme-cache}
                rules: [{apiGroups: [''], resources: [events\(more)], verbs: [create]}]

                """,
            roles + """
                kind: ClusterRoleBinding
                metadata: {name: wasme-operator}
                roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: wasme-operator}
                subjects: [{kind: ServiceAccount, name: wasme-operator, namespace: \(cache)}]

                """,
        ]
    }

    @Test func `in all namespaces each filter is taken over where it is, and what only has a name stays`()
        async throws
    {
        try await MigrationStage.run { stage in
            let other = try await Cluster.namespace()
            try await stage.apply(
                [
                    stage.workload("web"), stage.filter("web"),
                    stage.workload("api").replacing("namespace: \(stage.space)", with: "namespace: \(other)"),
                    stage.filter("api", id: "late").replacing(
                        "namespace: \(stage.space)", with: "namespace: \(other)"),
                ] + stage.installation(images: [stage.image])
                    + Self.clusterRoles(stage.cache, more: ", pods"))
            // Somebody runs as the operator's account.
            try await stage.apply([
                """
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: ci, namespace: \(stage.cache)}
                spec:
                  selector: {matchLabels: {app: ci}}
                  template:
                    metadata: {labels: {app: ci}}
                    spec: {serviceAccountName: wasme-operator, containers: [{name: ci, image: a}]}

                """
            ])
            let planned = try await stage.migrate(["-A"], input: "")
            #expect(planned.status == 0, "\(planned.stderr)")
            for line in [
                "left alone: ClusterRole \"wasme-cache\": it is not as the original wrote it: it is for pods too",
                "left alone: ServiceAccount \"\(stage.cache)/wasme-operator\": Deployment \"\(stage.cache)/ci\" uses it",
                "would be deleted at the end: ClusterRole \"wasme-operator\"",
            ] { #expect(planned.stderr.contains(line), "\(line) is not in \(planned.stderr)") }

            let applied = try await stage.migrate(["-A", "--apply"], input: "")
            #expect(applied.status == 0, "\(applied.stderr)")
            let lines = applied.stdout.split(separator: "\n").map { String($0) }
            for line in [
                "WasmPlugin \(stage.space)/auth created", "EnvoyFilter \(stage.space)/web-auth deleted",
                "WasmPlugin \(other)/late created", "EnvoyFilter \(other)/api-late deleted",
                "Deployment \(stage.space)/web restored", "Deployment \(other)/api restored",
                "ClusterRole wasme-operator deleted", "ClusterRoleBinding wasme-operator deleted",
            ] { #expect(lines.contains(line), "\(line) is not in \(lines)") }
            #expect(!lines.contains { $0.hasPrefix("ClusterRole wasme-cache") })
            #expect(
                try await Cluster.server.kubectl(["get", "clusterrole", "wasme-cache", "-o", "name"])
                    .contains("wasme-cache"))
            let accounts = try await stage.names("serviceaccounts", in: stage.cache)
            #expect(accounts.contains("wasme-operator") && !accounts.contains("wasme-cache"))
            try await Cluster.server.kubectl(["delete", "clusterrole", "wasme-cache"])
        }
    }

    @Test func `two clusters are taken over one after the other`() async throws {
        try await MigrationStage.run { stage in
            try await KubernetesServer.run { west in
                let east = try Cluster.server
                let configuration = try stage.stage.scratch.write(
                    "clusters", Cluster.contexts(east: east, west: west))
                let definitions = try await east.kubectl(["get", "crds", "-o", "name"])
                try #require(definitions.contains("envoyfilters"))
                try await west.kubectl(["create", "namespace", stage.space])
                try await Cluster.define([.wasmPlugin, .envoyFilter], on: west)
                try await stage.apply(
                    [stage.filter("web")] + stage.installation(images: [stage.image]))
                try await west.kubectl(
                    ["apply", "--validate=false", "-f", "-"], input: stage.filter("web", id: "far"))
                let arguments = [
                    "--context", "east,west", "--kubeconfig", configuration.string, "--image", stage.image,
                    "--apply",
                ]
                let applied = try await stage.migrate(arguments)
                #expect(applied.status == 0, "\(applied.stderr)")
                for line in [
                    "WasmPlugin \(stage.space)/auth (context east) created",
                    "EnvoyFilter \(stage.space)/web-auth (context east) deleted",
                    "DaemonSet \(stage.cache)/wasme-cache (context east) deleted",
                    "WasmPlugin \(stage.space)/far (context west) created",
                    "EnvoyFilter \(stage.space)/web-far (context west) deleted",
                ] { #expect(applied.stdout.contains("\(line)\n"), "\(line) is not in \(applied.stdout)") }
                #expect(
                    try await west.kubectl(["get", "wasmplugins", "-n", stage.space, "-o", "name"])
                        == "wasmplugin.extensions.istio.io/far\n")
                let again = try await stage.migrate(arguments)
                #expect(again.stdout == "", "\(again)")
            }
        }
    }

    @Test func `a pull secret goes with the deployment if Istio can use it, and stops it if not`()
        async throws
    {
        try await MigrationStage.run { stage in
            try await stage.apply([
                stage.deployment("limit").replacing(
                    "    rootID: add_header",
                    with: "    rootID: add_header\n    imagePullOptions: {pullSecret: regcred}")
            ])
            func secret(_ arguments: [String]) async throws {
                try await Cluster.server.kubectl(
                    ["create", "secret"] + arguments + ["-n", stage.space])
            }
            // As the original wanted it: an opaque one with a name and a password.
            try await secret([
                "generic", "regcred", "--from-literal=username=anna", "--from-literal=password=s3cret-Word",
            ])
            let refused = try await stage.migrate(["--apply"])
            #expect(refused.status == 1, "\(refused)")
            #expect(
                refused.stderr.contains("the secret \"regcred\" is of type \"Opaque\""), "\(refused.stderr)")
            #expect(!refused.stderr.contains("s3cret") && !refused.stdout.contains("s3cret"))
            #expect(refused.stderr.contains("nothing was changed"))
            #expect(try await Cluster.live("limit", in: stage.space) == nil)

            try await Cluster.server.kubectl(["delete", "secret", "regcred", "-n", stage.space])
            try await secret([
                "docker-registry", "regcred", "--docker-server=\(stage.image.prefix { $0 != "/" })",
                "--docker-username=anna", "--docker-password=s3cret-Word",
            ])
            let applied = try await stage.migrate(["--apply"])
            #expect(applied.status == 0, "\(applied.stderr)")
            #expect(
                applied.stdout.hasPrefix(
                    "WasmPlugin \(stage.space)/limit created\nFilterDeployment \(stage.space)/limit deleted\n"
                ))
            #expect(!applied.stderr.contains("s3cret") && !applied.stdout.contains("s3cret"))
            let live = try await Cluster.live("limit", in: stage.space)
            #expect(live?.json["spec"]?.object?["imagePullSecret"] == .string("regcred"))
        }
    }
}
