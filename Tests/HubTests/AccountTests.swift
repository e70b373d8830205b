// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import HubStorage
import OCI
import TestSupport
import Testing

/// A closed hub with people in it.
struct Town: Sendable {
    let hub: TestHub
    /// The organisation's administrator, a member who writes, one who reads, and somebody without roles.
    static let users: [(name: String, role: Role?)] = [
        ("ada", .admin), ("wim", .write), ("rea", .read), ("eve", nil),
    ]
    static func password(_ name: String) -> String { "\(name)-password" }

    /// `acme/open` is public, `acme/secret` is not; `root` runs the hub.
    init(_ hub: TestHub) async throws {
        self.hub = hub
        let directory = hub.gatekeeper.directory(for: .host)
        // A cheap hash, as an old file would have: the suite need not wait for scrypt at each log-in.
        let hash = "$2y$05$x/KodWMcw67/Yij4Yq6MReNs6WoP58knrhTvfQS9QoTwWUnlSkFBC"
        _ = try await directory.importHtpasswd(
            (Self.users.map(\.name) + ["root"]).map { "\($0):\(hash)" }.joined(separator: "\n"))
        try await directory.store.changeAccount(try AccountName("root"), .isAdmin(true))
        try await directory.addOrganisation(try AccountName("acme"))
        for (name, role) in Self.users where role != nil {
            try await directory.store.setRole(
                role, of: try AccountName(name), in: .organisation(try AccountName("acme")))
        }
        for name in ["acme/open", "acme/secret"] {
            try await hub.registry.acting(for: .host).pushTinyImage(to: try Repository(name))
        }
        try await directory.store.setPublic(true, try Repository("acme/open"))
    }

    /// A principal with all rights of a user.
    func principal(_ name: String) async throws -> Principal {
        try await hub.gatekeeper.identify(.basic(name, "secret"), from: nil)
    }

    /// The headers of somebody who shows a token that was made for this.
    func token(_ name: String, scopes: [Scope]? = nil, lifetime: Int64? = nil) async throws -> String {
        try await hub.gatekeeper.directory(for: .host).createToken(
            for: try AccountName(name), label: "test", scopes: scopes, lifetime: lifetime
        ).secret
    }

    static func basic(_ name: String, _ secret: String) -> [String: String] {
        ["Authorization": "Basic \(Data("\(name):\(secret)".utf8).base64EncodedString())"]
    }
}

func withTown<Result>(
    policy: AccessPolicy = AuthorizationTests.closed, _ body: (Town) async throws -> Result
) async throws -> Result {
    try await withHub(policy: policy) { hub in try await body(try await Town(hub)) }
}

@Suite struct AccountTests {
    @Test func `passwords and tokens let in, anything else does not`() async throws {
        try await withTown { town in
            let gate = town.hub.gatekeeper
            #expect(try await town.principal("eve").name == "eve")
            let secret = try await town.token("eve")
            #expect(secret.hasPrefix("whub_"))
            for credential in [
                Credential.bearer(secret), .basic("eve", secret), .basic("token", secret),
            ] {
                #expect(try await gate.identify(credential, from: nil).name == "eve")
            }
            for credential in [
                Credential.basic("eve", "wrong"), .basic("nobody", "secret"), .basic("EVE", "secret"),
                .basic("acme", "secret"), .basic("wim", secret), .bearer("secret"), .bearer(""),
                .bearer(String(secret.dropLast()) + "x"), .bearer(TokenSecret(.access).text),
            ] {
                await #expect(throws: HubError.self) { try await gate.identify(credential, from: nil) }
            }
        }
    }

    @Test func `a revoked token, an expired one and one of a disabled account are worth nothing`()
        async throws
    {
        try await withTown { town in
            let directory = town.hub.gatekeeper.directory(for: .host)
            let repository = try Repository("acme/secret")
            let eve = try AccountName("rea")
            let made = try await directory.createToken(for: eve, label: "ci", scopes: nil, lifetime: 1000)
            let principal = try await town.hub.gatekeeper.identify(.bearer(made.secret), from: nil)
            let registry = town.hub.registry.acting(for: principal)
            #expect(try await registry.tags(in: repository, limit: nil).entries == ["v1"])
            let listed = try await directory.store.tokens(of: eve)
            #expect(listed.map(\.id) == [made.token.id])
            #expect(listed[0].lastUsedAt != nil)
            try await directory.store.revokeToken(made.token.id, of: eve)
            await #expect(throws: HubError.self) {
                try await town.hub.gatekeeper.identify(.bearer(made.secret), from: nil)
            }
            // What was let in a moment ago does not get through either: the transaction asks again.
            await #expect(throws: HubError.self) { try await registry.tags(in: repository, limit: nil) }
            await #expect(throws: HubError.self) { try await registry.repositories(limit: nil) }
            let user = try await town.principal("rea")
            try await directory.store.changeAccount(eve, .isDisabled(true))
            await #expect(throws: HubError.self) {
                try await town.hub.registry.acting(for: user).tags(in: repository, limit: nil)
            }
            await #expect(throws: HubError.self) { try await town.principal("rea") }
        }
    }

    @Test func `a list shows exactly what may be read`() async throws {
        try await withTown { town in
            let registry = town.hub.registry
            for name in ["eve/own", "acmee/other", "loner"] {
                try await registry.acting(for: .host).pushTinyImage(to: try Repository(name))
            }
            try await town.hub.gatekeeper.directory(for: .host).store.setRole(
                .read, of: try AccountName("eve"), in: .repository(try Repository("loner")))
            var principals = [Principal.anonymous, .host]
            for name in ["ada", "wim", "rea", "eve", "root"] {
                principals.append(try await town.principal(name))
            }
            for scope in ["acme/*:pull", "acme/secret:pull", "*:pull", "acme/secret:push"] {
                let secret = try await town.token("rea", scopes: [try Scope(parsing: scope)])
                principals.append(try await town.hub.gatekeeper.identify(.bearer(secret), from: nil))
            }
            let all = try await registry.acting(for: .host).repositories(limit: nil).entries
            #expect(all.count == 5)
            for principal in principals {
                let own = registry.acting(for: principal)
                var readable: [String] = []
                for name in all {
                    if (try? await own.authorize(.pull, in: try Repository(name))) != nil {
                        readable.append(name)
                    }
                }
                #expect(try await own.repositories(limit: nil).entries == readable, "\(principal)")
            }
        }
    }

    @Test func `those without the right change nothing about accounts`() async throws {
        try await withTown { town in
            let acme = RoleTarget.organisation(try AccountName("acme"))
            let eve = try AccountName("eve")
            for name in ["wim", "rea", "eve"] {
                let directory = town.hub.gatekeeper.directory(for: try await town.principal(name))
                let error = await #expect(throws: HubError.self) {
                    try await directory.store.setRole(.admin, of: eve, in: acme)
                }
                #expect(error?.code == (name == "eve" ? .accountUnknown : .denied))
                await #expect(throws: HubError.self) {
                    try await directory.addUser(try AccountName("mallory"), password: "long enough")
                }
                await #expect(throws: HubError.self) {
                    try await directory.store.changeAccount(eve, .isAdmin(true))
                }
                await #expect(throws: HubError.self) { try await directory.store.accounts(nil) }
                await #expect(throws: HubError.self) {
                    try await directory.store.tokens(of: try AccountName("ada"))
                }
                await #expect(throws: HubError.self) {
                    try await directory.store.auditEntries(before: nil, limit: 1)
                }
                await #expect(throws: HubError.self) {
                    try await directory.addRobot(try AccountName("acme+ci"))
                }
            }
            let ada = town.hub.gatekeeper.directory(for: try await town.principal("ada"))
            try await ada.addRobot(try AccountName("acme+ci"))
            try await ada.store.setRole(.write, of: try AccountName("acme+ci"), in: acme)
            // A token for one repository does not manage the hub, whoever made it.
            let secret = try await town.token(
                "root", scopes: [Scope(repositories: "*", actions: [.administer])])
            let root = town.hub.gatekeeper.directory(
                for: try await town.hub.gatekeeper.identify(.bearer(secret), from: nil))
            await #expect(throws: HubError.self) { try await root.store.accounts(nil) }
        }
    }

    @Test func `somebody always remains who can let others in`() async throws {
        try await withTown { town in
            let store = town.hub.gatekeeper.directory(for: .host).store
            let root = try AccountName("root")
            await #expect(throws: HubError.self) { try await store.changeAccount(root, .isAdmin(false)) }
            await #expect(throws: HubError.self) { try await store.changeAccount(root, .isDisabled(true)) }
            await #expect(throws: HubError.self) { try await store.removeAccount(root) }
            try await store.changeAccount(try AccountName("ada"), .isAdmin(true))
            try await store.removeAccount(root)
        }
    }

    @Test func `each change leaves a line that cannot be altered`() async throws {
        try await withTown { town in
            let ada = try await town.hub.gatekeeper.identify(.basic("ada", "secret"), from: "192.0.2.7")
            let directory = town.hub.gatekeeper.directory(for: ada)
            try await directory.store.setRole(
                .write, of: try AccountName("eve"), in: .repository(try Repository("acme/open")))
            try await town.hub.registry.acting(for: ada).deleteManifest(
                .tag(try Tag("v1")), in: try Repository("acme/open"))
            let entries = try await town.hub.gatekeeper.directory(for: .host).store.auditEntries(
                before: nil, limit: 2)
            #expect(entries.map(\.action) == ["tag.delete", "role.write"])
            #expect(entries.map(\.actor) == ["ada", "ada"])
            #expect(entries.map(\.address) == ["192.0.2.7", "192.0.2.7"])
            #expect(entries.map(\.detail) == ["v1", "eve"])
            let metadata = town.hub.metadata
            for sql in ["UPDATE audit SET actor = 'eve'", "DELETE FROM audit"] {
                await #expect(throws: (any Error).self) { try await metadata.execute(sql) }
            }
        }
    }

    @Test func `whoever guesses is made to wait, and others are not`() async throws {
        try await withTown { town in
            let gate = town.hub.gatekeeper
            for _ in 0..<5 {
                let error = await #expect(throws: HubError.self) {
                    try await gate.identify(.basic("ada", "guess"), from: "192.0.2.1")
                }
                #expect(error?.code == .badCredentials)
            }
            let error = await #expect(throws: HubError.self) {
                try await gate.identify(.basic("ada", "secret"), from: "192.0.2.1")
            }
            #expect(error?.code == .tooManyRequests)
            #expect(Int(error?.detail ?? "") ?? 0 > 0)
            for _ in 0..<5 {
                _ = try await town.hub.client.send("GET", "/v2/", Town.basic("rea", "guess"))
            }
            let reply = try await town.hub.client.send("GET", "/v2/", Town.basic("rea", "secret"))
            #expect(reply.status == 429)
            #expect(reply.code == "TOOMANYREQUESTS")
            #expect(reply["Retry-After"].flatMap { Int($0) } != nil)
            let elsewhere = try await gate.identify(.basic("ada", "secret"), from: "192.0.2.2")
            #expect(elsewhere.name == "ada")
            let other = try await gate.identify(.basic("wim", "secret"), from: "192.0.2.1")
            #expect(other.name == "wim")
        }
    }

    @Test func `the wait grows up to a quarter of an hour, and what is remembered does not grow`() throws {
        let attempts = LoginGuard(capacity: 100)
        var waits: [Int] = []
        var now: Int64 = 1000
        for _ in 0..<20 {
            attempts.failed("ada", "192.0.2.1", now: now)
            do {
                try attempts.admit("ada", "192.0.2.1", now: now)
                waits.append(0)
            } catch {
                let wait = Int(error.detail ?? "") ?? 0
                waits.append(wait)
                now += Int64(wait)
            }
            try attempts.admit("ada", "192.0.2.1", now: now)
        }
        #expect(Array(waits.prefix(8)) == [0, 0, 0, 0, 1, 2, 4, 8])
        #expect(waits.last == 900)
        for number in 0..<10_000 { attempts.failed("user\(number)", "address\(number)", now: now) }
        #expect(attempts.count <= 100)
        // Those who guessed most are remembered longest.
        attempts.failed("ada", "192.0.2.1", now: now)
        for number in 0..<100 { attempts.failed("other\(number)", nil, now: now) }
        #expect(throws: HubError.self) { try attempts.admit("ada", "192.0.2.1", now: now) }
    }

    @Test func `a hash of bcrypt becomes one of scrypt at the first log-in`() async throws {
        try await withTown { town in
            let name = try AccountName("eve")
            _ = try await town.principal("eve")
            let stored = try await town.hub.metadata.credentials(name)?.1
            #expect(stored?.hasPrefix("$scrypt$") == true)
            #expect(try await town.principal("eve").name == "eve")
        }
    }

    @Test func `a line of htpasswd that cannot be taken says why`() async throws {
        try await withHub(policy: AuthorizationTests.closed) { hub in
            let lines = try await hub.gatekeeper.directory(for: .host).importHtpasswd(
                """
                # people
                ada:$2y$05$x/KodWMcw67/Yij4Yq6MReNs6WoP58knrhTvfQS9QoTwWUnlSkFBC
                ada:$2y$05$x/KodWMcw67/Yij4Yq6MReNs6WoP58knrhTvfQS9QoTwWUnlSkFBC
                Bob:$2y$05$x/KodWMcw67/Yij4Yq6MReNs6WoP58knrhTvfQS9QoTwWUnlSkFBC

                md5:$apr1$aaaaaaaa$bbbbbbbbbbbbbbbbbbbbbb
                sha:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=
                slow:$2y$31$x/KodWMcw67/Yij4Yq6MReNs6WoP58knrhTvfQS9QoTwWUnlSkFBC
                nothing
                """)
            #expect(lines.map(\.number) == [2, 3, 4, 6, 7, 8, 9])
            #expect(lines.filter { $0.problem == nil }.map(\.name) == ["ada"])
            #expect(lines[1].problem == "the name \"ada\" is taken")
            #expect(lines[3].problem?.contains("MD5") == true)
            #expect(lines[4].problem?.contains("SHA-1") == true)
            #expect(lines[5].problem?.contains("cost is above 14") == true)
        }
    }
}
