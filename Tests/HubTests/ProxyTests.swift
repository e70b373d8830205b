// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import Hub
import HubHTTP
import TestSupport
import Testing

/// Where requests come from when a proxy stands before the hub.
@Suite struct ProxyTests {
    private func proxies(_ header: TrustedProxies.Header = .xForwardedFor) throws -> TrustedProxies {
        TrustedProxies(
            try ["127.0.0.1", "10.0.0.0/8", "fd00::/8"].map { try #require(AddressRange($0)) }, header: header
        )
    }

    private func fields(_ values: [String: String]) throws -> HTTPFields {
        var fields = HTTPFields()
        for (name, value) in values { fields[try #require(HTTPField.Name(name))] = value }
        return fields
    }

    @Test func `ranges hold what they say, in both families`() throws {
        for (range, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"), ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.0/31", "192.0.2.1", "192.0.2.2"), ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
            ("fd00::/8", "fdab::1", "fe80::1"),
            ("2001:db8::/65", "2001:db8::7fff:0:0:1", "2001:db8:0:0:8000::1"),
            ("::1", "::1", "::2"), ("10.0.0.0/8", "::ffff:10.1.2.3", "::10.1.2.3"),
            ("::/0", "::1", "no address"),
        ] {
            let parsed = try #require(AddressRange(range), "\(range)")
            #expect(parsed.contains(try #require(IPAddress(inside))), "\(range) \(inside)")
            #expect(IPAddress(outside).map { parsed.contains($0) } != true, "\(range) \(outside)")
        }
        for text in [
            "", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1", "a/8", "1.2.3.4/8/9",
            "fe80::1%eth0",
        ] {
            #expect(AddressRange(text) == nil, "\(text)")
        }
        #expect(IPAddress("::ffff:192.0.2.1")?.description == "192.0.2.1")
        #expect(IPAddress("2001:DB8:0:0::1")?.description == "2001:db8::1")
    }

    @Test func `the client is the last address that is no proxy of ours`() throws {
        let proxies = try proxies()
        for (peer, header, client) in [
            ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
            ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
            ("10.0.0.1", "198.51.100.1, 203.0.113.5, 10.2.2.2", "203.0.113.5"),
            ("10.0.0.1", "10.0.0.3", "10.0.0.3"),
            ("10.0.0.1", "203.0.113.5:4711", "203.0.113.5"),
            ("fd00::1", "[2001:db8::9]:443", "2001:db8::9"),
            ("10.0.0.1", "2001:db8::9", "2001:db8::9"),
            ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
            ("10.0.0.1", "198.51.100.1, nonsense, 10.3.3.3", "10.3.3.3"),
            ("10.0.0.1", "", "10.0.0.1"),
        ] {
            let headers = try fields(["X-Forwarded-For": header, "Forwarded": "for=192.0.2.99"])
            #expect(proxies.client(of: peer, headers) == client, "\(peer) \(header)")
        }
        #expect(
            TrustedProxies().client(of: "10.0.0.1", try fields(["X-Forwarded-For": "192.0.2.1"]))
                == "10.0.0.1")
        let forwarded = try self.proxies(.forwarded)
        for (value, client, scheme) in [
            ("for=203.0.113.5;proto=https;by=10.0.0.1", "203.0.113.5", "https"),
            (#"for=192.0.2.43, For="[2001:db8:cafe::17]:4711";Proto=http"#, "2001:db8:cafe::17", "http"),
            ("for=unknown", "10.0.0.1", nil), ("proto=gopher", "10.0.0.1", nil),
        ] as [(String, String, String?)] {
            let headers = try fields(["Forwarded": value, "X-Forwarded-For": "192.0.2.99"])
            #expect(forwarded.client(of: "10.0.0.1", headers) == client, "\(value)")
            #expect(forwarded.scheme(of: "10.0.0.1", headers) == scheme, "\(value)")
        }
    }

    @Test func `lock-outs and the audit log see the client, URLs its scheme`() async throws {
        let operation = HubOperation(proxies: try proxies())
        try await withHub(policy: AuthorizationTests.closed, operation: operation) { hub in
            _ = try await Town(hub)
            let client = hub.client
            let from = ["X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https"]
            let challenge = try await client.send("GET", "/v2/", from)["WWW-Authenticate"]
            #expect(challenge?.hasPrefix("Bearer realm=\"https://127.0.0.1:\(client.port)/token\"") == true)
            let wrong = Town.basic("ada", "wrong")
            var statuses: [Int] = []
            for _ in 0..<7 {
                statuses.append(try await client.send("GET", "/v2/", wrong.merging(from) { $1 }).status)
            }
            #expect(statuses.contains(429))
            // Somebody else behind the same proxy is not locked out by it.
            let other = ["X-Forwarded-For": "198.51.100.8"].merging(Town.basic("ada", "secret")) { $1 }
            #expect(try await client.send("GET", "/v2/", other).status == 200)
            let body = Array(#"{"isPublic":false}"#.utf8)
            let reply = try await client.send(
                "PUT", "/api/v1/repositories/acme/open/visibility",
                other.merging(["Content-Type": "application/json"]) { $1 }, body: body)
            #expect(reply.status == 204)
            let entries = try await hub.gatekeeper.directory(for: .host).store.auditEntries(
                before: nil, limit: 1)
            #expect(entries.first?.address == "198.51.100.8")
        }
        // Nobody is believed who is not trusted.
        try await withHub(policy: AuthorizationTests.closed) { hub in
            let challenge = try await hub.client.send("GET", "/v2/", ["X-Forwarded-Proto": "https"])[
                "WWW-Authenticate"]
            #expect(challenge?.hasPrefix("Bearer realm=\"http://") == true)
        }
    }
}
