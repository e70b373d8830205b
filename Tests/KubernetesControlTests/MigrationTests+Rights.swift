// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import TestSupport
import Testing

extension MigrationTests {
    @Test func `a lack of rights is named, and a run that stopped half-way goes on`() async throws {
        try await MigrationStage.run { stage in
            let space = stage.space
            try await stage.apply(
                [stage.workload("web"), stage.filter("web")] + stage.installation(images: [stage.image]))
            let none = try await stage.migrate(as: "alice")
            #expect(none.status == 77)
            #expect(
                none.stderr.contains(
                    "\"alice\" may not list envoyfilters.networking.istio.io in namespace \"\(space)\""),
                "\(none.stderr)")

            try await Cluster.give("alice", [], in: space)
            try await Cluster.grant(
                "alice", "get,list", on: "envoyfilters.networking.istio.io,filterdeployments.wasme.io",
                in: space)
            try await Cluster.grant(
                "alice", "get,list,create,patch", on: "wasmplugins.extensions.istio.io", in: space)
            let half = try await stage.migrate(["--apply", "--image", stage.image], as: "alice")
            #expect(half.status == 77, "\(half.stderr)")
            #expect(half.stdout == "WasmPlugin \(space)/auth created\n")
            for line in [
                "\"alice\" may not list deployments.apps", "not done, or not to the end: \"auth\"",
                "the command can be run again",
                "\"alice\" may not delete envoyfilters.networking.istio.io",
            ] { #expect(half.stderr.contains(line), "\(line) is not in \(half.stderr)") }
            #expect(try await stage.names("envoyfilters") == ["web-auth"])

            // Who has the project's own role takes the filter over, and leaves what is elsewhere.
            try await Cluster.bind("alice", to: "wasme-deployer", in: space)
            let more = try await stage.migrate(["--apply", "--image", stage.image], as: "alice")
            #expect(more.status == 0, "\(more.stderr)")
            #expect(
                more.stdout == "WasmPlugin \(space)/auth unchanged\nEnvoyFilter \(space)/web-auth deleted\n")
            #expect(try await stage.names("daemonsets", in: stage.cache) == ["wasme-cache"])

            let rest = try await stage.migrate(["--apply"])
            #expect(rest.status == 0, "\(rest.stderr)")
            #expect(rest.stdout.hasPrefix("Deployment \(space)/web restored\n"))
            #expect(try await stage.names("daemonsets", in: stage.cache) == [])
        }
    }
}
