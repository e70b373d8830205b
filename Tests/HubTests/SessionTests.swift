// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Hub
import HubHTTP
import HubStorage
import OCI
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Signing in with a browser, and how long that lasts.
@Suite struct SessionTests {
    private static let cookie = "wasme-session"

    @Test func `who signs in is known on every page, and nobody after signing out`() async throws {
        try await withTown { town in
            let browser = Browser(town.hub.client)
            let first = try await browser.get("/account")
            #expect(first.status == 303)
            #expect(first["Location"] == "/signin?next=%2Faccount")
            let reply = try await browser.signIn("rea", next: "/r/acme/secret")
            #expect(reply.status == 303)
            #expect(reply["Location"] == "/r/acme/secret")
            let page = try await browser.get("/r/acme/secret")
            #expect(page.status == 200)
            #expect(page["Cache-Control"] == "no-store")
            #expect(page.text.contains(">rea</a>") && page.text.contains("Sign out"))
            #expect(try await browser.get("/signin?next=/")["Location"] == "/")
            let secret = await browser.cookies[Self.cookie]
            #expect(try await browser.post("/signout", [:], from: "/")["Location"] == "/")
            #expect(await browser.cookies.isEmpty)
            await browser.plant(Self.cookie, secret)
            #expect(try await browser.get("/r/acme/secret").status == 404)
            #expect(try await browser.get("/signout").status == 405)
        }
    }

    @Test func `a session is always a new one, and the one before ends`() async throws {
        try await withTown { town in
            let planted = TokenSecret(.session).text
            let browser = Browser(town.hub.client)
            await browser.plant(Self.cookie, planted)
            try await browser.signIn("eve")
            let first = try #require(await browser.cookies[Self.cookie])
            #expect(first != planted)
            try await browser.post(
                "/signin", ["name": "wim", "password": "secret", "next": "/"], from: "/account")
            let second = try #require(await browser.cookies[Self.cookie])
            #expect(second != first)
            for (secret, status) in [(planted, 303), (first, 303), (second, 200)] {
                let other = Browser(town.hub.client)
                await other.plant(Self.cookie, secret)
                #expect(try await other.get("/account").status == status)
            }
        }
    }

    @Test func `a session ends when nobody uses it, and after a week in any case`() async throws {
        let clock = Mutex<Int64>(1_800_000_000)
        let limits = (idle: BrowserSession.longestIdle, life: BrowserSession.lifetime)
        try await withHub(policy: AuthorizationTests.closed, now: { clock.withLock { $0 } }) { hub in
            let town = try await Town(hub)
            func pass(_ seconds: Int64) { clock.withLock { $0 += seconds } }
            let idle = try await Browser.signedIn("eve", town)
            pass(limits.idle - 1)
            #expect(try await idle.get("/account").status == 200)
            pass(limits.idle - 1)
            #expect(try await idle.get("/account").status == 200)
            pass(limits.idle)
            #expect(try await idle.get("/account").status == 303)
            let busy = try await Browser.signedIn("eve", town)
            for _ in 0..<(limits.life / 36_000) {
                #expect(try await busy.get("/account").status == 200)
                pass(36_000)
            }
            pass(limits.life % 36_000)
            #expect(try await busy.get("/account").status == 303)
            // Signing in forgets what has ended.
            _ = try await Browser.signedIn("wim", town)
            let database = try DatabaseQueue(path: hub.folder.appending("hub.sqlite").string)
            let count = try await database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM sessions") }
            #expect(count == 1)
        }
    }

    @Test func `sessions end with the password, and with the account`() async throws {
        try await withTown { town in
            let store = town.hub.gatekeeper.directory(for: .host)
            let changes: [@Sendable (AccountName) async throws -> Void] = [
                { try await store.setPassword("another one", of: $0) },
                { try await store.store.changeAccount($0, .isDisabled(true)) },
                { try await store.store.removeAccount($0) },
            ]
            for (name, change) in zip(["rea", "wim", "eve"], changes) {
                let browser = try await Browser.signedIn(name, town)
                #expect(try await browser.get("/account").status == 200)
                try await change(try AccountName(name))
                #expect(try await browser.get("/account").status == 303, "\(name)")
            }
            try await store.store.changeAccount(try AccountName("wim"), .isDisabled(false))
            #expect(try await Browser(town.hub.client).signIn("wim").status == 303)
        }
    }

    @Test(arguments: [false, true])
    func `cookies are for this host and its pages alone`(_ isSecure: Bool) async throws {
        let proxies = TrustedProxies([try #require(AddressRange("127.0.0.0/8"))])
        try await withHub(
            policy: AuthorizationTests.closed, operation: HubOperation(proxies: proxies)
        ) { hub in
            let town = try await Town(hub)
            let browser = Browser(
                town.hub.client, headers: isSecure ? ["X-Forwarded-Proto": "https"] : [:])
            let form = try #require(try await browser.get("/signin")["Set-Cookie"])
            let session = try #require(try await browser.signIn("eve")["Set-Cookie"])
            let prefix = isSecure ? "__Host-" : ""
            let rest = isSecure ? "; Secure" : ""
            #expect(
                form.firstMatch(
                    of: try Regex(
                        "^\(prefix)wasme-form=[0-9a-f]{64}; Path=/; HttpOnly; SameSite=Strict\(rest)$"))
                    != nil)
            #expect(
                session.firstMatch(
                    of: try Regex(
                        "^\(prefix)wasme-session=whubs_\\w{49}; Path=/; HttpOnly; SameSite=Lax\(rest)$"))
                    != nil)
            // Over TLS a cookie that a neighbour could have planted does not count.
            let secret = try #require(await browser.cookies["\(prefix)wasme-session"])
            await browser.plant("wasme-session", secret)
            await browser.plant("__Host-wasme-session", nil)
            #expect(try await browser.get("/account").status == (isSecure ? 303 : 200))
        }
    }

    @Test func `a session opens pages and the hub's API, never the registry`() async throws {
        try await withTown { town in
            let browser = try await Browser.signedIn("ada", town)
            for path in ["/v2/acme/secret/tags/list", "/v2/", "/modules/acme/secret/v1.wasm"] {
                #expect(try await browser.get(path).status == 401, "\(path)")
            }
            let session = try await browser.get("/token?scope=repository:acme/secret:pull")
            #expect(!session.text.contains("repository:acme/secret"))
            let secret = try #require(await browser.cookies[Self.cookie])
            for header in ["Bearer \(secret)", Town.basic("ada", secret)["Authorization"] ?? ""] {
                let reply = try await town.hub.client.send("GET", "/v2/", ["Authorization": header])
                #expect(reply.status == 401)
            }
            #expect(try await browser.get("/api/v1/organisations/acme/members").status == 401)
            let token = ["X-CSRF-Token": try await browser.token(on: "/account")]
            let members = try await browser.send("GET", "/api/v1/organisations/acme/members", token)
            #expect(members.status == 200 && members.text.contains("\"rea\":\"read\""))
            #expect(try await browser.send("GET", "/api/v1/users", token).status == 403)
            #expect(try await browser.send("GET", "/v2/acme/secret/tags/list", token).status == 401)
        }
    }

    @Test func `nobody signs in with a token, as a robot, or by guessing`() async throws {
        try await withTown { town in
            let directory = town.hub.gatekeeper.directory(for: .host)
            try await directory.addRobot(try AccountName("acme+bot"))
            for (name, password) in [
                ("ada", try await town.token("ada")), ("acme+bot", try await town.token("acme+bot")),
                ("acme", "secret"), ("nobody", "secret"), ("", ""), ("ada", ""), ("a/b", "secret"),
            ] {
                let reply = try await Browser(town.hub.client).signIn(name, password)
                #expect(reply.status == 403, "\(name)")
                #expect(reply.text.contains("The name or the password is wrong."))
                #expect(reply["Set-Cookie"] == nil)
            }
            let browser = Browser(town.hub.client)
            for _ in 0..<5 { try await browser.signIn("rea", "wrong") }
            let refused = try await browser.signIn("rea")
            #expect(refused.status == 429)
            #expect(refused["Retry-After"] != nil && refused.text.contains("Too many failed log-ins"))
            // It is the same guard that a log-in with a password meets.
            #expect(try await town.hub.client.send("GET", "/v2/", Town.basic("rea", "secret")).status == 429)
        }
    }

    @Test(arguments: [
        ("/account", true), ("/organisations/acme?x=1", true), ("/", true), ("", false),
        ("//evil.example", false),
        ("/\\evil.example", false), ("\\\\evil.example", false), ("https://evil.example/", false),
        ("javascript:alert(1)", false), ("/%2F/evil.example", false), ("/..//evil.example", false),
        ("/%5Cevil.example", false), ("/a\r\nSet-Cookie: x=y", false), ("/a\tb", false), (" /a", false),
        ("evil.example", false), ("///evil.example", false), ("/signout", false), ("/signin?next=/x", false),
        ("/ä", false),
    ])
    func `whoever signed in is sent to a page of this hub`(_ next: String, _ isTaken: Bool) async throws {
        try await withTown { town in
            let reply = try await Browser(town.hub.client).signIn("eve", next: next)
            #expect(reply.status == 303)
            #expect(reply["Location"] == (isTaken ? next : "/"))
            #expect(reply.headers["set-cookie"]?.count == 1)
        }
    }

    @Test func `the database holds no secret of a session`() async throws {
        try await withTown { town in
            let browser = try await Browser.signedIn("eve", town)
            let secret = try #require(await browser.cookies[Self.cookie])
            for name in town.hub.files("") {
                let bytes = try Data(contentsOf: URL(filePath: town.hub.folder.appending(name).string))
                #expect(bytes.range(of: Data(secret.utf8)) == nil, "\(name)")
            }
            let hash = try #require(TokenSecret(secret)).hash
            #expect(try await town.hub.metadata.session(hash: hash)?.account.name.description == "eve")
        }
    }
}
