// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubernetesControl
import TestSupport
import Testing

/// Commands and options that errors name: they are typed as they are printed, and work.
@Suite(
    .requires(.kubernetes), .requires(.registry), .ownCluster(.wasmPlugin, .glooGateway), .filterImage,
    .serialized)
struct HintTests {
    @Test func `an image whose layout Gloo does not take can be copied as the error says`() async throws {
        try await Stage.run { stage in
            let space = try await Cluster.namespace()
            let gloo = try #require(VerbTarget.all.first { $0.word == "gloo" })
            try await stage.prepare(gloo, in: space)
            func deploy(_ image: String) async throws -> ProcessOutcome {
                try await stage.wasme(
                    ["deploy", "gloo", image, "--id", "verbs", "--root-id", "add_header"] + gloo.arguments,
                    in: space)
            }
            let refused = try await deploy(stage.image)
            #expect(refused.status == 1)
            let hint = try #require(
                refused.stderr.firstMatch(of: /'wasme (copy (\S+) (\S+) --variant artifact)'/),
                "\(refused.stderr)")
            #expect(hint.2 == stage.image)
            let copied = try await stage.wasme(hint.1.split(separator: " ").map { String($0) })
            #expect(copied.status == 0, "\(copied.stderr)")
            let made = try await deploy(String(hint.3))
            #expect(made.status == 0, "\(made.stderr)")
            #expect(made.stdout == "Gateway \(space)/edge configured\n")
        }
    }

    @Test
    func `a value that an older definition does not know goes with the version that the error asks for`()
        async throws
    {
        try await Stage.run { stage in
            let space = try await Cluster.namespace()
            try await Cluster.server.kubectl(
                ["apply", "--server-side", "-f", "-"],
                input: Kind.wasmPlugin.definition.replacing(
                    "failStrategy: {type: string}",
                    with: "failStrategy: {type: string, enum: [FAIL_OPEN, FAIL_CLOSE]}"))
            let arguments = ["-n", space, "-l", "app=web", "--failure-policy", "reload"]
            // The API server takes the new definition in its own time.
            var refused = try await stage.deploy(arguments + ["--dry-run", "server"])
            for _ in 0..<50 where refused.status == 0 {
                refused = try await stage.deploy(arguments + ["--dry-run", "server"])
            }
            #expect(refused.status == 1)
            #expect(refused.stderr.contains("FAIL_RELOAD"), "\(refused.stderr)")
            let hint = try #require(
                refused.stderr.firstMatch(of: /as in (--target-version) (\S+)\n/), "\(refused.stderr)")
            let made = try await stage.deploy(arguments + [String(hint.1), String(hint.2)])
            #expect(made.status == 0, "\(made.stderr)")
            #expect(made.stdout == "WasmPlugin \(space)/add-header created\n")
        }
    }
}
