// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import OCI
import Synchronization
import Testing

/// Rights, retention and quotas of repositories of other registries.
@Suite(.timeLimit(.minutes(3))) struct MirrorRuleTests {
    @Test func `the hub's own rules say who may pull`() async throws {
        let upstream = try ScriptedUpstream()
        for isPublic in [false, true] {
            var policy = AccessPolicy(isOpen: false, allowsAnonymousPull: true)
            if isPublic { policy.publicPatterns = ["m", "m/*"] }
            try await withHub(
                policy: policy, mirrors: try mirrors(of: upstream.authority, isPublic: isPublic)
            ) { hub in
                let directory = hub.gatekeeper.directory(for: .host)
                try await directory.addUser(try AccountName("rea"), password: "a good password")
                try await directory.addUser(try AccountName("ann"), password: "a good password")
                try await directory.store.setRole(
                    .read, of: try AccountName("rea"), in: .repository(try Repository("m/a")))
                func status(_ user: String?, _ path: String) async throws -> Int {
                    var headers: [String: String] = [:]
                    if let user {
                        let pair = Data("\(user):a good password".utf8).base64EncodedString()
                        headers["Authorization"] = "Basic \(pair)"
                    }
                    return try await hub.client.send("GET", path, headers).status
                }
                let asked = upstream.requests.count
                for path in [
                    "/v2/m/a/manifests/v1", "/v2/m/a/blobs/\(Digest(of: upstream.layer))",
                    "/v2/a/manifests/v1?ns=example.org", "/v2/m/a/tags/list",
                    "/v2/m/a/referrers/\(upstream.image.digest)",
                ] {
                    #expect(
                        try await status(nil, path) == (isPublic ? (path.hasSuffix("list") ? 404 : 200) : 401)
                    )
                    if !isPublic { #expect(try await status("ann", path) == 404) }
                    // Nobody is asked on behalf of those who may not know.
                    if !isPublic { #expect(upstream.requests.count == asked) }
                }
                #expect(try await status("rea", "/v2/m/a/manifests/v1") == 200)
            }
        }
    }

    @Test func `a mirrored name that one may not read answers as any that is not there, to the letter`()
        async throws
    {
        let upstream = try ScriptedUpstream()
        try await withHub(
            policy: AuthorizationTests.closed, mirrors: try mirrors(of: upstream.authority)
        ) { hub in
            let directory = hub.gatekeeper.directory(for: .host)
            for name in ["rea", "eve"] {
                try await directory.addUser(try AccountName(name), password: "a good password")
            }
            try await directory.store.setRole(
                .read, of: try AccountName("rea"), in: .repository(try Repository("m/a")))
            let rea = Town.basic("rea", "a good password")
            #expect(try await hub.client.send("GET", "/v2/m/a/manifests/v1", rea).status == 200)
            let asked = upstream.requests.count
            let (image, blob) = (upstream.image.digest, Digest(of: upstream.layer))
            for headers in [[:], Town.basic("eve", "a good password")] {
                // One that is held, one that the other registry has or not, and one of no mirror.
                for mirrored in ["m/a", "m/b"] {
                    let pairs = zip(
                        AccessMatrixTests.routes(mirrored, image, blob),
                        AccessMatrixTests.routes("x/a", image, blob))
                    for (route, other) in pairs {
                        let first = try await hub.client.send(route.method, route.path, headers, body: [])
                        let second = try await hub.client.send(other.method, other.path, headers, body: [])
                        let name = "\(route.method) \(route.path)"
                        #expect(first.status == second.status, "\(name)")
                        let text = first.text.replacing(mirrored, with: "x/a").replacing(
                            mirrored.replacing("/", with: "%2F"), with: "x%2Fa")
                        #expect(text == second.text, "\(name)")
                        let challenges = [first, second].map { $0["WWW-Authenticate"] ?? "" }
                        #expect(
                            challenges[0].replacingOccurrences(of: mirrored, with: "x/a") == challenges[1],
                            "\(name)")
                    }
                }
                for path in ["/v2/_catalog", "/", "/api/v1/search?q=", "/r/m/a"] {
                    let reply = try await hub.client.send("GET", path, headers)
                    #expect(!reply.text.contains("m/a"), "\(path)")
                }
            }
            #expect(upstream.requests.count == asked)
            // Who may read may nevertheless not write, by whatever route.
            for route in AccessMatrixTests.routes("m/a", image, blob) where route.action == .push {
                let reply = try await hub.client.send(route.method, route.path, rea, body: [])
                #expect(reply.status == 403, "\(route.method) \(route.path)")
            }
        }
    }

    @Test func `what nobody pulled for long goes, and what exceeds a quota is passed on and not kept`()
        async throws
    {
        let clock = Atomic<Int64>(1_800_000_000)
        let upstream = try ScriptedUpstream()
        let rules = try mirrors(of: upstream.authority, maxAge: 1 << 40, lifetime: 30 * 86400)
        try await withHub(mirrors: rules, now: { clock.load(ordering: .relaxed) }) { hub in
            let manifest = "/v2/m/a/manifests/v1"
            let blob = "/v2/m/a/blobs/\(Digest(of: upstream.layer))"
            #expect(try await hub.client.send("GET", manifest).status == 200)
            #expect(try await hub.client.send("GET", blob).status == 200)
            try await hub.client.pushImage(to: "own", tag: "v1")
            clock.add(20 * 86400, ordering: .relaxed)
            #expect(try await hub.client.send("GET", manifest).status == 200)
            clock.add(20 * 86400, ordering: .relaxed)
            #expect(try await hub.registry.collect().manifests == 0)
            #expect(hub.files("blobs").count == 1)
            clock.add(11 * 86400, ordering: .relaxed)
            #expect(try await hub.registry.collect().manifests == 1)
            #expect(hub.files("blobs") == [])
            #expect(try await hub.client.send("GET", "/v2/own/manifests/v1").status == 200)
            try await hub.registry.acting(for: .host).setPolicy(
                RepositoryPolicy(quota: 2000), for: try PolicyScope("m/*"))
            #expect(try await hub.client.send("GET", manifest).body == upstream.image.bytes)
            #expect(try await hub.client.send("GET", blob).body == upstream.layer)
            #expect(hub.files("blobs") == [])
            #expect(hub.files("uploads") == [])
            #expect(try await hub.client.send("GET", blob).body == upstream.layer)
            #expect(upstream.requests.filter { $0 == "GET a/blobs/\(Digest(of: upstream.layer))" }.count == 3)
        }
    }
}
