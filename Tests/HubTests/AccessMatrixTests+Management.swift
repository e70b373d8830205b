// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

extension AccessMatrixTests {
    /// What runs the hub: who may, by the least of the visitors.
    static let management: [(method: String, path: String, body: String, least: [Visitor], status: Int)] = [
        ("GET", "account", "", [.stranger, .reader, .writer, .admin, .elsewhere, .readOnly, .session], 200),
        ("PUT", "account/password", #"{"old":"wrong","new":"long enough"}"#, [], 403),
        ("GET", "users/root/sessions", "", [], 200), ("GET", "users/root/repositories", "", [], 200),
        ("DELETE", "users/root/sessions/0123456789abcdef", "", [], 404),
        ("GET", "organisations", "", [.stranger, .reader, .writer, .admin], 200),
        ("GET", "organisations/acme", "", [.reader, .writer, .admin], 200),
        ("GET", "organisations/acme/repositories", "", [.reader, .writer, .admin], 200),
        ("GET", "organisations/acme/robots", "", [.admin], 200), ("GET", "storage", "", [], 200),
        ("GET", "collection", "", [], 200), ("POST", "collection", "", [], 202),
        ("GET", "settings", "", [], 200),
        ("GET", "users", "", [], 200), ("GET", "audit", "", [], 200),
        ("POST", "users", #"{"name":"mallory","password":"long enough"}"#, [], 201),
        ("PATCH", "users/wim", #"{"isAdmin":true}"#, [], 204), ("GET", "users/root", "", [], 200),
        ("GET", "users/root/tokens", "", [], 200), ("DELETE", "users/root", "", [], 204),
        ("POST", "users/root/tokens", #"{"name":"x"}"#, [], 201),
        ("POST", "organisations", #"{"name":"evil"}"#, [], 201),
        ("GET", "organisations/acme/members", "", [.admin], 200),
        ("PUT", "organisations/acme/members/rea", #"{"role":"read"}"#, [.admin], 204),
        ("DELETE", "organisations/acme/members/root", "", [.admin], 204),
        ("GET", "repositories/acme/secret/members", "", [.admin], 200),
        ("PUT", "repositories/acme/secret/visibility", #"{"isPublic":false}"#, [.admin], 204),
        ("DELETE", "repositories/acme/secret/members/root", "", [.admin], 204),
        ("GET", "repositories/acme/secret/visibility", "", [.reader, .writer, .admin, .readOnly], 200),
        ("GET", "policies", "", [.stranger, .reader, .writer, .admin, .elsewhere, .readOnly, .session], 200),
        ("GET", "policy", "", [], 200), ("PUT", "policy", #"{"keepTags":9}"#, [], 204),
        ("DELETE", "policy", "", [], 204),
        ("PUT", "organisations/acme/policy", #"{"keepTags":5}"#, [.admin], 204),
        ("GET", "organisations/acme/policy", "", [.admin], 200),
        ("DELETE", "organisations/acme/policy", "", [.admin], 204),
        ("PUT", "organisations/acme/policy", #"{"quota":5000000}"#, [], 204),
        ("PUT", "repositories/acme/secret/policy", #"{"immutableTags":["v*"]}"#, [.admin], 204),
        ("GET", "repositories/acme/secret/policy", "", [.admin], 200),
        ("PUT", "repositories/acme/secret/policy", #"{"quota":5000000}"#, [], 204),
        ("DELETE", "repositories/acme/secret/policy", "", [.admin], 204),
        ("GET", "webhooks", "", [], 200), ("GET", "webhooks/ci", "", [], 404),
        ("POST", "webhooks", #"{"name":"ci","url":"https://ci.internal/x"}"#, [], 201),
        ("GET", "webhooks/ci", "", [], 200), ("GET", "webhooks/ci/deliveries", "", [], 200),
        ("POST", "webhooks/ci/ping", "", [], 202), ("PATCH", "webhooks/ci", #"{"attempts":3}"#, [], 200),
        ("DELETE", "webhooks/ci", "", [], 204),
        ("GET", "organisations/acme/webhooks", "", [.admin], 200),
        (
            "POST", "organisations/acme/webhooks", #"{"name":"ci","url":"https://ci.example.com/x"}"#,
            [.admin],
            201
        ),
        ("GET", "organisations/acme/webhooks/ci", "", [.admin], 200),
        ("POST", "organisations/acme/webhooks/ci/ping", "", [.admin], 202),
        ("GET", "organisations/acme/webhooks/ci/deliveries", "", [.admin], 200),
        ("PATCH", "organisations/acme/webhooks/ci", #"{"attempts":3}"#, [.admin], 200),
        ("DELETE", "organisations/acme/webhooks/ci", "", [.admin], 204),
        ("DELETE", "organisations/acme", "", [], 204),
    ]

    @Test func `the hub is run by those who may, and by nobody else`() async throws {
        try await withTown { town in
            for visitor in Visitor.allCases {
                let headers = try await Self.headers(visitor, town)
                for (method, path, body, allowed, status) in Self.management {
                    let reply = try await town.hub.client.send(
                        method, "/api/v1/\(path)",
                        headers.merging(["Content-Type": "application/json"]) { $1 },
                        body: Array(body.utf8))
                    if allowed.contains(visitor) {
                        #expect(reply.status == status, "\(visitor) \(method) \(path): \(reply.text)")
                    } else if !visitor.isValid || visitor == .anonymous {
                        #expect(reply.status == 401, "\(visitor) \(method) \(path): \(reply.text)")
                    } else {
                        #expect(
                            [401, 403, 404].contains(reply.status),
                            "\(visitor) \(method) \(path): \(reply.text)")
                    }
                }
            }
            // The hub's own administrator may do all of it.
            for (method, path, body, _, status) in Self.management
            where path != "users/root" || method != "DELETE" {
                let reply = try await town.hub.client.send(
                    method, "/api/v1/\(path)",
                    Town.basic("root", "secret").merging(["Content-Type": "application/json"]) { $1 },
                    body: Array(body.utf8))
                #expect(reply.status == status, "\(method) \(path): \(reply.text)")
            }
        }
    }
}
