// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import JSON
import KubernetesControl
import SystemPackage
import TestSupport
import Testing

/// The verbs for Istio, as processes, on a real API server and a real registry.
@Suite(.requires(.kubernetes), .requires(.registry), .sharedCluster, .filterImage, .serialized)
struct CommandTests {
    @Test func `a filter is deployed, compared, changed, rolled back and undeployed`() async throws {
        try await Stage.run { stage in
            let space = try await Cluster.namespace()
            let place = ["-n", space, "--id", "add-header", "-l", "app=web"]
            func deploy(_ value: Int, _ more: [String] = []) async throws -> ProcessOutcome {
                try await stage.wasme(
                    ["deploy", "istio", stage.image, "--config", "{\"a\": \(value)}"] + place + more)
            }
            func live() async throws -> JSONValue? {
                try await Cluster.live(in: space)?.json["spec"]?.object?["pluginConfig"]?.object?["a"]
            }
            let first = try await deploy(1)
            #expect(first.status == 0, "\(first.stderr)")
            #expect(first.stdout == "WasmPlugin \(space)/add-header created\n")
            #expect(try await deploy(1).stdout == "WasmPlugin \(space)/add-header unchanged\n")
            let planned = try await deploy(2, ["--dry-run", "server"])
            #expect(
                planned.stdout
                    == "WasmPlugin \(space)/add-header would be configured\n  - spec.pluginConfig.a: 1\n  + spec.pluginConfig.a: 2\n"
            )
            #expect(try await live() == .integer(1))
            #expect(try await deploy(2).status == 0)
            #expect(try await live() == .integer(2))

            let history = try await stage.wasme(["history", "istio", "add-header", "-n", space])
            let rows = history.stdout.split(separator: "\n")
            #expect(rows.count == 3)
            #expect(rows.last?.hasPrefix("*  add-header  2") == true)
            #expect(rows.last?.contains("anna@build-1") == true)

            let back = try await stage.wasme(["rollback", "istio", "add-header", "-n", space])
            #expect(back.status == 0, "\(back.stderr)")
            #expect(try await live() == .integer(1))
            #expect(try await Cluster.live(in: space)?.json["spec"]?.object?["selector"] != nil)

            let gone = try await stage.wasme(["undeploy", "istio", "add-header", "-n", space])
            #expect(gone.stdout == "WasmPlugin \(space)/add-header deleted\n")
            let again = try await stage.wasme(["undeploy", "istio", "add-header", "-n", space])
            #expect(again.status == 1)
            #expect(again.stderr.contains("there is no deployment \"add-header\" in namespace \"\(space)\""))
        }
    }

    @Test func `what cannot be proved, reached or written is told with what to do`() async throws {
        try await Stage.run { stage in
            let space = try await Cluster.namespace()
            func deploy(
                _ more: [String], _ environment: [String: String] = [:]
            ) async throws -> ProcessOutcome {
                try await stage.wasme(
                    ["deploy", "istio", stage.image, "--id", "add-header"] + more, environment)
            }
            let unproved = try await deploy(["-n", space, "-l", "app=web", "--wait", "--timeout", "1s"])
            #expect(unproved.status == 1)
            #expect(
                unproved.stderr.contains(
                    "selects no pod: there are no pods in namespace \"\(space)\" yet, so no proxy runs it; looked for pods with app=web in namespace \"\(space)\""
                ),
                "\(unproved.stderr)")
            #expect(
                unproved.stderr.contains("help: take it back: wasme undeploy istio add-header -n \(space)"))
            let missing = try await deploy(["-n", "nowhere", "-l", "app=web"])
            #expect(missing.status == 1)
            #expect(missing.stderr.contains("there is no namespace \"nowhere\""))
            let unreachable = try await deploy(
                ["-n", space, "-l", "app=web"], ["KUBECONFIG": stage.scratch.appending("none").string])
            #expect(unreachable.status == 64 || unreachable.status == 69, "\(unreachable)")
            let long = try await deploy(["-n", space, "--id", String(repeating: "a", count: 64)])
            #expect(long.status == 64)
            #expect(long.stderr.contains("has 64 characters"))
            let denied = try await stage.deploy(["-n", space, "-l", "app=web"], as: "alice")
            #expect(denied.status == 77)
            #expect(
                denied.stderr.contains(
                    "may not get wasmplugins.extensions.istio.io in namespace \"\(space)\""))
        }
    }

    @Test func `without a cluster the objects go into a folder, or to standard output`() async throws {
        try await Stage.run { stage in
            let arguments = [
                "deploy", "istio", stage.image, "--id", "add-header", "-n", "shop", "-l", "app=web",
            ]
            let printed = try await stage.wasme(
                arguments + ["--dry-run", "client"], ["KUBECONFIG": "/dev/null"])
            #expect(printed.status == 0, "\(printed.stderr)")
            #expect(printed.stdout.contains("kind: WasmPlugin"))
            let written = try await stage.wasme(arguments + ["--output", "objects"])
            #expect(written.status == 0, "\(written.stderr)")
            let names = try Files.contents(stage.scratch.appending("objects")).sorted()
            #expect(names == ["kustomization.yaml", "shop.wasmplugin.add-header.yaml"])
            let file = try await stage.wasme(arguments + ["--print-deployment"])
            #expect(file.stdout.contains("kind: FilterDeployment"))
        }
    }

    @Test func `what the target's version does not take is refused before anything is applied`() async throws
    {
        try await Stage.run { stage in
            let space = try await Cluster.namespace()
            let image = stage.image.replacing("add-header", with: "broken")
            try await stage.build(image, TinyFilter(flaw: .missingImport), ["--no-check"])
            let arguments = ["deploy", "istio", image, "--id", "add-header", "-n", space, "-l", "app=web"]
            let refused = try await stage.wasme(arguments)
            #expect(refused.status == 1)
            #expect(refused.stderr.contains("does not take \"\(image)\": "), "\(refused.stderr)")
            #expect(refused.stderr.contains("no_such_hostcall"))
            #expect(refused.stderr.contains("--no-check deploys it all the same"))
            #expect(try await Cluster.live(in: space) == nil)
            let dry = try await stage.wasme(arguments + ["--output", "refused"])
            #expect(dry.status == 1)
            #expect(Files.kind(stage.scratch.appending("refused")) == nil)
            let named = try await stage.wasme(arguments + ["--target-version", "1.24"])
            #expect(named.stderr.contains("Istio 1.24 does not take"), "\(named.stderr)")
            let forced = try await stage.wasme(arguments + ["--no-check"])
            #expect(forced.stdout == "WasmPlugin \(space)/add-header created\n", "\(forced.stderr)")
        }
    }

    @Test func `a file deploys to the cluster and namespace that it names, as the command line does`()
        async throws
    {
        try await Stage.run { stage in
            let space = try await Cluster.namespace()
            let file = stage.scratch.appending("deployment.yaml")
            let printed = try await stage.wasme([
                "deploy", "istio", stage.image, "-n", space, "--id", "add-header", "-l", "app=web",
                "--config",
                "{\"a\": 1}", "--print-deployment",
            ])
            try #require(printed.status == 0, "\(printed.stderr)")
            try Files.replace(file, with: Array(printed.stdout.utf8))
            let planned = try await stage.wasme(["deploy", "-f", file.string, "--dry-run"])
            #expect(
                planned.stdout.hasPrefix("WasmPlugin \(space)/add-header would be created\n"),
                "\(planned.stderr)")
            #expect(try await Cluster.live(in: space) == nil)
            let first = try await stage.wasme(["deploy", "-f", file.string])
            #expect(first.stdout == "WasmPlugin \(space)/add-header created\n", "\(first.stderr)")
            let spec = try await Cluster.live(in: space)?.json["spec"]?.object
            #expect(spec?["pluginConfig"]?.object?["a"] == .integer(1))
            #expect(spec?["selector"]?.object?["matchLabels"]?.object?["app"] == .string("web"))
            // The same as from the command line: nothing is left to change.
            let again = try await stage.wasme([
                "deploy", "istio", stage.image, "-n", space, "--id", "add-header", "-l", "app=web",
                "--config",
                "{\"a\": 1}",
            ])
            #expect(again.stdout == "WasmPlugin \(space)/add-header unchanged\n", "\(again.stderr)")
            let written = try await stage.wasme(["deploy", "-f", file.string, "--output", "from-file"])
            #expect(written.status == 0, "\(written.stderr)")
            #expect(
                try Files.contents(stage.scratch.appending("from-file")).sorted()
                    == ["kustomization.yaml", "\(space).wasmplugin.add-header.yaml"])
        }
    }

    @Test func `a file whose options or documents do not fit together is refused before anything is done`()
        async throws
    {
        try await Stage.run { stage in
            let space = try await Cluster.namespace()
            func document(_ name: String, _ space: String) -> String {
                """
                apiVersion: wasme.io/v1
                kind: FilterDeployment
                metadata: {name: \(name)}
                spec:
                  filter: {image: "\(stage.image)"}
                  deployment: {istio: {namespace: \(space), labels: {app: web}}}

                """
            }
            func deploy(_ documents: [String], _ more: [String] = []) async throws -> ProcessOutcome {
                let file = stage.scratch.appending("deployments.yaml")
                try Files.replace(file, with: Array(documents.joined(separator: "---\n").utf8))
                return try await stage.wasme(["deploy", "-f", file.string] + more)
            }
            let other = try await deploy([document("one", space)], ["-n", "elsewhere"])
            #expect(other.status == 64)
            #expect(other.stderr.contains("--namespace says \"elsewhere\""), "\(other.stderr)")
            let probed = try await deploy([document("one", space)], ["--probe", "GET /"])
            #expect(probed.status == 64)
            #expect(probed.stderr.contains("--probe is for Envoys that stand alone"), "\(probed.stderr)")
            let nodes = document("two", space).replacing(
                "istio: {namespace: \(space), labels: {app: web}}",
                with:
                    "cilium: {namespace: \(space), services: [{name: web, namespace: \(space)}], modulePath: /wasm/f.wasm}"
            )
            let waits = try await deploy([document("one", space), nodes], ["--wait"])
            #expect(waits.status == 64)
            #expect(
                waits.stderr.contains("--wait cannot be kept for \"two\": the admin interface"),
                "\(waits.stderr)")
            let twice = try await deploy([document("one", space), document("one", space)])
            #expect(twice.status == 64)
            #expect(twice.stderr.contains("\"one\" is in this file twice"), "\(twice.stderr)")
            #expect(try await Cluster.live("one", in: space) == nil)
            // What is done before another document fails is named.
            let half = try await deploy([document("one", space), document("two", "nowhere")])
            #expect(half.status == 1)
            #expect(half.stdout == "WasmPlugin \(space)/one created\n")
            #expect(half.stderr.contains("deployed before that, and still there: \"one\""), "\(half.stderr)")
        }
    }
}
