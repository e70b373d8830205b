// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import HubOutbound
import OCI
import TestSupport
import Testing

@testable import HubHTTP

/// The description of `/api/v1`, held against what is answered there.
@Suite struct OpenAPITests {
    private static let methods = ["get", "put", "post", "patch", "delete"]

    /// Where a route is described; one without a place does not compile.
    private static func path(_ route: ManagementRoute) -> String {
        switch route {
        case .account: "account"
        case .password: "account/password"
        case .users: "users"
        case .user: "users/{account}"
        case .tokens: "users/{account}/tokens"
        case .token: "users/{account}/tokens/{id}"
        case .sessions: "users/{account}/sessions"
        case .session: "users/{account}/sessions/{id}"
        case .organisations: "organisations"
        case .organisation: "organisations/{organisation}"
        case .robots: "organisations/{organisation}/robots"
        case .repositories: "organisations/{organisation}/repositories"
        case .members(let target): "\(path(target))/members"
        case .member(let target, _): "\(path(target))/members/{member}"
        case .visibility: "repositories/{repository}/visibility"
        case .audit: "audit"
        case .storage: "storage"
        case .collection: "collection"
        case .settings: "settings"
        }
    }

    private static func path(_ target: RoleTarget) -> String {
        switch target {
        case .organisation: "organisations/{organisation}"
        case .repository: "repositories/{repository}"
        }
    }

    /// A path with names in it that nothing has, so that nothing is removed.
    private static func filled(_ path: String) -> String {
        var path = path
        for (name, value) in [
            ("account", "nobody"), ("organisation", "nobody"), ("member", "no-member"),
            ("webhook", "none"), ("id", "0123456789abcdef"), ("repository", "nobody/at/all"),
            ("reference", "v1"),
        ] {
            path = path.replacing("{\(name)}", with: value)
        }
        return path
    }

    @Test func `each route is described, and each path that is described is a route`() async throws {
        try await withTown { town in
            let document = try await OpenAPIDescription(town.hub.client)
            var routes = Set<String>()
            for path in document.paths {
                let segments = Self.filled(path).split(separator: "/").map(String.init)
                if try PolicyAPI.Route(segments) != nil || WebhookAPI.Route(segments) != nil {
                    routes.insert(path)
                } else if let route = try? ManagementRoute(Array(segments.dropFirst(2))) {
                    let expected = "/api/v1/\(Self.path(route))"
                        .replacing(
                            "organisations/{organisation}/repositories",
                            with: path.contains("/users/")
                                ? "users/{account}/repositories" : "organisations/{organisation}/repositories"
                        )
                    #expect(path == expected)
                    routes.insert(path)
                } else {
                    #expect(
                        [
                            "/api/v1/search", "/api/v1/openapi.json",
                            "/api/v1/facts/{repository}/{reference}", "/api/v1/pulls/{repository}",
                        ].contains(path))
                }
            }
            let all: [ManagementRoute] = try [
                ["account"], ["account", "password"], ["users"], ["users", "a"], ["users", "a", "tokens"],
                ["users", "a", "tokens", "x"], ["users", "a", "sessions"], ["users", "a", "sessions", "x"],
                ["organisations"], ["organisations", "a"], ["organisations", "a", "robots"],
                ["organisations", "a", "repositories"], ["organisations", "a", "members"],
                ["organisations", "a", "members", "b"], ["repositories", "a", "members"],
                ["repositories", "a", "members", "b"], ["repositories", "a", "visibility"], ["audit"],
                ["storage"], ["collection"], ["settings"],
            ].map { try ManagementRoute($0) }
            for route in all { #expect(routes.contains("/api/v1/\(Self.path(route))")) }
            for name in [
                "policies", "policy", "organisations/{organisation}/policy",
                "repositories/{repository}/policy", "webhooks", "webhooks/{webhook}",
                "webhooks/{webhook}/deliveries", "webhooks/{webhook}/ping",
                "organisations/{organisation}/webhooks", "organisations/{organisation}/webhooks/{webhook}",
                "organisations/{organisation}/webhooks/{webhook}/deliveries",
                "organisations/{organisation}/webhooks/{webhook}/ping",
            ] {
                #expect(routes.contains("/api/v1/\(name)"))
            }
        }
    }

    @Test func `each method that is described is taken, and no other`() async throws {
        try await withTown { town in
            let document = try await OpenAPIDescription(town.hub.client)
            let headers = Town.basic("root", "secret").merging(["Content-Type": "application/json"]) { $1 }
            for path in document.paths {
                let described = document.operations(path).keys
                for method in Self.methods {
                    let reply = try await town.hub.client.send(
                        method.uppercased(), Self.filled(path), headers, body: [])
                    #expect(
                        described.contains(method) == (reply.status != 405),
                        "\(method) \(path): \(reply.status)")
                    #expect(reply.status < 500)
                }
            }
        }
    }

    @Test func `what is sent and what is answered is as described`() async throws {
        let operation = HubOperation(
            settings: [SettingInEffect(key: "listen", value: "x", isSet: true)],
            webhookRules: AllowedReceivers(hosts: ["*.example.com"]))
        try await withHub(policy: AuthorizationTests.closed, operation: operation) { hub in
            let town = try await Town(hub)
            let root = Town.basic("root", "secret")
            try await hub.client.push(try FilterSketch(), to: "acme/open", tag: "filter", root)
            _ = try await hub.client.facts("acme/open/filter", root)
            _ = try await Browser.signedIn("eve", town)
            let document = try await OpenAPIDescription(hub.client)
            for sample in Self.samples {
                let operation = try #require(document.operations("/api/v1/\(sample.template)")[sample.method])
                if let body = sample.body {
                    let schema = document.requestSchema(operation)
                    let value = try JSONSerialization.jsonObject(with: Data(body.utf8))
                    #expect(document.problem(with: value, schema) == nil, "\(sample.template)")
                }
                let reply = try await hub.client.send(
                    sample.method.uppercased(), "/api/v1/\(sample.path)",
                    Town.basic(sample.user, "secret").merging(["Content-Type": "application/json"]) { $1 },
                    body: sample.body.map { Array($0.utf8) })
                let place = "\(sample.method) \(sample.path): \(reply.status) \(reply.text)"
                let schema = document.answerSchema(operation, reply.status)
                #expect(schema.isDescribed, "\(place)")
                guard let schema = schema.schema else {
                    #expect(reply.body.isEmpty, "\(place)")
                    continue
                }
                let value = try JSONSerialization.jsonObject(with: Data(reply.body))
                let problem = document.problem(with: value, schema)
                #expect(problem == nil, "\(problem ?? "") in \(place)")
            }
            let refused = try await hub.client.send("GET", "/api/v1/users", Town.basic("eve", "secret"))
            let errors: [String: Any] = ["$ref": "#/components/schemas/Errors"]
            let value = try JSONSerialization.jsonObject(with: Data(refused.body))
            #expect(document.problem(with: value, errors) == nil)
            #expect(document.problem(with: ["errors": [["message": "x"]]], errors) != nil)
        }
    }
}
