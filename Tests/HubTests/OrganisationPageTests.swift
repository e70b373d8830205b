// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import HubHTTP
import OCI
import TestSupport
import Testing

/// Organisations and repositories, as their administrators and members see them.
@Suite struct OrganisationPageTests {
    @Test func `an organisation gets members, robots and repositories`() async throws {
        try await withTown { town in
            let root = try await Browser.signedIn("root", town)
            let made = try await root.post("/organisations", ["name": "umbrella"], from: "/organisations")
            #expect(made["Location"] == "/organisations/umbrella")
            let taken = try await root.post("/organisations", ["name": "umbrella"], from: "/organisations")
            #expect(taken.status == 409 && taken.text.contains("is taken"))
            let eve = try await Browser.signedIn("eve", town)
            #expect(try await !eve.get("/organisations").text.contains("umbrella"))
            #expect(
                try await eve.post("/organisations", ["name": "mine"], token: eve.token(on: "/account"))
                    .status
                    == 403)
            let page = "/organisations/umbrella"
            #expect(
                try await root.post("\(page)/members", ["name": "eve", "role": "admin"], from: page).status
                    == 303)
            #expect(
                try await eve.get("/organisations").text.contains("umbrella</a> <span class=\"badge\">admin"))
            #expect(
                try await eve.post("\(page)/members", ["name": "rea", "role": "read"], from: page).status
                    == 303)
            #expect(
                try await eve.post("\(page)/members", ["name": "none", "role": "read"], from: page).status
                    == 404)
            #expect(
                try await eve.post("\(page)/members", ["name": "rea", "role": "boss"], from: page).status
                    == 400)
            #expect(try await eve.post("\(page)/robots", ["name": "bot"], from: page).status == 303)
            let bot = try await eve.post(
                "\(page)/robots/bot/tokens", ["name": "ci"], from: "\(page)/robots/bot")
            #expect(bot.text.contains("value=\"whub_"))
            try await town.hub.registry.acting(for: .host).pushTinyImage(
                to: try Repository("umbrella/filter"))
            let shown = try await eve.get(page).text
            for text in ["umbrella/filter", "1 repository,", "umbrella+bot", "Role of rea", "Make public"] {
                #expect(shown.contains(text), "\(text)")
            }
            let rea = try await Browser.signedIn("rea", town)
            let seen = try await rea.get(page).text
            #expect(seen.contains("umbrella/filter") && !seen.contains("<form method=\"post\" action=\"/org"))
            try await eve.post(
                "\(page)/visibility", ["repository": "umbrella/filter", "isPublic": "true"], from: page)
            #expect(try await town.hub.client.send("GET", "/v2/umbrella/filter/tags/list").status == 200)
            let settings = "/settings/umbrella/filter"
            #expect(
                try await eve.post("\(settings)/visibility", ["isPublic": "false"], from: settings).status
                    == 303)
            #expect(try await town.hub.client.send("GET", "/v2/umbrella/filter/tags/list").status == 401)
            #expect(
                try await eve.post("\(settings)/members", ["name": "wim", "role": "read"], from: settings)
                    .status == 303)
            let policy = try await eve.post(
                "\(settings)/policy", ["immutableTags": "v*", "keepTags": "5", "untaggedDays": "3"],
                from: settings)
            #expect(policy.status == 303)
            let stored = try await town.hub.registry.acting(for: .host).policy(
                for: PolicyScope("umbrella/filter"))
            #expect(
                stored == RepositoryPolicy(immutableTags: ["v*"], keepTags: 5, untaggedLifetime: 3 * 86400))
            let wrong = try await eve.post("\(settings)/policy", ["immutableTags": "v["], from: settings)
            #expect(wrong.status == 400 && wrong.text.contains("is no pattern of tags"))
            try await eve.post("\(page)/members", ["name": "rea", "role": "none"], from: page)
            #expect(try await rea.get(page).status == 404)
            #expect(try await eve.post("\(page)/robots/bot/remove", [:], from: page).status == 303)
            #expect(try await eve.get("\(page)/robots/bot").status == 404)
        }
    }

    @Test func `a quota is drawn as a bar`() async throws {
        try await withTown { town in
            try await town.hub.registry.acting(for: .host).setPolicy(
                RepositoryPolicy(quota: 10_000), for: PolicyScope("acme/*"))
            let page = try await Browser.signedIn("rea", town).get("/organisations/acme").text
            #expect(
                page.contains("of 10 kB</label>")
                    && page.contains("<meter id=\"quota\" min=\"0\" max=\"100\""))
        }
    }
}
