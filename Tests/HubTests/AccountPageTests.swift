// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import HubHTTP
import OCI
import TestSupport
import Testing

/// Somebody's own page.
@Suite struct AccountPageTests {
    @Test func `a token is made, shown once, used and revoked`() async throws {
        try await withTown { town in
            let browser = try await Browser.signedIn("wim", town)
            let made = try await browser.post(
                "/account/tokens",
                [
                    "name": "ci", "repositories": "acme/secret, acme/x", "action": "pull", "action": "push",
                    "days": "7",
                ],
                from: "/account")
            #expect(made.status == 200)
            let secret = String(try #require(made.text.firstMatch(of: #/value="(whub_\w+)"/#)).1)
            let page = try await browser.get("/account").text
            #expect(!page.contains(secret))
            #expect(page.contains("<code>acme/secret:pull,push</code> <code>acme/x:pull,push</code>"))
            #expect(page.contains("<td>never</td>"))
            let headers = ["Authorization": "Bearer \(secret)"]
            func pull() async throws -> Int {
                try await town.hub.client.send("GET", "/v2/acme/secret/tags/list", headers).status
            }
            #expect(try await pull() == 200)
            #expect(try await !browser.get("/account").text.contains("<td>never</td>"))
            let id = try #require(page.firstMatch(of: #/action="(/account/tokens/[0-9a-f]{16}/revoke)"/#)).1
            #expect(try await browser.post(String(id), [:], from: "/account").status == 303)
            #expect(try await pull() == 401)
            #expect(try await browser.get("/account").text.contains("There are none."))
            for (fields, text) in [
                (["name": ""], "the name of a token"),
                (["name": "x", "repositories": "A", "action": "pull"], "is not a scope"),
                (["name": "x", "repositories": "acme/x"], "choose what the token may do"),
                (["name": "x", "days": "x"], "the days are a number"),
                (["name": "x", "days": "99999"], "the days are a number"),
            ] as [(KeyValuePairs<String, String>, String)] {
                let reply = try await browser.post("/account/tokens", fields, from: "/account")
                #expect(reply.status == 400)
                #expect(reply.text.lowercased().contains(text), "\(reply.text)")
            }
        }
    }

    @Test func `a password is changed by whoever knows the one before`() async throws {
        try await withTown { town in
            let browser = try await Browser.signedIn("eve", town)
            let other = try await Browser.signedIn("eve", town)
            for (old, new, again, status, text) in [
                ("wrong", "long enough", "long enough", 403, "The present password is wrong."),
                ("secret", "short", "short", 400, "A password has at least 8 characters"),
                ("secret", "long enough", "long enougg", 400, "not typed the same way twice"),
            ] {
                let reply = try await browser.post(
                    "/account/password", ["old": old, "new": new, "again": again], from: "/account")
                #expect(reply.status == status)
                #expect(reply.text.contains(text), "\(reply.text)")
            }
            let done = try await browser.post(
                "/account/password", ["old": "secret", "new": "long enough", "again": "long enough"],
                from: "/account")
            #expect(done.status == 303)
            let page = try await browser.get("/account?done=password")
            #expect(page.status == 200 && page.text.contains("The password is changed."))
            #expect(try await other.get("/account").status == 303)
            #expect(try await Browser(town.hub.client).signIn("eve").status == 403)
            #expect(try await Browser(town.hub.client).signIn("eve", "long enough").status == 303)
        }
    }

    @Test func `somebody's sessions are listed, and ended one by one`() async throws {
        try await withTown { town in
            let browser = try await Browser.signedIn("eve", town)
            let other = Browser(town.hub.client, headers: ["User-Agent": "Lynx <b>2.8</b>"])
            try await other.signIn("eve")
            let page = try await browser.get("/account").text
            #expect(page.contains("Lynx &lt;b&gt;2.8&lt;/b&gt;") && page.contains("this one"))
            let ends = page.matches(of: #/action="(/account/sessions/[0-9a-f]{16}/end)"/#).map(\.1)
            #expect(ends.count == 2)
            let token = try await browser.token(on: "/account")
            let foreign = try await Browser.signedIn("rea", town)
            let wrong = try await foreign.post(String(ends[0]), [:], from: "/account")
            #expect(wrong.status == 404)
            let lynx = try #require(
                page.firstMatch(
                    of: #/Lynx.*?action="(/account/sessions/[0-9a-f]{16}/end)"/#.dotMatchesNewlines()))
            #expect(try await browser.post(String(lynx.1), [:], token: token).status == 303)
            #expect(try await other.get("/account").status == 303)
        }
    }
}
