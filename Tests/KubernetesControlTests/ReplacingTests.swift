// SPDX-License-Identifier: Apache-2.0

import JSON
import TestSupport
import Testing

/// A deployment that has to be said by other objects than before: it never runs twice.
@Suite(.requires(.kubernetes), .requires(.registry), .sharedCluster, .filterImage, .serialized)
struct ReplacingTests {
    private static func names(in space: String) async throws -> [String] {
        try await Cluster.server.kubectl([
            "get", "wasmplugins.extensions.istio.io,envoyfilters.networking.istio.io", "-n", space, "-o",
            "name",
        ]).split(separator: "\n").map { String($0.prefix { $0 != "." }) }.sorted()
    }

    private func stage(_ work: @Sendable (Stage, String) async throws -> Void) async throws {
        let space = try await Cluster.namespace()
        try await Stage.run { try await work($0, space) }
    }

    @Test func `another kind takes the place of what was there, with its history, and gives it back`()
        async throws
    {
        try await stage { stage, space in
            let deploy = ["deploy", "istio", stage.image, "--id", "one", "-n", "SPACE", "-l", "app=web"]
            func wasme(_ arguments: [String]) async throws -> String {
                let outcome = try await stage.wasme(arguments, in: space)
                try #require(outcome.status == 0, "\(outcome.stderr)")
                return outcome.stdout
            }
            #expect(try await wasme(deploy) == "WasmPlugin \(space)/one created\n")
            // Neither another deployment nor the objects of others are touched.
            _ = try await wasme(["deploy", "istio", stage.image, "--id", "two", "-n", "SPACE"])
            let restricted = deploy + ["--capability", "proxy_log"]
            let planned = try await wasme(restricted + ["--dry-run", "server"])
            #expect(
                planned
                    == "EnvoyFilter \(space)/one would be created\nWasmPlugin \(space)/one would be deleted\n"
            )
            #expect(try await Self.names(in: space) == ["wasmplugin", "wasmplugin"])
            #expect(
                try await wasme(restricted)
                    == "EnvoyFilter \(space)/one created\nWasmPlugin \(space)/one deleted\n")
            #expect(try await wasme(restricted) == "EnvoyFilter \(space)/one unchanged\n")
            let history = try await wasme(["history", "istio", "one", "-n", "SPACE", "-q"])
            #expect(history == "one 1\none 2\n")
            #expect(
                try await wasme(["rollback", "istio", "one", "-n", "SPACE"])
                    == "WasmPlugin \(space)/one created\nEnvoyFilter \(space)/one deleted\n")
            #expect(try await wasme(["history", "istio", "one", "-n", "SPACE", "-q"]).hasSuffix("one 3\n"))
            #expect(try await Self.names(in: space) == ["wasmplugin", "wasmplugin"])
        }
    }
}
