// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import JSON
import KubernetesControl
import SystemPackage
import TestSupport
import Testing

/// The verbs for Istio, as processes, on a real API server and a real registry.
@Suite(.requires(.kubernetes), .requires(.registry), .kubernetesServer, .serialized) struct CommandTests {
    private struct Stage: Sendable {
        let scratch: ScratchDirectory
        let image: String
        let environment: [String: String]

        func wasme(_ arguments: [String]) async throws -> ProcessOutcome {
            try await run(
                buildFolder.appending("wasme"), arguments, environment: environment, in: scratch.path)
        }
    }

    private func stage(_ work: @Sendable (Stage) async throws -> Void) async throws {
        try await Cluster.define()
        let scratch = try ScratchDirectory("commands")
        try await DockerRegistry.run { registry in
            let stage = Stage(
                scratch: scratch, image: "\(registry.address)/acme/add-header:v1",
                environment: [
                    "WASME_HOME": scratch.appending("home").string, "HOME": scratch.path.string,
                    "DOCKER_CONFIG": scratch.appending("docker").string, "WASME_WHO": "anna@build-1",
                    "KUBECONFIG": try Cluster.server.administrator.string,
                ])
            let module = scratch.appending("filter.wasm")
            try Files.replace(module, with: TinyFilter().bytes)
            for arguments in [
                ["build", "precompiled", module.string, "-t", stage.image, "--root-id", "add_header"],
                ["push", stage.image],
            ] {
                let outcome = try await stage.wasme(arguments)
                try #require(outcome.status == 0, "\(outcome.stderr)")
            }
            try await work(stage)
        }
    }

    @Test func `a filter is deployed, compared, changed, rolled back and undeployed`() async throws {
        try await stage { stage in
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
        try await stage { stage in
            let space = try await Cluster.namespace()
            func deploy(
                _ more: [String], _ environment: [String: String] = [:]
            ) async throws -> ProcessOutcome {
                try await run(
                    buildFolder.appending("wasme"),
                    ["deploy", "istio", stage.image, "--id", "add-header"] + more,
                    environment: stage.environment.merging(environment) { $1 }, in: stage.scratch.path)
            }
            let unproved = try await deploy(["-n", space, "-l", "app=web", "--wait", "--timeout", "1s"])
            #expect(unproved.status == 1)
            #expect(unproved.stderr.contains("selects no pod in namespace \"\(space)\""))
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
            let denied = try await deploy(
                ["-n", space, "-l", "app=web"],
                ["KUBECONFIG": try Cluster.server.configuration(for: "alice").string])
            #expect(denied.status == 77)
            #expect(
                denied.stderr.contains(
                    "may not get wasmplugins.extensions.istio.io in namespace \"\(space)\""))
        }
    }

    @Test func `without a cluster the objects go into a folder, or to standard output`() async throws {
        try await stage { stage in
            let arguments = [
                "deploy", "istio", stage.image, "--id", "add-header", "-n", "shop", "-l", "app=web",
            ]
            let alone = [
                "KUBECONFIG": "/dev/null", "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "",
            ]
            let printed = try await run(
                buildFolder.appending("wasme"), arguments + ["--dry-run", "client"],
                environment: stage.environment.merging(alone) { $1 }, in: stage.scratch.path)
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
}
