// SPDX-License-Identifier: Apache-2.0

import Foundation
import LoopbackServer
import OCI
import SystemPackage
import TestSupport
import Testing

/// The real program as a mirror of real registries.
@Suite(.timeLimit(.minutes(3))) struct MirrorProcessTests {
    @Test(.requires(.registry))
    func `Debian's registry is mirrored, and what was pulled stays when it is gone`() async throws {
        let scratch = try ScratchDirectory("hub")
        var running: HubProcess?
        var image: ManifestDocument?
        try await DockerRegistry.run(withUsers: true) { registry in
            // Its users are asked by Basic; the secret is read from a file.
            let secret = try scratch.write("secret", "s3cret\n")
            let hub = try await start(
                scratch,
                "prefix: deb, registry: 'http://\(registry.address)', repositories: team, max-age: 0, username: me, password-file: \(secret)",
                "prefix: nobody, registry: 'http://\(registry.address)'")
            running = hub
            let port = try #require(registry.address.split(separator: ":").last.flatMap { Int($0) })
            let pushed = try await push(Client(port: port), "team/app", "v1", sampleBytes(300_000))
            image = pushed
            let pulled = try await hub.client.send("GET", "/v2/deb/app/manifests/v1")
            #expect(pulled.body == pushed.bytes)
            for blob in pushed.blobs {
                let reply = try await hub.client.send("GET", "/v2/deb/app/blobs/\(blob.digest)")
                #expect(Digest(of: reply.body) == blob.digest)
            }
            let second = try await push(Client(port: port), "team/app", "v2", sampleBytes(2000, seed: 7))
            #expect(
                try await hub.client.send("GET", "/v2/deb/app/tags/list").text
                    == #"{"name":"deb/app","tags":["v1","v2"]}"#)
            #expect(
                try await hub.client.send("GET", "/v2/deb/app/tags/list?n=1&last=v1").text
                    == #"{"name":"deb/app","tags":["v2"]}"#)
            // A tag that moves there moves here.
            let moved = try await push(Client(port: port), "team/app", "v1", sampleBytes(2000, seed: 8))
            #expect(try await hub.client.send("GET", "/v2/deb/app/manifests/v1").body == moved.bytes)
            #expect(try await hub.client.send("GET", "/v2/deb/app/manifests/\(second.digest)").status == 200)
            let denied = try await hub.client.send("GET", "/v2/nobody/team/app/manifests/v1")
            #expect(denied.status == 403)
            #expect(denied["WWW-Authenticate"] == nil)
        }
        let hub = try #require(running)
        let pushed = try #require(image)
        let stale = try await hub.client.send("GET", "/v2/deb/app/manifests/v1")
        #expect(stale.status == 200)
        #expect(stale["Warning"]?.contains("does not answer") == true)
        #expect(try await hub.client.send("GET", "/v2/deb/app/manifests/\(pushed.digest)").status == 200)
        let layer = try #require(pushed.blobs.last)
        #expect(try await hub.client.send("GET", "/v2/deb/app/blobs/\(layer.digest)").status == 200)
        #expect(
            try await hub.client.send("GET", "/v2/deb/app/tags/list").text
                == #"{"name":"deb/app","tags":["v1"]}"#)
        #expect(await hub.stop(SIGTERM) == 0)
        #expect(hub.errorText.contains("answering from what is held"))
        #expect(!hub.errorText.contains("s3cret"))
    }

    /// Pushes to a registry that lets in `me` alone.
    private func push(
        _ client: Client, _ repository: String, _ tag: String, _ layer: [UInt8]
    ) async throws -> ManifestDocument {
        let who = ["Authorization": "Basic \(Data("me:s3cret".utf8).base64EncodedString())"]
        var blobs: [Descriptor] = []
        for bytes in [Array("{}".utf8), layer] {
            let begun = try await client.send("POST", "/v2/\(repository)/blobs/uploads/", who, body: [])
            let location = try #require(begun["Location"].flatMap { URL(string: $0) })
            let descriptor = Descriptor(of: bytes, mediaType: .octetStream)
            let reply = try await client.send(
                "PUT", "\(location.path())?\(location.query() ?? "")&digest=\(descriptor.digest)", who,
                body: bytes)
            try #require(reply.status == 201, "\(reply.text)")
            blobs.append(descriptor)
        }
        let document = try ManifestDocument(image(config: blobs[0], layers: [blobs[1]]))
        let reply = try await client.send(
            "PUT", "/v2/\(repository)/manifests/\(tag)",
            who.merging(["Content-Type": document.mediaType.rawValue]) { $1 }, body: document.bytes)
        try #require(reply.status == 201, "\(reply.text)")
        return document
    }

    @Test func `a hub mirrors a hub, with what refers to its images`() async throws {
        let scratch = try ScratchDirectory("hub")
        let upstream = try await HubProcess(data: scratch.path.appending("upstream"))
        let image = try await upstream.client.pushImage(to: "a/b", tag: "v1", layer: sampleBytes(50_000))
        let config = try await upstream.client.push(Array("{}".utf8), to: "a/b")
        let referrer = try ManifestDocument(
            HubTests.image(config: config, layers: [config], subject: image.descriptor))
        #expect(
            try await upstream.client.putManifest(referrer, to: "a/b", as: referrer.digest.description).status
                == 201)
        let hub = try await start(
            scratch, "prefix: '*', registry: 'http://127.0.0.1:\(upstream.client.port)', max-age: 0")
        let list = "/v2/a/b/referrers/\(image.digest)"
        let listed = try await hub.client.send("GET", list)
        #expect(listed.body == (try await upstream.client.send("GET", list)).body)
        #expect(listed.text.contains(referrer.digest.description))
        for name in ["v1", referrer.digest.description] {
            let path = "/v2/a/b/manifests/\(name)"
            #expect(
                try await hub.client.send("GET", path).body
                    == (try await upstream.client.send("GET", path)).body)
        }
        #expect(await upstream.stop(SIGTERM) == 0)
        let offline = try await hub.client.send("GET", list)
        #expect(offline.text.contains(referrer.digest.description))
        #expect(offline["Warning"] != nil)
        #expect(await hub.stop(SIGTERM) == 0)
    }
}

/// What was fetched of another registry outlives the process.
@Suite(.serialized, .timeLimit(.minutes(3))) struct MirrorDurabilityTests {
    @Test func `a blob that breaks off is taken up where it broke, also after a kill -9`() async throws {
        let scratch = try ScratchDirectory("hub")
        let upstream = try await HubProcess(data: scratch.path.appending("upstream"))
        let layer = sampleBytes(2_000_000)
        let image = try await upstream.client.pushImage(to: "a", tag: "v1", layer: layer)
        let digest = Digest(of: layer)
        let file = "second/blobs/sha256/\(digest.hex.prefix(2))/\(digest.hex)"
        // Each connection breaks after half a megabyte.
        let relay = try CuttingRelay(to: UInt16(upstream.client.port)) { _ in .init(.toClient, at: 500_000) }
        let hub = try await start(scratch, "prefix: m, registry: 'http://\(relay.authority)'")
        #expect(try await hub.client.send("GET", "/v2/m/a/manifests/v1").body == image.bytes)
        #expect(try await hub.client.send("GET", "/v2/m/a/blobs/\(digest)").body == layer)
        #expect(relay.cuts >= 3)
        #expect(relay.toClient < 2_020_000)
        #expect(await hub.stop(SIGTERM) == 0)
        // One that breaks for good: the client sees it, nothing is shown as whole, and the rest comes later.
        let short = try CuttingRelay(to: UInt16(upstream.client.port)) { number in
            .init(.toClient, at: number == 1 ? 1_200_000 : 10)
        }
        let second = try await start(
            scratch, "prefix: m, registry: 'http://\(short.authority)'", data: "second")
        #expect(try await second.client.send("GET", "/v2/m/a/manifests/v1").status == 200)
        await #expect(throws: BrokenConnection.self) {
            try await second.client.send("GET", "/v2/m/a/blobs/\(digest)")
        }
        #expect(!FileManager.default.fileExists(atPath: scratch.path.appending(file).string))
        await second.stop(SIGKILL)
        let whole = try CuttingRelay(to: UInt16(upstream.client.port)) { _ in nil }
        let third = try await start(
            scratch, "prefix: m, registry: 'http://\(whole.authority)'", data: "second")
        #expect(try await third.client.send("GET", "/v2/m/a/blobs/\(digest)").body == layer)
        #expect(whole.toClient < 1_000_000)
        let scrub = try await HubProcess.run(
            ["scrub", "--data", scratch.path.appending("second").string])
        #expect(scrub.status == 0, "\(scrub.stdout) \(scrub.stderr)")
        #expect(await third.stop(SIGTERM) == 0)
        #expect(await upstream.stop(SIGTERM) == 0)
    }
}

/// Starts a hub with mirrors, each as a line of YAML.
private func start(
    _ scratch: ScratchDirectory, _ lines: String..., data: String = "data"
) async throws -> HubProcess {
    let file = try scratch.write(
        "hub.yaml", "mirrors:\n" + lines.map { "- {\($0)}\n" }.joined())
    return try await HubProcess(
        data: scratch.path.appending(data), options: ["--config", file.string])
}
