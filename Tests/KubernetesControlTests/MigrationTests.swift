// SPDX-License-Identifier: Apache-2.0

import Files
import JSON
import KubernetesControl
import SystemPackage
import TestSupport
import Testing

/// `wasme migrate` on a real API server and a real registry.
@Suite(
    .requires(.kubernetes), .requires(.registry), .ownCluster(.wasmPlugin, .envoyFilter, .glooGateway),
    .filterImage, .serialized)
struct MigrationTests {
    @Test func `what the original left is planned, taken over, and gone at the end`() async throws {
        try await MigrationStage.run { stage in
            let space = stage.space
            let kept = #"[{"name":"tmp","emptyDir":{}}]"#
            try await stage.apply(
                [
                    stage.workload("web", kept: kept), stage.workload("api", kind: "StatefulSet"),
                    stage.filter("api"), stage.deployment("limit"),
                    stage.filter("other", id: "mine").replacing(
                        "/var/local/lib/wasme-cache", with: "/opt/filters"),
                ] + stage.installation(images: ["\(stage.image)", "localhost:1/gone:v1"]))
            let uid = try await Cluster.server.kubectl([
                "get", "filterdeployment", "limit", "-n", space, "-o", "jsonpath={.metadata.uid}",
            ])
            let owner = "{apiVersion: wasme.io/v1, kind: FilterDeployment, name: limit, uid: \(uid)}"
            try await stage.apply([stage.filter("web", id: "limit", owner: owner)])

            let before = try await stage.state()
            let planned = try await stage.migrate()
            #expect(planned.status == 0, "\(planned.stderr)")
            #expect(planned.stdout.contains("name: limit\n"))
            #expect(planned.stdout.contains("name: auth\n"))
            #expect(planned.stdout.contains("config: '{\"b\": 2}'"))
            for line in [
                "would be deleted: FilterDeployment \"\(space)/limit\", once \"limit\" is deployed",
                "would be deleted: EnvoyFilter \"\(space)/web-limit\"",
                "would be deleted: EnvoyFilter \"\(space)/api-auth\", once \"auth\" is deployed",
                "would be changed: StatefulSet \"\(space)/api\", whose pods restart",
                "sidecar.istio.io/userVolume becomes \(kept)",
                "would be deleted at the end: DaemonSet \"\(stage.cache)/wasme-cache\"",
                "would be deleted at the end: CustomResourceDefinition \"filterdeployments.wasme.io\"",
                "\"localhost:1/gone:v1\" cannot be read",
            ] { #expect(planned.stderr.contains(line), "\(line) is not in \(planned.stderr)") }
            #expect(!planned.stderr.contains("other-mine"))
            #expect(try await stage.state() == before)

            // The documents are what a deploy of files takes.
            let dry = try await stage.stage.wasme(["deploy", "-f", "-", "--dry-run"], input: planned.stdout)
            #expect(dry.stdout.contains("WasmPlugin \(space)/auth would be created"), "\(dry.stderr)")

            let applied = try await stage.migrate(["--apply"])
            #expect(applied.status == 0, "\(applied.stderr)")
            #expect(
                applied.stdout.split(separator: "\n") == [
                    "WasmPlugin \(space)/limit created", "FilterDeployment \(space)/limit deleted",
                    "EnvoyFilter \(space)/web-limit deleted", "WasmPlugin \(space)/auth created",
                    "EnvoyFilter \(space)/api-auth deleted", "Deployment \(space)/web restored",
                    "StatefulSet \(space)/api restored", "Deployment \(stage.cache)/wasme-operator deleted",
                    "DaemonSet \(stage.cache)/wasme-cache deleted",
                    "ConfigMap \(stage.cache)/wasme-cache deleted",
                    "RoleBinding \(stage.cache)/wasme-cache deleted",
                    "Role \(stage.cache)/wasme-cache deleted",
                    "ServiceAccount \(stage.cache)/wasme-cache deleted",
                    "ServiceAccount \(stage.cache)/wasme-operator deleted",
                    "CustomResourceDefinition filterdeployments.wasme.io deleted",
                ], "\(applied.stdout)")
            #expect(try await stage.names("envoyfilters") == ["other-mine"])
            #expect(try await stage.annotations("deployment/web") == ["sidecar.istio.io/userVolume": kept])
            #expect(try await stage.annotations("statefulset/api") == ["team": "edge"])
            let live = try #require(try await Cluster.live("auth", in: space))
            let spec = live.json["spec"]?.object
            #expect(spec?["selector"]?.object?["matchLabels"]?.object?["app"] == .string("api"))
            #expect(spec?["pluginConfig"]?.object?["a"] == .integer(1))
            #expect(live.annotations["wasme.io/deployed-by"] == "anna@build-1")

            let after = try await stage.state()
            let again = try await stage.migrate(["--apply"])
            #expect(again.status == 0, "\(again.stderr)")
            #expect(again.stdout == "")
            #expect(again.stderr.contains("nothing of the original wasme is there"), "\(again.stderr)")
            #expect(try await stage.state() == after)
        }
    }

    @Test func `filters that were edited stay, with all that they need`() async throws {
        try await MigrationStage.run { stage in
            let space = stage.space
            try await stage.apply(
                [
                    stage.workload("web"), stage.workload("api"), stage.filter("web"),
                    stage.filter("api", id: "log", operation: "INSERT_FIRST"),
                ] + stage.installation(images: [stage.image]))
            let kept = try await stage.migrate(["--apply", "--keep-old"])
            #expect(kept.stdout == "WasmPlugin \(space)/auth created\n", "\(kept.stderr)")
            #expect(try await stage.names("envoyfilters") == ["api-log", "web-auth"])

            let applied = try await stage.migrate(["--apply"])
            #expect(applied.status == 0, "\(applied.stderr)")
            #expect(
                applied.stdout.split(separator: "\n") == [
                    "WasmPlugin \(space)/auth unchanged", "EnvoyFilter \(space)/web-auth deleted",
                    "Deployment \(space)/web restored",
                ])
            for line in [
                "left alone: EnvoyFilter \"\(space)/api-log\": the field \"operation\" in \"the patch\" is \"INSERT_FIRST\"",
                "stays as it is: Deployment \"\(space)/api\"",
                "the cache and the operator stay: EnvoyFilter \"\(space)/api-log\" runs a module of it",
            ] { #expect(applied.stderr.contains(line), "\(line) is not in \(applied.stderr)") }
            #expect(try await stage.names("daemonsets", in: stage.cache) == ["wasme-cache"])
            #expect(try await stage.annotations("deployment/api").count == 3)
        }
    }

    @Test func `images are found by the digest of the module, also inside a layer, or asked for`()
        async throws
    {
        try await MigrationStage.run { stage in
            let space = stage.space
            try await stage.apply(
                [stage.filter("web"), stage.filter("api", id: "limit", module: stage.packedModule)]
                    + stage.installation(images: [stage.image]))
            let unknown = try await stage.migrate(["--apply"])
            #expect(unknown.status == 1)
            #expect(unknown.stdout.contains("WasmPlugin \(space)/auth created"), "\(unknown.stderr)")
            #expect(
                unknown.stderr.contains(
                    "error: the image of EnvoyFilter \"\(space)/api-limit\" is not known: no image holds the module sha256:\(stage.packedModule)"
                ), "\(unknown.stderr)")
            #expect(unknown.stderr.contains("name the image with --image"))
            #expect(try await stage.names("envoyfilters") == ["api-limit"])
            #expect(try await stage.names("daemonsets", in: stage.cache) == ["wasme-cache"])

            let json = try await stage.migrate(["--image", stage.packed, "--format", "json"])
            #expect(json.status == 0, "\(json.stderr)")
            let document = try JSONValue(parsing: json.stdout).object?["documents"]?.array?.first?.object
            #expect(document?["image"] == .string(stage.packed))
            #expect(document?["digest"]?.string?.hasPrefix("sha256:") == true)
            #expect(document?["replaces"]?.array?.count == 1)
            // The operator is for all namespaces.
            let elsewhere = stage.deployment("else").replacing(space, with: stage.cache)
            try await stage.apply([elsewhere])
            let found = try await stage.migrate(["--image", stage.packed, "--apply"])
            #expect(found.status == 0, "\(found.stderr)")
            #expect(found.stdout.hasPrefix("WasmPlugin \(space)/limit created\n"))
            #expect(try await stage.names("daemonsets", in: stage.cache) == [])
            #expect(try await stage.names("deployments", in: stage.cache) == ["wasme-operator"])
            #expect(
                found.stderr.contains(
                    "the operator stays: it is for FilterDeployment \"\(stage.cache)/else\" too"))
            try await Cluster.server.kubectl(["delete", "filterdeployment", "else", "-n", stage.cache])

            let wrong = try await stage.migrate(["--image", "localhost:1/gone:v1"])
            #expect(wrong.status == 0, "without filters no image is looked at: \(wrong.stderr)")
        }
    }

    @Test
    func `a filter of a gateway of Gloo is taken over where others own its list only if that is asked for`()
        async throws
    {
        try await MigrationStage.run { stage in
            try await stage.apply([
                """
                apiVersion: gateway.solo.io/v1
                kind: Gateway
                metadata: {name: gateway-proxy, namespace: \(stage.space)}
                spec: {httpGateway: {options: {wasm: {filters: [{image: "\(stage.image)", name: auth, rootId: add_header, vmType: V8, config: hi}, {image: "a/b:v1", name: b, vmType: V8, filePath: /x}]}}}}

                """
            ])
            let refused = try await stage.migrate(["--apply"])
            #expect(refused.status == 1, "\(refused.stderr)")
            #expect(refused.stderr.contains("--force-conflicts"), "\(refused.stderr)")
            let taken = try await stage.migrate(["--apply", "--force-conflicts"])
            #expect(taken.status == 0, "\(taken.stderr)")
            #expect(taken.stdout.hasPrefix("Gateway \(stage.space)/gateway-proxy configured\n"))
            let names = try await Cluster.server.kubectl([
                "get", "gateways.gateway.solo.io", "gateway-proxy", "-n", stage.space, "-o",
                "jsonpath={.spec.httpGateway.options.wasm.filters[*].name}",
            ])
            #expect(names == "auth b")
            let again = try await stage.migrate(["--apply", "--force-conflicts"])
            #expect(again.stdout == "", "\(again.stderr)")
        }
    }

    @Test func `files are read as kubectl prints them, and change nothing`() async throws {
        try await MigrationStage.run { stage in
            try await stage.apply(
                [stage.workload("web"), stage.filter("web")] + stage.installation(images: [stage.image]))
            let before = try await stage.state()
            for format in ["yaml", "json"] {
                let text = try await Cluster.server.kubectl([
                    "get", "envoyfilters,deployments", "-n", stage.space, "-o", format,
                ])
                let found = try await stage.migrate(["-f", "-", "--image", stage.image], input: text)
                #expect(found.status == 0, "\(found.stderr)")
                #expect(found.stdout.contains("namespace: \(stage.space)"))
                #expect(found.stderr.contains("would be changed: Deployment \"\(stage.space)/web\""))
            }
            #expect(try await stage.state() == before)
            for (arguments, reason) in [
                (["-f", "-", "--apply"], "--apply reads the cluster"),
                (["-f", "-", "--context", "a"], "--context is for clusters"),
                (["--keep-old"], "needs --apply"),
                (["--cache", "x"], "says not where the cache is"),
            ] {
                let refused = try await stage.migrate(arguments, input: "kind: [")
                #expect(refused.status == 64)
                #expect(refused.stderr.contains(reason), "\(refused.stderr)")
            }
            let broken = try await stage.migrate(["-f", "-"], input: "kind: [")
            #expect(broken.status == 64)
            #expect(broken.stderr.contains("standard input:2:1: did not find"), "\(broken.stderr)")
        }
    }
}
