// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import TestSupport
import Testing

/// Images that a cluster could not pull, by the program on a real API server and real registries.
@Suite(.requires(.kubernetes), .requires(.registry), .sharedCluster, .serialized) struct ImagePullTests {
    @Test func `an image that its registry does not have is refused before anything is applied`() async throws
    {
        try await DockerRegistry.run { registry in
            try await Stage.run(registry: registry.address) { stage in
                let space = try await Cluster.namespace()
                let refused = try await stage.deploy(["-n", space])
                #expect(refused.status == 1)
                #expect(
                    refused.stderr.contains(
                        "the registry does not have it\n  help: push it first: wasme push"),
                    "\(refused.stderr)")
                #expect(try await Cluster.live(in: space) == nil)
                let forced = try await stage.deploy(["-n", space, "--no-check"])
                #expect(forced.status == 0, "\(forced.stderr)")
                _ = try await stage.wasme(["push", stage.image])
                let pushed = try await stage.deploy(["-n", space])
                #expect(pushed.status == 0, "\(pushed.stderr)")
                #expect(!pushed.stderr.contains("pull"), "\(pushed.stderr)")
            }
        }
    }

    @Test func `an image that only users may pull needs a secret, and that is said`() async throws {
        try await DockerRegistry.run(withUsers: true) { registry in
            try await Stage.run(registry: registry.address) { stage in
                let space = try await Cluster.namespace()
                let login = try await stage.wasme(
                    ["login", registry.address, "--username", "me", "--password-stdin"], input: "s3cret")
                try #require(login.status == 0, "\(login.stderr)")
                let pushed = try await stage.wasme(["push", stage.image])
                try #require(pushed.status == 0, "\(pushed.stderr)")
                let open = try await stage.deploy(["-n", space, "--target-version", "1.26"])
                #expect(open.status == 0, "\(open.stderr)")
                #expect(open.stderr.contains("name one with --pull-secret"), "\(open.stderr)")
                let secret = try await stage.deploy([
                    "-n", space, "--target-version", "1.26", "--pull-secret", "hub",
                ])
                #expect(secret.status == 0, "\(secret.stderr)")
                #expect(!secret.stderr.contains("without credentials"), "\(secret.stderr)")
            }
        }
    }
}
