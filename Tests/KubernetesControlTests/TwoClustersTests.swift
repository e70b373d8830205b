// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import JSON
import KubernetesControl
import SystemPackage
import TestSupport
import Testing

/// One deploy to two real clusters, of which the second goes away half-way.
@Suite(
    .requires(.kubernetes), .requires(.registry), .sharedCluster, .filterImage, .westernCluster, .serialized)
struct TwoClustersTests {
    /// Two API servers as the contexts "east", that of the suite, and "west".
    private struct Clusters: Sendable {
        let east: KubernetesServer
        let west: KubernetesServer
        let configuration: FilePath

        /// What a cluster has of the deployment.
        func configured(_ server: KubernetesServer, in space: String) async throws -> JSONValue? {
            let text = try await server.kubectl([
                "get", Kind.wasmPlugin.resource, "add-header", "-n", space, "--ignore-not-found", "-o",
                "json",
            ])
            guard !text.isEmpty else { return nil }
            return try JSONValue(parsing: text).object?["spec"]?.object?["pluginConfig"]?.object?["a"]
        }
    }

    private static func run(
        _ work: @Sendable (Stage, Clusters, _ space: String) async throws -> Void
    ) async throws {
        try await Stage.run { stage in
            let (east, west) = (try Cluster.server, try #require(WesternCluster.server))
            let configuration = try stage.scratch.write("clusters", Cluster.contexts(east: east, west: west))
            let space = try await Cluster.namespace()
            try await west.kubectl(["create", "namespace", space])
            try await work(stage, Clusters(east: east, west: west, configuration: configuration), space)
        }
    }

    /// Longer than a server that is there takes on a busy machine, and shorter than kubectl's own patience with a handshake.
    private static let limit = "8s"

    /// Deploys while the western API server goes away right before it is written to in earnest.
    private static func deployWithLoss(
        _ stage: Stage, _ clusters: Clusters, _ arguments: [String]
    ) async throws -> ProcessOutcome {
        let real = try #require(Tool.kubectl.path)
        let asks = stage.scratch.appending("asks-\(Files.randomName())")
        let goes = stage.scratch.appending("goes-\(Files.randomName())")
        let script = try stage.scratch.program(
            "kubectl-\(Files.randomName())",
            """
            case "$*" in *dry-run*) ;; *west*apply*)
              : >"\(asks)"
              while [ ! -e "\(goes)" ]; do sleep 0.05; done ;;
            esac
            exec "\(real)" "$@"
            """)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while Files.kind(asks) == nil { try await Task.sleep(for: .milliseconds(20)) }
                clusters.west.suspend()
                try Files.replace(goes, with: [])
            }
            defer {
                group.cancelAll()
                clusters.west.resume()
            }
            return try await stage.deploy(
                arguments,
                ["WASME_KUBECTL": script.string, "KUBECONFIG": clusters.configuration.string])
        }
    }

    @Test func `when the second cluster goes away, the first is as it was with --atomic`() async throws {
        try await Self.run { stage, clusters, space in
            let both = ["-n", space, "-l", "app=web", "--context", "east,west"]
            let environment = ["KUBECONFIG": clusters.configuration.string]
            let first = try await stage.deploy(both + ["--config", "{\"a\": 1}"], environment)
            #expect(first.status == 0, "\(first.stderr)")
            for server in [clusters.east, clusters.west] {
                #expect(try await clusters.configured(server, in: space) == .integer(1))
            }
            let lost = try await Self.deployWithLoss(
                stage, clusters,
                both + ["--config", "{\"a\": 2}", "--atomic", "--request-timeout", Self.limit])
            #expect(lost.status == 69, "\(lost.stderr)")
            #expect(lost.stderr.contains("what was changed before is as it was"), "\(lost.stderr)")
            #expect(lost.stderr.contains("(context \"west\")") || lost.stderr.contains("context \"west\""))
            #expect(try await clusters.configured(clusters.east, in: space) == .integer(1))

            // What is new goes again.
            let new = try await Self.deployWithLoss(
                stage, clusters,
                ["-n", space, "-l", "app=web", "--context", "east,west", "--id", "fresh", "--atomic"]
                    + ["--request-timeout", Self.limit])
            #expect(new.status == 69, "\(new.stderr)")
            let left = try await clusters.east.kubectl([
                "get", Kind.wasmPlugin.resource, "-n", space, "-o", "name",
            ])
            #expect(left == "wasmplugin.extensions.istio.io/add-header\n")
        }
    }

    @Test func `without --atomic the error names what was changed, and its command takes that back`()
        async throws
    {
        try await Self.run { stage, clusters, space in
            let both = ["-n", space, "-l", "app=web", "--context", "east,west"]
            let environment = ["KUBECONFIG": clusters.configuration.string]
            let first = try await stage.deploy(both + ["--config", "{\"a\": 1}"], environment)
            #expect(first.status == 0, "\(first.stderr)")
            let lost = try await Self.deployWithLoss(
                stage, clusters, both + ["--config", "{\"a\": 2}", "--request-timeout", Self.limit])
            #expect(lost.status == 69, "\(lost.stderr)")
            #expect(
                lost.stderr.contains(
                    "already changed: WasmPlugin \"\(space)/add-header\" of context \"east\""),
                "\(lost.stderr)")
            #expect(try await clusters.configured(clusters.east, in: space) == .integer(2))
            let command = try #require(
                lost.stderr.firstMatch(of: /take back what was changed with 'wasme ([^']*)'/))
            #expect(command.1 == "rollback istio add-header -n \(space) --context east")
            let back = try await stage.wasme(command.1.split(separator: " ").map { String($0) }, environment)
            #expect(back.status == 0, "\(back.stderr)")
            #expect(try await clusters.configured(clusters.east, in: space) == .integer(1))

            // What was not there before goes by undeploy, and only from where it came to.
            let fresh = try await Self.deployWithLoss(
                stage, clusters, both + ["--id", "fresh", "--request-timeout", Self.limit])
            let undo = try #require(
                fresh.stderr.firstMatch(of: /take back what was changed with 'wasme ([^']*)'/),
                "\(fresh.stderr)")
            #expect(undo.1 == "undeploy istio fresh -n \(space) --context east")
            let gone = try await stage.wasme(undo.1.split(separator: " ").map { String($0) }, environment)
            #expect(gone.stdout == "WasmPlugin \(space)/fresh (context east) deleted\n", "\(gone.stderr)")
        }
    }
}

/// Runs a suite with a second API server, `WesternCluster.server`, that knows Istio's plugin.
private struct WesternCluster: SuiteTrait, TestScoping {
    @TaskLocal static var server: KubernetesServer?

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await KubernetesServer.run { server in
            try await Cluster.define([.wasmPlugin], on: server)
            try await Self.$server.withValue(server) { try await function() }
        }
    }
}

extension Trait where Self == WesternCluster {
    fileprivate static var westernCluster: Self { WesternCluster() }
}
