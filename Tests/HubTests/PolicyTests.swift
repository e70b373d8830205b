// SPDX-License-Identifier: Apache-2.0

import FilterImage
import Foundation
import GRDB
import Hub
import HubFacts
@testable import HubStorage
import Logging
import OCI
import Testing

/// What an owner decided about repositories holds, whoever comes.
@Suite struct PolicyTests {
    private func decide(_ hub: TestHub, _ scope: String, _ policy: RepositoryPolicy?) async throws {
        try await hub.registry.setPolicy(policy, for: PolicyScope(scope))
    }

    @Test func `the narrowest scope that says something holds`() async throws {
        let wide = RepositoryPolicy(allowsSparse: true, immutableTags: ["v*"], keepTags: 3, quota: 5)
        let narrow = RepositoryPolicy(allowsSparse: false, untaggedLifetime: 7)
        let both = narrow.completed(by: wide)
        #expect(both.allowsSparse == false)
        #expect(both.immutableTags == ["v*"])
        #expect(both.keepTags == 3)
        #expect(both.untaggedLifetime == 7)
        #expect(both.quota == nil)
        #expect(PolicyScope.all(of: try Repository("a/b/c")) == ["a/b/c", "a/b/*", "a/*", "*"])
        for text in ["", "**", "A", "a/", "a/b*", "*/a"] {
            #expect(throws: HubError.self, "\(text)") { try PolicyScope(text) }
        }
    }

    @Test(arguments: [
        ("v*", "v1", true), ("v*", "1v", false), ("*", "", true), ("v?.?", "v1.2", true),
        ("v?.?", "v1.22", false), ("*-rc*", "1.0-rc1", true),
        ("*a*a*a*b", String(repeating: "a", count: 128), false),
    ])
    func `a pattern fits whole tags`(_ pattern: String, _ tag: String, _ fits: Bool) {
        #expect(TagPattern.matches(pattern, tag) == fits)
    }

    @Test func `an immutable tag names for ever what it named first`() async throws {
        try await withHub { hub in
            try await decide(hub, "a/*", RepositoryPolicy(immutableTags: ["v*"]))
            let first = try await hub.client.pushImage(to: "a/b", tag: "v1")
            let other = try ManifestDocument(image(config: try #require(first.blobs.first), layers: []))
            for target in ["v1", "\(other.digest)?tag=x&tag=v1"] {
                let moved = try await hub.client.putManifest(other, to: "a/b", as: target)
                #expect(moved.status == 403)
                #expect(moved.code == "DENIED")
            }
            for target in ["v1", "\(first.digest)"] {
                #expect(try await hub.client.send("DELETE", "/v2/a/b/manifests/\(target)").status == 403)
            }
            #expect(try await hub.client.putManifest(first, to: "a/b", as: "v1").status == 201)
            #expect(try await hub.client.putManifest(other, to: "a/b", as: "latest").status == 201)
            #expect(try await hub.client.send("GET", "/v2/a/b/manifests/v1").body == first.bytes)
            #expect(try await hub.client.send("GET", "/v2/a/b/manifests/x").status == 404)
            try await decide(hub, "a/*", nil)
            #expect(try await hub.client.putManifest(other, to: "a/b", as: "v1").status == 201)
        }
    }

    @Test func `a manifest may name what is not here where the policy lets it, and keeps what comes later`()
        async throws
    {
        var limits = Hub.Registry.Limits()
        limits.blobLease = 0
        try await withHub(limits: limits) { hub in
            let config = try await hub.client.push(Array("{}".utf8), to: "s")
            let bytes = sampleBytes(30_000)
            let child = try ManifestDocument(
                image(config: config, layers: [Descriptor(of: bytes, mediaType: .octetStream)]))
            let index = try ManifestDocument(
                bytes: try canonicalJSON(Index(manifests: [child.descriptor])), mediaType: .imageIndex)
            #expect(try await hub.client.putManifest(index, to: "s", as: "all").status == 404)
            try await decide(hub, "s", RepositoryPolicy(allowsSparse: true))
            #expect(try await hub.client.putManifest(index, to: "s", as: "all").status == 201)
            #expect(try await hub.client.send("GET", "/v2/s/manifests/all").body == index.bytes)
            #expect(try await hub.client.putManifest(child, to: "s", as: "\(child.digest)").status == 201)
            #expect(try await hub.client.send("DELETE", "/v2/s/manifests/\(child.digest)").status == 405)
            let layer = try await hub.client.push(bytes, to: "s").digest
            try await hub.registry.collect()
            #expect(try await hub.client.send("GET", "/v2/s/blobs/\(layer)").body == bytes)
            #expect(try await hub.client.send("DELETE", "/v2/s/blobs/\(layer)").status == 405)
        }
    }

    @Test func `a quota holds for all repositories of its scope together`() async throws {
        try await withHub { hub in
            try await decide(hub, "q/*", RepositoryPolicy(quota: 100_000))
            let first = try await hub.client.push(sampleBytes(60_000), to: "q/a").digest
            let second = sampleBytes(60_000, seed: 2)
            let refused = try await hub.client.send(
                "POST", "/v2/q/b/blobs/uploads/?digest=\(Digest(of: second))", body: second)
            #expect(refused.status == 403)
            #expect(refused.code == "DENIED")
            #expect(try await hub.client.send("HEAD", "/v2/q/b/blobs/\(Digest(of: second))").status == 404)
            // Neither a single request nor an upload in parts leaves bytes behind that count for nobody.
            let upload = try await hub.client.startUpload(in: "q/b")
            #expect(try await hub.client.send("PATCH", upload, body: second).status == 202)
            let finished = try await hub.client.send(
                "PUT", "\(upload)?digest=\(Digest(of: second))", body: [])
            #expect(finished.status == 403)
            #expect(try await hub.client.send("GET", upload).status == 404)
            #expect(hub.files("blobs").count == 1)
            #expect(hub.files("uploads").isEmpty)
            let mount = try await hub.client.send(
                "POST", "/v2/q/b/blobs/uploads/?mount=\(first)&from=q/a", body: [])
            #expect(mount.status == 403)
            try await hub.client.push(second, to: "elsewhere")
            // What another repository holds is not removed when this one may not have it.
            let again = try await hub.client.send(
                "POST", "/v2/q/b/blobs/uploads/?digest=\(Digest(of: second))", body: second)
            #expect(again.status == 403)
            #expect(
                try await hub.client.send("GET", "/v2/elsewhere/blobs/\(Digest(of: second))").body == second)
            #expect(try await hub.client.send("DELETE", "/v2/q/a/blobs/\(first)").status == 202)
            try await hub.client.push(second, to: "q/b")
        }
    }

    private func held(_ hub: TestHub) async throws -> Int64 {
        try await hub.metadata.read { database in
            try Int64.fetchOne(database, sql: "SELECT held_bytes FROM repositories WHERE name = 'q/a'") ?? 0
        }
    }

    @Test func `a module that the hub takes out of a layer counts, and is not kept without room for it`()
        async throws
    {
        try await withHub(reads: false) { hub in
            let image = try FilterSketch(isLarge: true)
            let pushed =
                image.blobs.reduce(0) { $0 + $1.descriptor.size } + Int64(image.document.bytes.count)
            let module = Int64(FilterSketch.module(isLarge: true).count)
            let indexer = FactIndexer(hub.registry, FilterReader(), logger: Logger(label: "hub-tests"))
            try await decide(hub, "q/*", RepositoryPolicy(quota: pushed + module - 1))
            try await hub.client.push(image, to: "q/a", tag: "v1")
            let files = hub.files("blobs").count
            // The push was acknowledged: the module is described, and not served.
            _ = try await indexer.readEverything()
            let facts = try await hub.client.facts("q/a/v1")
            #expect(facts.kind == "filter")
            #expect(facts.module?.path == nil)
            #expect(facts.reason?.contains("may hold \(pushed + module - 1) bytes") == true)
            let missing = try await hub.client.send("GET", "/modules/q/a/v1.wasm")
            #expect(missing.status == 404)
            #expect(missing.code == "MODULE_UNKNOWN")
            #expect(try await held(hub) == pushed)
            #expect(hub.files("blobs").count == files)
            try await decide(hub, "q/*", RepositoryPolicy(quota: pushed + module))
            // The same image read again takes no more room.
            for _ in 0..<2 {
                _ = try await indexer.readEverything()
                #expect(try await held(hub) == pushed + module)
            }
            let served = try await hub.client.send("GET", "/modules/q/a/v1.wasm")
            #expect(served.body == FilterSketch.module(isLarge: true))
            #expect(hub.files("blobs").count == files + 1)
            let full = try await hub.client.send(
                "POST", "/v2/q/a/blobs/uploads/?digest=\(Digest(of: [1]))", body: [1])
            #expect(full.status == 403)
            let deleted = try await hub.client.send("DELETE", "/v2/q/a/manifests/\(image.document.digest)")
            #expect(deleted.status == 202)
            #expect(try await held(hub) == pushed - Int64(image.document.bytes.count))
        }
    }

    @Test func `a module that is a layer by itself counts once`() async throws {
        try await withHub { hub in
            let image = try FilterSketch(.cncf, isLarge: true)
            try await hub.client.push(image, to: "q/a", tag: "v1")
            #expect(try await hub.client.facts("q/a/v1").module?.path != nil)
            let pushed =
                image.blobs.reduce(0) { $0 + $1.descriptor.size } + Int64(image.document.bytes.count)
            #expect(try await held(hub) == pushed)
        }
    }

    @Test func `old tags and untagged manifests go, but not what an index or an image holds`() async throws {
        var limits = Hub.Registry.Limits()
        limits.blobLease = 0
        try await withHub(limits: limits) { hub in
            var images: [ManifestDocument] = []
            for number in 0..<4 {
                images.append(
                    try await hub.client.pushImage(
                        to: "r", tag: "t\(number)", layer: sampleBytes(20_000, seed: UInt64(number + 1))))
            }
            let keep = try await hub.client.pushImage(to: "r", tag: "keep", layer: sampleBytes(9))
            let child = try await hub.client.pushImage(to: "r", tag: "child", layer: sampleBytes(8))
            _ = try await hub.client.send("DELETE", "/v2/r/manifests/child")
            let index = try ManifestDocument(
                bytes: try canonicalJSON(Index(manifests: [child.descriptor])), mediaType: .imageIndex)
            #expect(try await hub.client.putManifest(index, to: "r", as: "zz-index").status == 201)
            let note = try ManifestDocument(
                image(config: try #require(keep.blobs.first), layers: [], subject: keep.descriptor))
            #expect(try await hub.client.putManifest(note, to: "r", as: "\(note.digest)").status == 201)
            try await decide(
                hub, "*", RepositoryPolicy(immutableTags: ["keep"], keepTags: 1, untaggedLifetime: 0))
            let collected = try await hub.registry.collect()
            #expect(collected.tags == 4)
            #expect(collected.manifests == 4)
            #expect(collected.blobs == 4)
            for image in images {
                #expect(try await hub.client.send("GET", "/v2/r/manifests/\(image.digest)").status == 404)
            }
            for document in [keep, child, index, note] {
                #expect(
                    try await hub.client.send("GET", "/v2/r/manifests/\(document.digest)").status == 200)
            }
        }
    }

    @Test func `a policy that cannot be meant is refused`() throws {
        for policy in [
            RepositoryPolicy(keepTags: -1), RepositoryPolicy(untaggedLifetime: -1),
            RepositoryPolicy(quota: -1),
            RepositoryPolicy(immutableTags: ["a b"]), RepositoryPolicy(immutableTags: [""]),
            RepositoryPolicy(immutableTags: [String](repeating: "v*", count: 101)),
        ] {
            #expect(throws: HubError.self) { try policy.validate() }
        }
    }
}
