// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import JSON
import KubernetesControl
import LoopbackServer
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Registries that send their clients where Istio's agent does not go, by the program on a real API server.
@Suite(.requires(.kubernetes), .ownCluster(.wasmPlugin), .filterImage, .serialized)
struct RegistryAddressTests {
    /// A registry that asks for credentials as a test says.
    private final class AskingRegistry: Sendable {
        private let challenge = Mutex("")
        private let asked = Mutex(0)

        func set(_ text: String) { challenge.withLock { $0 = text } }
        var text: String { challenge.withLock { $0 } }
        var count: Int { asked.withLock { $0 } }
        func count(_ path: String) { if path == "/v2/" { asked.withLock { $0 += 1 } } }
    }

    private static func run(
        _ work: @Sendable (Stage, AskingRegistry, LoopbackServer) async throws -> Void
    ) async throws {
        let registry = AskingRegistry()
        let server = try LoopbackServer { exchange in
            registry.count(exchange.request.path)
            try exchange.respond(401, headers: [("WWW-Authenticate", registry.text)], text: "{}")
        }
        try await Stage.run(registry: server.authority) { stage in
            try await work(stage, registry, server)
        }
    }

    private static let local = #"Bearer realm="http://127.0.0.1:5001/token",service="registry""#

    @Test func `a realm that points to this machine is refused where every control plane refuses it`()
        async throws
    {
        try await Self.run { stage, registry, server in
            let space = try await Cluster.namespace()
            let arguments = ["-n", space, "-l", "app=web"]
            registry.set(Self.local)
            // Nobody knows which version runs: deployed, and said.
            let unknown = try await stage.deploy(arguments)
            #expect(unknown.status == 0, "\(unknown.stderr)")
            let subject =
                "the realm \"http://127.0.0.1:5001/token\" of the registry \"\(server.authority)\""
            #expect(
                unknown.stderr.contains(
                    "warning: Istio 1.27.8, 1.28.5, 1.29.1, 1.30.0 and newer ones do not ask \(subject)"),
                "\(unknown.stderr)")
            #expect(registry.count == 1)

            try await Cluster.controlPlane("1.30.3")
            let other = try await Cluster.namespace()
            let refused = try await stage.deploy(["-n", other, "-l", "app=web"])
            #expect(refused.status == 1)
            #expect(
                refused.stderr.contains("error: Istio 1.30.3 does not ask \(subject)"), "\(refused.stderr)")
            #expect(refused.stderr.contains("help: let the registry name a token service by a host name"))
            #expect(try await Cluster.live(in: other) == nil)
            let forced = try await stage.deploy(["-n", other, "-l", "app=web", "--no-check"])
            #expect(forced.status == 0, "\(forced.stderr)")
            #expect(!forced.stderr.contains("realm"))
            // Files for GitOps are for a cluster that is not asked, and so is its registry.
            let folder = try await stage.deploy(arguments + ["--output", "objects"])
            #expect(folder.status == 0, "\(folder.stderr)")

            // One of two is older than the rule.
            try await Cluster.controlPlane("1.28.4", revision: "old")
            let mixed = try await stage.deploy(arguments)
            #expect(mixed.status == 0, "\(mixed.stderr)")
            #expect(mixed.stderr.contains("not all that run are so new"), "\(mixed.stderr)")
            let old = try await stage.deploy(arguments + ["--target-version", "1.26"])
            #expect(!old.stderr.contains("realm"), "\(old.stderr)")

            server.stop()
            let silent = try await stage.deploy(arguments)
            #expect(silent.status == 0, "\(silent.stderr)")
            #expect(
                silent.stderr.contains("note: the registry \"\(server.authority)\" does not answer here"),
                "\(silent.stderr)")
        }
    }

    @Test func `of realms those are refused that the agent refuses, of whatever scheme`() async throws {
        try await Self.run { stage, registry, _ in
            let space = try await Cluster.namespace()
            for (challenge, isTaken) in [
                (#"Bearer realm="https://auth.example.org/token""#, true),
                (#"Bearer realm="http://203.0.113.7/token""#, true),
                (#"Bearer realm="http://localhost:5001/token""#, false),
                (#"Bearer realm="https://10.1.2.3/token""#, false),
                (#"Bearer realm="https://172.20.0.1/token""#, false),
                (#"Bearer realm="https://172.32.0.1/token""#, true),
                (#"Bearer realm="http://[fd00::1]:80/token""#, false),
                (#"Bearer realm="http://[2001:db8::1]/token""#, true),
                (#"Bearer realm="ftp://auth.example.org/token""#, false),
                // The agent looks at every realm, also at that of Basic, which is a name for people.
                (#"Basic realm="Registry Realm""#, false),
                (#"Basic realm="https://auth.example.org""#, true),
            ] {
                registry.set(challenge)
                // Nobody's token service is asked from here.
                let nowhere = "http://127.0.0.1:1"
                let outcome = try await stage.deploy(
                    ["-n", space, "-l", "app=web", "--dry-run", "server", "--target-version", "1.30.3"],
                    ["http_proxy": nowhere, "https_proxy": nowhere, "no_proxy": "127.0.0.1"])
                #expect((outcome.status == 0) == isTaken, "\(challenge): \(outcome.stderr)")
                #expect(outcome.stderr.contains("does not ask the realm") == !isTaken, "\(challenge)")
            }
            // 1.29 alone does not say whether it has the rule, which came with its first patch.
            registry.set(Self.local)
            let line = try await stage.deploy([
                "-n", space, "--dry-run", "server", "--target-version", "1.29",
            ])
            #expect(line.status == 0, "\(line.stderr)")
            #expect(line.stderr.contains("do not ask the realm"), "\(line.stderr)")
        }
    }

    @Test func `a registry at a link-local address is not asked by an Istio that refuses those`()
        async throws
    {
        try await Stage.run(registry: "169.254.10.1:5000") { stage in
            let space = try await Cluster.namespace()
            let refused = try await stage.deploy([
                "-n", space, "--dry-run", "server", "--target-version", "1.32.0",
            ])
            #expect(refused.status == 1)
            #expect(
                refused.stderr.contains("does not ask the registry \"169.254.10.1:5000\""),
                "\(refused.stderr)")
            #expect(refused.stderr.contains("it connects to no link-local address"))
        }
    }

    @Test(.requires(.registry)) func `what is applied is pinned to the digest of the image's manifest`()
        async throws
    {
        try await Stage.run { stage in
            let space = try await Cluster.namespace()
            let deployed = try await stage.deploy(["-n", space, "-l", "app=web"])
            #expect(deployed.status == 0, "\(deployed.stderr)")
            let pushed = try await stage.wasme(["push", "-q", stage.image]).stdout.filter { !$0.isNewline }
            let spec = try #require(try await Cluster.live(in: space)?.json["spec"]?.object)
            #expect(spec["sha256"]?.string.map { "sha256:\($0)" } == pushed)
            #expect(spec["url"]?.string == "oci://\(stage.image.dropLast(":v1".count))@\(pushed)")
        }
    }

    @Test func `an image in a layout that the agent cannot unpack is refused`() async throws {
        try await Stage.run(registry: "127.0.0.1:9") { stage in
            let space = try await Cluster.namespace()
            let image = "127.0.0.1:9/acme/other:v1"
            let copied = try await stage.wasme([
                "copy", "store:\(stage.image)", "store:\(image)", "--variant", "cncf",
            ])
            try #require(copied.status == 0, "\(copied.stderr)")
            let refused = try await stage.wasme(["deploy", "istio", image, "-n", space, "--id", "other"])
            #expect(refused.status == 1)
            #expect(refused.stderr.contains("istio-agent cannot take the image"), "\(refused.stderr)")
            #expect(try await Cluster.live("other", in: space) == nil)
        }
    }
}
