// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import OCI
import Testing

@testable import HubHTTP

/// Pages of people and the removal of accounts, as visitors and administrators see them.
@Suite struct UserPageTests {
    @Test func `a person's page shows what the visitor may see, and else there is none`() async throws {
        try await withTown { town in
            let hub = town.hub
            let wim = Town.basic("wim", "secret")
            try await hub.client.push(try FilterSketch(), to: "wim/own", tag: "v1", wim)
            try await hub.client.push(try FilterSketch(), to: "acme/secret", tag: "of-wim", wim)
            try await hub.client.push(try FilterSketch(), to: "acme/open", tag: "of-wim", wim)
            func page(_ path: String, _ visitor: String?) async throws -> Reply {
                try await hub.client.send("GET", path, visitor.map { Town.basic($0, "secret") } ?? [:])
            }
            let guest = try await page("/users/wim", nil)
            #expect(guest.status == 200)
            #expect(guest.text.contains("/r/acme/open:of-wim"))
            for hidden in ["acme/secret", "wim/own", "/organisations/acme"] {
                #expect(!guest.text.contains(hidden))
            }
            let reader = try await page("/users/wim", "rea").text
            #expect(reader.contains("/r/acme/secret:of-wim") && !reader.contains("wim/own"))
            // Who else is in an organisation is for those who decide that.
            #expect(!reader.contains("href=\"/organisations/acme\""))
            for visitor in ["ada", "wim", "root"] {
                let text = try await page("/users/wim", visitor).text
                #expect(text.contains("href=\"/organisations/acme\""), "\(visitor)")
                #expect(text.contains("<a href=\"/r/wim/own\">") == (visitor != "ada"), "\(visitor)")
            }
            for (path, visitor) in [
                ("/users/eve", nil), ("/users/eve", "rea"), ("/users/nobody", "root"), ("/users", "root"),
                ("/users/A!", "root"), ("/users/wim/x", "root"),
            ] {
                #expect(try await page(path, visitor).status == 404, "\(path)")
            }
            #expect(try await page("/users/eve", "eve").status == 200)
            #expect(try await page("/users/acme", nil).text.contains("acme/open"))
            // Who pushed leads there.
            #expect(try await page("/r/acme/open", nil).text.contains("<a href=\"/users/wim\">wim</a>"))
        }
    }

    @Test func `an account goes when its name was written, and only for who runs the hub`() async throws {
        try await withTown { town in
            let root = try await Browser.signedIn("root", town)
            let ada = try await Browser.signedIn("ada", town)
            let store = town.hub.gatekeeper.directory(for: .host).store
            for (path, name, list) in [
                ("/admin/users/eve/remove", "eve", "/admin/users"),
                ("/organisations/acme/remove", "acme", "/organisations"),
            ] {
                #expect([403, 404].contains(try await ada.get(path).status), "\(path)")
                let token = try await ada.token(on: "/account")
                let refused = try await ada.post(path, ["confirmation": name], token: token)
                #expect([403, 404].contains(refused.status), "\(path)")
                let wrong = try await root.post(path, ["confirmation": "\(name)x"], from: path)
                #expect(wrong.status == 400 && wrong.text.contains("not written as it is"), "\(wrong.status)")
                #expect(try await store.account(try AccountName(name)) != nil)
                let gone = try await root.post(path, ["confirmation": name], from: path)
                #expect(gone.status == 303 && gone["Location"] == list)
                #expect(try await store.account(try AccountName(name)) == nil)
                #expect(try await root.get(path).status == 404)
            }
            // The last one who runs the hub stays.
            let last = try await root.post(
                "/admin/users/root/remove", ["confirmation": "root"], from: "/admin/users/root/remove")
            #expect(last.status != 303 && last.text.contains("without an administrator"))
            // A user is no organisation, and the other way round.
            for path in [
                "/organisations/rea/remove", "/admin/users/acme/remove", "/admin/users/nobody/remove",
            ] {
                #expect(try await root.get(path).status == 404, "\(path)")
            }
        }
    }

    @Test func `what holds in an organisation is decided on its page, its quota by who runs the hub`()
        async throws
    {
        try await withTown { town in
            let page = "/organisations/acme/policy"
            let ada = try await Browser.signedIn("ada", town)
            let root = try await Browser.signedIn("root", town)
            let scope = try PolicyScope("acme/*")
            let registry = town.hub.registry.acting(for: .host)
            #expect(try await !ada.get(page).text.contains("name=\"quota\""))
            #expect(
                try await root.post(
                    page, ["quota": "5000000", "keepTags": "9", "untaggedDays": "2"], from: page
                ).status == 303)
            // A quota that somebody sends who may not decide about it stays what it is.
            #expect(
                try await ada.post(
                    page,
                    [
                        "quota": "1", "immutableTags": "v*", "keepTags": "", "untaggedDays": "2",
                        "allowsSparse": "false",
                    ],
                    from: page
                ).status == 303)
            #expect(
                try await registry.policy(for: scope)
                    == RepositoryPolicy(
                        allowsSparse: false, immutableTags: ["v*"], keepTags: nil, untaggedLifetime: 172_800,
                        quota: 5_000_000))
            #expect(try await ada.post(page, ["keepTags": "x"], from: page).status == 400)
            // What is no whole number of days is left as it is by who does not touch it.
            try await registry.setPolicy(RepositoryPolicy(untaggedLifetime: 60), for: scope)
            let shown = try await ada.get(page).text
            let days = try #require(shown.firstMatch(of: #/name="untaggedDays" value="([^"]*)"/#)).1
            _ = try await ada.post(page, ["untaggedDays": String(days), "keepTags": "3"], from: page)
            #expect(
                try await registry.policy(for: scope) == RepositoryPolicy(keepTags: 3, untaggedLifetime: 60))
            let rea = try await Browser.signedIn("rea", town)
            #expect([403, 404].contains(try await rea.get(page).status))
        }
    }
}
