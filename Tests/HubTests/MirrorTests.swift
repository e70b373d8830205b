// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import Hub
import LoopbackServer
import OCI
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Repositories of other registries: how the hub answers for them.
@Suite(.timeLimit(.minutes(3))) struct MirrorTests {
    @Test func `a blob reaches the client while it arrives, and is asked for once however many want it`()
        async throws
    {
        let release = DispatchSemaphore(value: 0)
        let upstream = try ScriptedUpstream(layer: sampleBytes(1_000_000)) { exchange, path, layer in
            guard path == "a/blobs/\(Digest(of: layer))" else { return false }
            // The second half comes when somebody has read the first one from the hub.
            try exchange.write("HTTP/1.1 200 OK\r\nContent-Length: \(layer.count)\r\n\r\n")
            try exchange.write(layer[..<500_000])
            release.wait()
            try exchange.write(layer[500_000...])
            return true
        }
        try await withHub(mirrors: try mirrors(of: upstream.authority)) { hub in
            #expect(try await hub.client.send("GET", "/v2/m/a/manifests/v1").body == upstream.image.bytes)
            let digest = Digest(of: upstream.layer)
            let readers = Counter()
            let bodies = try await withThrowingTaskGroup { group in
                for _ in 0..<6 {
                    group.addTask {
                        try await onThread {
                            let wire = try Wire(port: hub.client.port)
                            try wire.send("GET /v2/m/a/blobs/\(digest) HTTP/1.1\r\nHost: h\r\n\r\n")
                            #expect(try wire.interim() == 200)
                            let half = try wire.read(400_000)
                            if readers.next() == 6 { release.signal() }
                            return half + (try wire.read(600_000))
                        }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(bodies == Array(repeating: upstream.layer, count: 6))
            #expect(try await hub.client.send("GET", "/v2/m/a/blobs/\(digest)").body == upstream.layer)
            #expect(upstream.requests.filter { $0.contains("blobs") } == ["GET a/blobs/\(digest)"])
            #expect(hub.files("blobs").count == 1)
            #expect(hub.files("uploads") == [])
        }
    }

    @Test func `what is here is not asked for again, and a tag only when it is old`() async throws {
        let clock = Atomic<Int64>(1_800_000_000)
        let upstream = try ScriptedUpstream()
        try await withHub(
            mirrors: try mirrors(of: upstream.authority, maxAge: 60), now: { clock.load(ordering: .relaxed) }
        ) { hub in
            let path = "/v2/m/a/manifests/v1"
            for _ in 0..<3 {
                let reply = try await hub.client.send("GET", path)
                #expect(reply.body == upstream.image.bytes)
                #expect(reply["Docker-Content-Digest"] == upstream.image.digest.description)
                #expect(reply["Warning"] == nil)
            }
            for blob in upstream.image.blobs + upstream.image.blobs {
                let reply = try await hub.client.send("GET", "/v2/m/a/blobs/\(blob.digest)")
                #expect(Digest(of: reply.body) == blob.digest)
            }
            let digest = "/v2/m/a/manifests/\(upstream.image.digest)"
            #expect(try await hub.client.send("GET", digest).status == 200)
            #expect(
                upstream.requests == ["GET a/manifests/v1"]
                    + upstream.image.blobs.map { "GET a/blobs/\($0.digest)" })
            clock.add(61, ordering: .relaxed)
            #expect(try await hub.client.send("HEAD", path).status == 200)
            #expect(try await hub.client.send("HEAD", path).status == 200)
            #expect(upstream.requests.dropFirst(3) == ["HEAD a/manifests/v1"])
            upstream.stop()
            #expect(try await hub.client.send("GET", path)["Warning"] == nil)
            clock.add(61, ordering: .relaxed)
            // Nobody can say whether it still counts, but it is here.
            let stale = try await hub.client.send("GET", path)
            #expect(stale.body == upstream.image.bytes)
            #expect(stale["Warning"]?.hasPrefix("299 - \"\(upstream.authority) does not answer") == true)
            let unknown = try await hub.client.send("GET", "/v2/m/a/manifests/v2")
            #expect(unknown.status == 502)
            #expect(unknown.code == "UNAVAILABLE")
        }
    }

    @Test(arguments: [
        (401, 403, "DENIED", "do not suffice"), (403, 403, "DENIED", "do not suffice"),
        (404, 404, "MANIFEST_UNKNOWN", "has no manifest"), (429, 429, "TOOMANYREQUESTS", "answered 429"),
        (500, 502, "UNAVAILABLE", "answered 500"), (200, 502, "UNAVAILABLE", "cannot read manifest"),
    ])
    func `a refusal of the other registry is explained`(
        status: Int, answered: Int, code: String, words: String
    ) async throws {
        let upstream = try ScriptedUpstream { exchange, path, _ in
            guard !path.isEmpty else { return false }
            try exchange.respond(status, headers: [("Retry-After", "7000")], text: "secret words of a server")
            return true
        }
        try await withHub(mirrors: try mirrors(of: upstream.authority)) { hub in
            let reply = try await hub.client.send("GET", "/v2/m/a/manifests/v1")
            #expect(reply.status == answered)
            #expect(reply.code == code)
            #expect(reply.text.contains(words), "\(reply.text)")
            #expect(reply["WWW-Authenticate"] == nil)
            #expect(reply["Retry-After"] == (status == 429 ? "7000" : nil))
            guard status == 404 else { return }
            let digest = Digest(of: [1, 2, 3])
            #expect(try await hub.client.send("GET", "/v2/m/a/blobs/\(digest)").code == "BLOB_UNKNOWN")
            #expect(try await hub.client.send("HEAD", "/v2/m/a/blobs/\(digest)").status == 404)
            #expect(try await hub.client.send("GET", "/v2/m/a/tags/list").code == "NAME_UNKNOWN")
            #expect(try await hub.client.send("GET", "/v2/m/a/referrers/\(digest)").status == 200)
        }
    }

    @Test func `content that is not what it should be is kept from clients, and not kept`() async throws {
        let upstream = try ScriptedUpstream { exchange, path, layer in
            guard path == "a/blobs/\(Digest(of: layer))" else { return false }
            var wrong = layer
            wrong[wrong.count - 1] ^= 1
            try exchange.respond(200, body: wrong)
            return true
        }
        try await withHub(mirrors: try mirrors(of: upstream.authority)) { hub in
            _ = try await hub.client.send("GET", "/v2/m/a/manifests/v1")
            let digest = Digest(of: upstream.layer)
            // It may be found out before the answer begins.
            let reply = try? await hub.client.send("GET", "/v2/m/a/blobs/\(digest)")
            #expect(reply == nil || reply?.status == 502)
            #expect(hub.files("blobs") == [])
            #expect(hub.files("uploads") == [])
        }
    }

    private struct TagsPage: Decodable { let tags: [String] }

    private func tags(_ hub: TestHub, _ query: String) async throws -> (tags: [String], link: String?) {
        let reply = try await hub.client.send("GET", "/v2/m/a/tags/list\(query)")
        try #require(reply.status == 200, "\(reply.text)")
        return (try JSONDecoder().decode(TagsPage.self, from: Data(reply.body)).tags, reply["Link"])
    }

    @Test
    func `a page of tags asks the other registry for a page, and one that knows no pages is read whole`()
        async throws
    {
        let all = (0..<2500).map { "v\(10_000 + $0)" }
        for knowsPages in [true, false] {
            let upstream = try ScriptedUpstream { exchange, path, _ in
                guard path.hasPrefix("a/tags/list") else { return false }
                let items = exchange.request.target.split(separator: "?").last?.split(separator: "&") ?? []
                func value(_ name: String) -> String? {
                    items.first { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.count + 1)) }
                }
                let limit = min(value("n").flatMap { Int($0) } ?? 1000, 1000)
                let rest = knowsPages ? all.filter { $0 > value("last") ?? "" } : all
                let page = knowsPages ? Array(rest.prefix(limit)) : rest
                var headers: [(String, String)] = []
                if page.count < rest.count, let last = page.last {
                    headers = [("Link", "</v2/a/tags/list?n=\(limit)&last=\(last)>; rel=\"next\"")]
                }
                let body = try JSONEncoder().encode(["tags": page])
                try exchange.respond(200, headers: headers, body: Array(body))
                return true
            }
            try await withHub(mirrors: try mirrors(of: upstream.authority)) { hub in
                let page = try await tags(hub, "?n=10&last=v10019")
                #expect(page.tags == Array(all[20..<30]))
                #expect(page.link?.contains("last=v10029") == true)
                // Where one page ends and nothing follows, no further one is offered.
                let end = try await tags(hub, "?n=10&last=v12489")
                #expect(end.tags == Array(all.suffix(10)))
                #expect(end.link == nil)
                #expect(try await tags(hub, "?n=10&last=zzz").tags == [])
                var collected: [String] = []
                var query: String? = ""
                while let current = query {
                    let page = try await tags(hub, current)
                    collected += page.tags
                    query = page.link.flatMap { $0.split(separator: "?").last?.split(separator: ">").first }
                        .map { "?\($0)" }
                }
                #expect(collected == all)
                guard knowsPages else { return }
                let asked = upstream.requests.filter { $0.contains("tags/list") }
                #expect(asked.first == "GET a/tags/list", "\(asked)")
                // One request for each short page, two for a whole one that must know whether there are more.
                #expect(asked.count <= 3 + 2 * 3, "\(asked.count)")
            }
        }
    }

    @Test func `nothing is pushed to a mirror, and what it holds can be given up`() async throws {
        let upstream = try ScriptedUpstream()
        try await withHub(mirrors: try mirrors(of: upstream.authority)) { hub in
            #expect(try await hub.client.send("GET", "/v2/m/a/manifests/v1").status == 200)
            let blob = try await hub.client.push(sampleBytes(100), to: "own")
            for (method, path) in [
                ("POST", "/v2/m/a/blobs/uploads/"), ("POST", "/v2/m/a/blobs/uploads/?digest=\(blob.digest)"),
                ("POST", "/v2/m/a/blobs/uploads/?mount=\(blob.digest)&from=own"),
                ("PUT", "/v2/m/a/manifests/v2"), ("PUT", "/v2/m/new/manifests/v2"),
            ] {
                let reply = try await hub.client.send(method, path, body: [])
                #expect(reply.status == 403, "\(path)")
                #expect(reply.code == "DENIED")
                #expect(reply.text.contains("is a mirror of \\\"\(upstream.authority)/"), "\(reply.text)")
            }
            // "mm" is another name, and so is what lies beside the mirror.
            try await hub.client.pushImage(to: "mm/a", tag: "v1")
            #expect(try await hub.client.send("DELETE", "/v2/m/a/manifests/v1").status == 202)
            #expect(try await hub.client.send("GET", "/v2/m/a/manifests/v1").status == 200)
            #expect(upstream.requests.filter { $0 == "GET a/manifests/v1" }.count == 2)
        }
    }

    @Test func `who asks a proxy for another registry's repository gets it`() async throws {
        let upstream = try ScriptedUpstream()
        try await withHub(mirrors: try mirrors(of: upstream.authority)) { hub in
            for path in [
                "manifests/v1", "manifests/\(upstream.image.digest)", "blobs/\(Digest(of: upstream.layer))",
            ] {
                let reply = try await hub.client.send("GET", "/v2/a/\(path)?ns=example.org")
                #expect(reply.status == 200)
                #expect(reply["OCI-Namespace"] == "example.org")
                let other = try await hub.client.send("GET", "/v2/a/\(path)?ns=example.net")
                #expect(other.status == 404)
                #expect(other["OCI-Namespace"] == nil)
            }
            #expect(try await hub.client.send("GET", "/v2/m/a/manifests/v1").status == 200)
        }
    }
}
