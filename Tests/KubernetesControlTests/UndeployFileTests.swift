// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import JSON
import KubernetesControl
import SystemPackage
import TestSupport
import Testing

/// `undeploy -f`, as a process, on a real API server.
@Suite(.requires(.kubernetes), .requires(.registry), .sharedCluster, .filterImage, .serialized)
struct UndeployFileTests {
    private static func document(_ name: String, _ image: String, _ target: String, value: Int = 1) -> String
    {
        """
        apiVersion: wasme.io/v1
        kind: FilterDeployment
        metadata: {name: \(name)}
        spec:
          filter: {image: "\(image)", config: {a: \(value)}, rootID: add_header}
          deployment: {\(target)}

        """
    }

    @Test func `every target of a file is left, the last one first, and what is not there is told`()
        async throws
    {
        try await Stage.run { stage in
            let space = try await Cluster.namespace()
            for target in VerbTarget.all { try await stage.prepare(target, in: space) }
            let documents = VerbTarget.all.map {
                Self.document("verbs", stage.image(for: $0), $0.first.replacing("SPACE", with: space))
            }
            let file = try stage.scratch.write("all.yaml", documents.joined(separator: "---\n")).string
            let made = try await stage.wasme(["deploy", "-f", file])
            try #require(made.status == 0, "\(made.stderr)")

            let planned = try await stage.wasme(["undeploy", "-f", file, "--dry-run"])
            #expect(planned.status == 0, "\(planned.stderr)")
            #expect(planned.stdout.hasSuffix("WasmPlugin \(space)/verbs would be deleted\n"))
            for target in VerbTarget.all {
                #expect(
                    try await stage.live(target, in: space)?["metadata"]?.description.contains("verbs")
                        == true)
            }

            let gone = try await stage.wasme(["undeploy", "-f", file])
            #expect(gone.status == 0, "\(gone.stderr)")
            let kinds = gone.stdout.split(separator: "\n").map { $0.prefix { $0 != " " } }
            #expect(
                kinds == [
                    "CiliumEnvoyConfig", "ServiceDefaults", "ContainerPatch", "MeshProxyPatch", "WasmPlugin",
                    "Gateway", "EnvoyExtensionPolicy", "WasmPlugin",
                ])
            for target in VerbTarget.all {
                let live = try await stage.live(target, in: space)
                if target.before == nil, target.word != "consul" {
                    #expect(live == nil, "\(target)")
                } else {
                    #expect(live?["spec"]?.description.contains("verbs") == false, "\(target)")
                }
            }

            let again = try await stage.wasme(["undeploy", "-f", file])
            #expect(again.status == 1)
            #expect(again.stdout == "")
            #expect(
                again.stderr.contains("note: there is no deployment \"verbs\" in namespace \"\(space)\""),
                "\(again.stderr)")
            #expect(again.stderr.contains("error: 7 of the file's deployments are not there"))
            #expect(again.stderr.contains("--ignore-not-found"))
            let ignored = try await stage.wasme(["undeploy", "-f", file, "--ignore-not-found"])
            #expect(ignored.status == 0, "\(ignored.stderr)")
        }
    }

    @Test func `what is not there stops nothing, and a failure says what is gone or brings it back`()
        async throws
    {
        try await Stage.run { stage in
            let space = try await Cluster.namespace()
            func file(_ names: [String], _ more: [String] = []) throws -> String {
                let documents = names.map {
                    Self.document($0, stage.image, "istio: {namespace: \(space), labels: {app: web}}")
                }
                return try stage.scratch.write(
                    "deployments.yaml", (documents + more).joined(separator: "---\n")
                ).string
            }
            func deploy() async throws {
                let made = try await stage.wasme(["deploy", "-f", try file(["one", "two"])])
                try #require(made.status == 0, "\(made.stderr)")
            }
            try await deploy()
            let some = try await stage.wasme(["undeploy", "-f", try file(["one", "never", "two"])])
            #expect(some.status == 1)
            #expect(
                some.stdout == "WasmPlugin \(space)/two deleted\nWasmPlugin \(space)/one deleted\n")
            #expect(
                some.stderr.contains("error: there is no deployment \"never\" in namespace \"\(space)\""),
                "\(some.stderr)")

            // Who may not look at the last one has undeployed the others before.
            try await Cluster.grant(
                "alice", "get,list,create,patch,delete",
                on: "wasmplugins.extensions.istio.io,envoyfilters.networking.istio.io", in: space)
            let consul = "consul: {namespace: \(space), service: web, module: {file: /m}}"
            let half =
                [Self.document("zero", stage.image, consul)]
                + ["one", "two"].map {
                    Self.document($0, stage.image, "istio: {namespace: \(space), labels: {app: web}}")
                }
            try await deploy()
            let back = try await stage.wasme(
                ["undeploy", "-f", try file([], half), "--atomic", "--ignore-not-found"], as: "alice")
            #expect(back.status == 77, "\(back)")
            #expect(
                back.stderr.contains("undeployed before that, and as it was again: \"two\", \"one\""),
                "\(back.stderr)")
            for name in ["one", "two"] {
                let live = try #require(try await Cluster.live(name, in: space))
                #expect(live.labels["wasme.io/id"] == name)
                #expect(live.json["spec"]?.object?["pluginConfig"]?.object?["a"] == .integer(1))
            }
            let stays = try await stage.wasme(["undeploy", "-f", try file([], half)], as: "alice")
            #expect(stays.stderr.contains("and gone: \"two\", \"one\""), "\(stays.stderr)")
            #expect(try await Cluster.live("one", in: space) == nil)

            for (more, words) in [
                (["-n", "elsewhere"], "--namespace says \"elsewhere\""),
                (["--git", ".", "--context", "east"], "--context is for clusters"),
                (["--git", ".", "--dry-run"], "--dry-run server asks a cluster"),
            ] {
                let refused = try await stage.wasme(["undeploy", "-f", try file(["one"])] + more)
                #expect(refused.status == 64, "\(refused)")
                #expect(refused.stderr.contains(words), "\(refused.stderr)")
            }
            let entry = Self.document(
                "one", stage.image, "consul: {service: web, form: hcl, module: {file: /m}}")
            let written = try await stage.wasme(["undeploy", "-f", try file([], [entry])])
            #expect(written.status == 64)
            #expect(written.stderr.contains("an entry of Consul's own"), "\(written.stderr)")
            let help = try await stage.wasme(["undeploy"])
            #expect(help.stdout.contains("wasme undeploy -f deployment.yaml"), "\(help)")
        }
    }

    @Test func `a file that is committed, and taken out, is one commit, or none`() async throws {
        try await Stage.run { stage in
            try Files.createDirectory(stage.scratch.appending("tmp"))
            let fleet = try await Repository.make(in: stage.scratch)
            let place = ["--git", fleet.root.appending("deploy").string]
            func run(
                _ verb: String, _ documents: [String], _ more: [String] = []
            ) async throws
                -> ProcessOutcome
            {
                let file = try stage.scratch.write("fleet.yaml", documents.joined(separator: "---\n"))
                return try await stage.wasme(
                    [verb, "-f", file.string] + place + more,
                    fleet.environment.merging(["KUBECONFIG": "/dev/null"]) { $1 })
            }
            let plugin = Self.document("one", stage.image, "istio: {namespace: shop, labels: {app: web}}")
            let lists = ["two", "three"].map { Self.document($0, stage.image, "gloo: {}") }
            // Consul has no phases: the last document cannot be rendered.
            let wrong = Self.document("four", stage.image, "consul: {service: s, module: {file: /m}}")
                .replacing(
                    "rootID: add_header", with: "rootID: add_header, phase: authn")
            let refused = try await run("deploy", [plugin] + lists + [wrong], ["--no-check"])
            #expect(refused.status == 64, "\(refused)")
            #expect(refused.stderr.contains("cannot express"), "\(refused.stderr)")
            #expect(try await fleet.count() == 1)
            #expect(try await fleet.git("status", "--porcelain") == "")

            let made = try await run("deploy", [plugin] + lists, ["--no-check"])
            #expect(made.status == 0, "\(made.stderr)")
            #expect(try await fleet.count() == 2)
            let shown = try await run("undeploy", [plugin] + lists, ["--dry-run", "client"])
            #expect(shown.stdout.contains("-kind: WasmPlugin"), "\(shown)")
            #expect(try await fleet.count() == 2)
            let gone = try await run("undeploy", [plugin] + lists)
            #expect(gone.status == 0, "\(gone.stderr)")
            #expect(try await fleet.count() == 3)
            #expect(
                try await fleet.message()
                    == "Undeploy three, two, one\n\nthree from gloo\ntwo from gloo\none from istio")
            #expect(
                try await fleet.changes() == [
                    "M deploy/gloo-system.gateway.gateway-proxy.yaml", "M deploy/kustomization.yaml",
                    "D deploy/shop.wasmplugin.one.yaml",
                ])
            let again = try await run("undeploy", [plugin] + lists)
            #expect(again.status == 1)
            #expect(again.stderr.contains("3 of the file's deployments are not there"), "\(again.stderr)")
            #expect(again.stdout == "unchanged: \"main\" has nothing of \"three\", \"two\", \"one\"\n")
            #expect(try await fleet.count() == 3)
        }
    }
}
