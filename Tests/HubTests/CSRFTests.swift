// SPDX-License-Identifier: Apache-2.0

import Hub
import OCI
import TestSupport
import Testing

/// What another site makes a browser send does nothing.
@Suite struct CSRFTests {
    /// Every form, with what it would do if it were taken.
    static let forms: [String] = [
        "/signout", "/account/password", "/account/tokens", "/account/tokens/0123456789abcdef/revoke",
        "/account/sessions/0123456789abcdef/end", "/organisations", "/organisations/acme/members",
        "/organisations/acme/robots", "/organisations/acme/robots/bot/tokens",
        "/organisations/acme/visibility",
        "/settings/acme/secret/members", "/settings/acme/secret/visibility", "/settings/acme/secret/policy",
        "/admin/users", "/admin/users/eve", "/admin/collection",
    ]

    private func auditLength(_ town: Town) async throws -> Int {
        let store = town.hub.gatekeeper.directory(for: .host).store
        return try await store.auditEntries(before: nil, limit: 1000).count
    }

    @Test func `no form is taken without the token of its visitor`() async throws {
        try await withTown { town in
            let browser = try await Browser.signedIn("root", town)
            let other = try await Browser.signedIn("eve", town)
            let foreign = try await other.token(on: "/account")
            let anonymous = try await Browser(town.hub.client).token(on: "/signin")
            let own = try await browser.token(on: "/account")
            let before = try await auditLength(town)
            for path in Self.forms + ["/signin"] {
                for token in [nil, "", foreign, anonymous, String(own.dropLast()), own.uppercased()] {
                    let reply = try await browser.post(
                        path, ["name": "root", "password": "secret", "isDisabled": "true"], token: token)
                    #expect(reply.status == 403, "\(path)")
                    #expect(reply.text.contains("This form is not, or no longer, valid"))
                }
                for headers in [
                    ["Origin": "https://evil.example"], ["Origin": "null"], ["Sec-Fetch-Site": "cross-site"],
                    ["Sec-Fetch-Site": "same-site"], ["Origin": "http://127.0.0.1:1"],
                ] {
                    let reply = try await browser.post(path, ["name": "x"], token: own, headers)
                    #expect(reply.status == 403, "\(path) \(headers)")
                    #expect(reply.text.contains("another site"))
                }
                let plain = try await browser.post(
                    path, ["name": "x"], token: own, ["Content-Type": "text/plain"])
                #expect(plain.status == 400)
                #expect(try await browser.send("PUT", path, body: []).status == 405)
            }
            #expect(try await auditLength(town) == before)
            #expect(try await browser.get("/account").status == 200)
        }
    }

    @Test func `a form of this hub is taken whatever way the browser says where it comes from`() async throws
    {
        try await withTown { town in
            let address = "127.0.0.1:\(town.hub.client.port)"
            for headers in [
                [:], ["Origin": "http://\(address)"], ["Origin": "https://\(address)"],
                ["Origin": "http://\(address)", "Sec-Fetch-Site": "same-origin"], ["Sec-Fetch-Site": "none"],
            ] as [[String: String]] {
                let browser = Browser(town.hub.client, headers: headers)
                let signedIn = try await browser.signIn("eve")
                #expect(signedIn.status == 303, "\(headers)")
                #expect(try await browser.post("/signout", [:], from: "/").status == 303)
            }
        }
    }

    @Test func `scripts show the same token, and a wrong one is refused`() async throws {
        try await withTown { town in
            let browser = try await Browser.signedIn("root", town)
            let other = try await Browser.signedIn("eve", town)
            let own = try await browser.token(on: "/account")
            let json = ["Content-Type": "application/json"]
            let body = Array(#"{"name":"mallory","password":"long enough"}"#.utf8)
            func add(_ headers: [String: String]) async throws -> Int {
                try await browser.send("POST", "/api/v1/users", json.merging(headers) { $1 }, body: body)
                    .status
            }
            #expect(try await add([:]) == 401)
            #expect(try await add(["X-CSRF-Token": ""]) == 403)
            #expect(try await add(["X-CSRF-Token": try await other.token(on: "/account")]) == 403)
            #expect(try await add(["X-CSRF-Token": own, "Origin": "https://evil.example"]) == 403)
            #expect(try await add(["X-CSRF-Token": own, "Sec-Fetch-Site": "cross-site"]) == 403)
            #expect(try await add(["X-CSRF-Token": own]) == 201)
        }
    }

    @Test func `a hub without accounts takes forms of its own pages only`() async throws {
        try await withHub { hub in
            let browser = Browser(hub.client)
            let before = hub.registry.collections.state
            #expect(try await browser.post("/admin/collection", [:]).status == 403)
            #expect(try await browser.post("/admin/collection", [:], token: "x").status == 403)
            #expect(hub.registry.collections.state == before)
            let reply = try await browser.post("/admin/collection", [:], from: "/admin")
            #expect(reply.status == 303)
            let state = hub.registry.collections.state
            #expect(state.isRequested || state.startedAt != nil)
            #expect(try await browser.get("/signin").status == 404)
        }
    }
}
