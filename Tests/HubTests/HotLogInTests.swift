// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
@testable import HubHTTP
import OCI
import Testing

/// Passwords and tokens on the shorter way: they are known a second time, and worth nothing from the moment on that they
/// are worth nothing.
@Suite struct HotLogInTests {
    private static let path = "/v2/acme/secret/manifests/v1"

    /// What is shown: a password, and a robot's token in each of the ways to show it.
    private func credentials(_ town: Town) async throws -> [(name: String, headers: [String: String])] {
        let directory = town.hub.gatekeeper.directory(for: .host)
        let robot = try AccountName("acme+builder")
        try await directory.addRobot(robot)
        try await directory.store.setRole(.read, of: robot, in: .organisation(try AccountName("acme")))
        let secret = try await directory.createToken(
            for: robot, label: "test", scopes: [try Scope(parsing: "acme/*:pull")], lifetime: nil
        ).secret
        return [
            ("rea", Town.basic("rea", "secret")), ("acme+builder", Town.basic("acme+builder", secret)),
            ("acme+builder", Town.basic("token", secret)),
            ("acme+builder", ["Authorization": "Bearer \(secret)"]),
        ]
    }

    /// Sends a request until it is answered on the shorter way.
    private func warm(_ client: Client, _ paths: HotPaths, _ headers: [String: String]) async throws -> Bool {
        for _ in 0..<5 {
            let before = paths.answered
            let reply = try await client.send("GET", Self.path, headers)
            #expect(reply.status == 200, "\(reply.text)")
            if paths.answered > before { return true }
        }
        return false
    }

    @Test func `who was let in a moment ago is known, and what changes counts from the next request on`()
        async throws
    {
        for change in ["password", "disabled", "removed", "revoked", "role"] {
            try await withTown { town in
                let credentials = try await credentials(town)
                let store = town.hub.gatekeeper.directory(for: .host).store
                try await withServer(of: town.hub) { client, paths in
                    for (_, headers) in credentials {
                        #expect(try await warm(client, paths, headers), "\(headers)")
                        // A credential that is nearly the same is another one.
                        let value = try #require(headers["Authorization"])
                        let other = try await client.send(
                            "GET", Self.path, ["Authorization": String(value.dropLast(2))])
                        #expect(other.status == 401 || other.status == 429)
                    }
                    let (rea, robot) = (try AccountName("rea"), try AccountName("acme+builder"))
                    let ended: Set<String>
                    switch change {
                    case "password":
                        try await town.hub.gatekeeper.directory(for: .host).setPassword(
                            "another one", of: rea)
                        ended = ["rea"]
                    case "disabled":
                        for name in [rea, robot] { try await store.changeAccount(name, .isDisabled(true)) }
                        ended = ["rea", "acme+builder"]
                    case "removed":
                        for name in [rea, robot] { try await store.removeAccount(name) }
                        ended = ["rea", "acme+builder"]
                    case "revoked":
                        for token in try await store.tokens(of: robot) {
                            try await store.revokeToken(token.id, of: robot)
                        }
                        ended = ["acme+builder"]
                    default:
                        for name in [rea, robot] {
                            try await store.setRole(
                                nil, of: name, in: .organisation(try AccountName("acme")))
                        }
                        ended = []
                    }
                    for (name, headers) in credentials {
                        let expected = change == "role" ? 404 : ended.contains(name) ? 401 : 200
                        let reply = try await client.send("GET", Self.path, headers)
                        #expect(reply.status == expected, "\(change) \(name): \(reply.text)")
                        let entry = try await client.send("GET", "/v2/", headers)
                        #expect(entry.status == (expected == 404 ? 200 : expected), "\(change) \(name)")
                    }
                }
            }
        }
    }

    @Test func `who guesses is made to wait, though the right password was known`() async throws {
        try await withTown { town in
            try await withServer(of: town.hub) { client, paths in
                let right = Town.basic("rea", "secret")
                #expect(try await warm(client, paths, right))
                let wrong = try await client.send("GET", Self.path, Town.basic("rea", "guess"))
                #expect(wrong.status == 401)
                // One failure is forgiven by the longer way, and the shorter one knows him again.
                #expect(try await warm(client, paths, right))
                for _ in 0..<6 { _ = try await client.send("GET", Self.path, Town.basic("rea", "guess")) }
                let before = paths.answered
                let refused = try await client.send("GET", Self.path, right)
                #expect(refused.status == 429)
                #expect(paths.answered == before)
                // Tokens are not guessed, and go on.
                let token = ["Authorization": "Bearer \(try await town.token("rea"))"]
                #expect(try await warm(client, paths, token))
            }
        }
    }
}
