// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Foundation
import Hub
import HubOutbound
import LoopbackServer
import OCI
import OCIRegistry
import SystemPackage
import TestSupport
import Testing

/// Repositories of other registries, copied into the hub by command and by configuration.
@Suite(.timeLimit(.minutes(3))) struct CopyingTests {
    private struct Report: Decodable {
        struct Image: Decodable {
            let repository: String
            let tag: String?
            let digest: String?
            let state: String
            let problem: String?
        }
        let images: [Image]
        let blobs: Int
        let bytes: Int
        let referrers: Int

        /// `repository:tag state`, sorted.
        var states: [String] { images.map { "\($0.repository):\($0.tag ?? "-") \($0.state)" }.sorted() }
    }

    /// Copies and reads what came of it.
    private func copy(
        _ arguments: String..., data: FilePath, status: Int32 = 0, comment: Comment? = nil
    ) async throws -> Report {
        let outcome = try await HubProcess.run(
            ["sync"] + arguments + ["--data", data.string, "--format", "json"])
        #expect(outcome.status == status, "\(outcome.stderr)")
        return try JSONDecoder().decode(Report.self, from: Data(outcome.stdout.utf8))
    }

    @Test(.requires(.registry), .requires(.skopeo))
    func `images that skopeo pushed to Debian's registry are copied whole, once`() async throws {
        let scratch = try ScratchDirectory("hub")
        let data = scratch.path.appending("data")
        let layout = scratch.path.appending("layout")
        let image = try SkopeoTests.writeLayout(layout)
        try await DockerRegistry.run { registry in
            for name in ["team/app:v1", "team/app:v2", "team/tool:v1", "other/app:v1"] {
                let result = try await run(
                    try #require(Tool.skopeo.path),
                    [
                        "copy", "--dest-tls-verify=false", "oci:\(layout):v1",
                        "docker://\(registry.address)/\(name)",
                    ])
                try #require(result.status == 0, "\(result.stderr)")
            }
            let address = "http://\(registry.address)"
            // An index with an image of its own, as images for several platforms have.
            let child = try await pushAnywhere(
                registry.address, "team/multi", "child", layer: sampleBytes(30_000))
            let client = RegistryClient(
                host: try RegistryHost(registry.address), transport: CurlTransport(),
                options: RegistryOptions(plainHTTP: true))
            let index = try ManifestDocument(Index(manifests: [child.descriptor]))
            try await client.push(index, to: try Repository("team/multi"), as: .tag(try Tag("all")))
            let first = try await copy(
                "\(address)/team/*", "--all-tags", "--into", "copies", data: data)
            #expect(
                first.states == [
                    "copies/team/app:v1 copied", "copies/team/app:v2 copied", "copies/team/multi:all copied",
                    "copies/team/multi:child copied", "copies/team/tool:v1 copied",
                ])
            // What several repositories share is fetched once: two blobs of skopeo's image, two of ours.
            #expect(first.blobs == 4)
            let second = try await copy(
                "\(address)/team/*", "--all-tags", "--into", "copies", data: data)
            #expect(second.images.allSatisfy { $0.state == "unchanged" })
            #expect(second.images.count == 5)
            #expect(second.blobs == 0)
            let some = try await copy("\(address)/team/app:v?", "\(address)/other/app:v1", data: data)
            #expect(some.states == ["other/app:v1 copied", "team/app:v1 copied", "team/app:v2 copied"])
            #expect(some.blobs == 0)
            let none = try await copy("\(address)/team/none:v1", "\(address)/team/app", data: data, status: 1)
            #expect(none.states == ["team/app:latest failed", "team/none:- failed"])
            #expect(none.images.first?.problem?.contains("answered 404") == true)
            #expect(none.images.last?.problem?.hasSuffix("has no tag \"latest\"") == true)
            let text = try await HubProcess.run(["sync", "\(address)/team/app:v1", "--data", data.string])
            #expect(
                text.stdout
                    == "0 copied, 1 unchanged, 0 removed, 0 failed; 0 blobs (0 bytes) fetched, 0 referrers copied\n"
            )
        }
        let hub = try await HubProcess(data: data)
        for path in [
            "copies/team/app/manifests/v2", "team/app/manifests/v1", "other/app/manifests/\(image.digest)",
        ] {
            #expect(try await hub.client.send("GET", "/v2/\(path)").body == image.bytes)
        }
        for blob in image.blobs {
            let reply = try await hub.client.send("GET", "/v2/copies/team/app/blobs/\(blob.digest)")
            #expect(Digest(of: reply.body) == blob.digest)
        }
        let scrub = try await HubProcess.run(["scrub", "--data", data.string])
        #expect(scrub.status == 0, "\(scrub.stdout)")
        #expect(await hub.stop(SIGTERM) == 0)
    }

    @Test func `a hub that serves the folder copies itself, with referrers, and prunes when told`()
        async throws
    {
        let scratch = try ScratchDirectory("hub")
        let upstream = try await HubProcess(data: scratch.path.appending("upstream"))
        let data = scratch.path.appending("data")
        let hub = try await HubProcess(data: data)
        let image = try await upstream.client.pushImage(to: "a", tag: "v1", layer: sampleBytes(40_000))
        try await upstream.client.pushImage(to: "a", tag: "v2")
        let config = try await upstream.client.push(Array("{}".utf8), to: "a")
        let referrer = try ManifestDocument(
            HubTests.image(config: config, layers: [config], subject: image.descriptor))
        #expect(
            try await upstream.client.putManifest(referrer, to: "a", as: referrer.digest.description).status
                == 201)
        let source = "http://127.0.0.1:\(upstream.client.port)/a"
        let first = try await copy(source, "--all-tags", data: data)
        #expect(first.states == ["a:v1 copied", "a:v2 copied"])
        #expect(first.referrers == 1)
        let list = "/v2/a/referrers/\(image.digest)"
        #expect(
            try await hub.client.send("GET", list).body == (try await upstream.client.send("GET", list)).body)
        // A tag that is gone there stays here, unless it is said otherwise; one of here's own goes then, too.
        #expect(try await upstream.client.send("DELETE", "/v2/a/manifests/v2").status == 202)
        let moved = try await upstream.client.pushImage(to: "a", tag: "v1", layer: sampleBytes(3000, seed: 9))
        let second = try await copy(source, "--all-tags", data: data)
        #expect(second.states == ["a:v1 copied"])
        #expect(try await hub.client.send("GET", "/v2/a/manifests/v1").body == moved.bytes)
        #expect(try await hub.client.send("GET", "/v2/a/manifests/v2").status == 200)
        let third = try await copy(source, "--all-tags", "--prune", data: data)
        #expect(third.states == ["a:v1 unchanged", "a:v2 removed"])
        #expect(try await hub.client.send("GET", "/v2/a/manifests/v2").status == 404)
        #expect(await hub.stop(SIGTERM) == 0)
        #expect(await upstream.stop(SIGTERM) == 0)
    }

    @Test func `a copy that broke off fetches the rest only`() async throws {
        let scratch = try ScratchDirectory("hub")
        let upstream = try await HubProcess(data: scratch.path.appending("upstream"))
        let data = scratch.path.appending("data")
        let layer = sampleBytes(2_000_000)
        let image = try await upstream.client.pushImage(to: "a", tag: "latest", layer: layer)
        let short = try CuttingRelay(to: UInt16(upstream.client.port)) { number in
            .init(.toClient, at: number == 1 ? 1_200_000 : 10)
        }
        let broken = try await copy("http://\(short.authority)/a", data: data, status: 1)
        #expect(broken.states == ["a:latest failed"])
        let whole = try CuttingRelay(to: UInt16(upstream.client.port)) { _ in nil }
        let copied = try await copy("http://\(whole.authority)/a", data: data)
        #expect(copied.states == ["a:latest copied"])
        #expect(whole.toClient < 1_000_000)
        let hub = try await HubProcess(data: data)
        #expect(try await hub.client.send("GET", "/v2/a/manifests/latest").body == image.bytes)
        #expect(try await hub.client.send("GET", "/v2/a/blobs/\(Digest(of: layer))").body == layer)
        #expect(await hub.stop(SIGTERM) == 0)
        #expect(await upstream.stop(SIGTERM) == 0)
    }

    @Test func `the configuration copies at the start, and what cannot be meant is refused`() async throws {
        let scratch = try ScratchDirectory("hub")
        let upstream = try ScriptedUpstream { exchange, path, _ in
            guard path == "a/tags/list" else { return false }
            try exchange.respond(200, text: #"{"name":"a","tags":["v1"]}"#)
            return true
        }
        let secret = try scratch.write("secret", "never shown")
        let file = try scratch.write(
            "hub.yaml",
            """
            sync:
            - registry: http://\(upstream.authority)
              repositories: [a, absent]
              into: copies
              username: ada
              password-file: \(secret)
            """)
        let hub = try await HubProcess(
            data: scratch.path.appending("data"), options: ["--config", file.string])
        while try await hub.client.send("GET", "/v2/copies/a/manifests/v1").status == 404 {
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(
            try await hub.client.send("GET", "/v2/copies/a/manifests/v1").body == upstream.image.bytes)
        #expect(await hub.stop(SIGTERM) == 0)
        #expect(!hub.errorText.contains("never shown"))
        for (arguments, words) in [
            (["nothing"], "names no repository"), (["x/A:v1"], "has upper-case letters"),
            (["x/a:v 1"], "is no pattern of tags"), (["x/a", "--into", "B"], "has upper-case letters"),
            (["x/a", "--username", "ada"], "a username and a password go together"),
        ] {
            let refused = try await HubProcess.run(
                ["sync"] + arguments + ["--data", scratch.path.appending("none").string])
            #expect(refused.status == 64, "\(arguments) \(refused.stderr)")
            #expect(refused.stderr.contains(words), "\(refused.stderr)")
        }
    }
}
