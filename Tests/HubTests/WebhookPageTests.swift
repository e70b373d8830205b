// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import OCI
import TestSupport
import Testing

/// Webhooks by pages: those of the hub, and those of an organisation.
@Suite struct WebhookPageTests {
    @Test(arguments: [("root", "/admin/webhooks"), ("ada", "/organisations/acme/webhooks")])
    func `a webhook is set up, tried, changed and removed`(_ user: String, _ path: String) async throws {
        try await withTown { town in
            let browser = try await Browser.signedIn(user, town)
            #expect(try await browser.get(path).text.contains("Nobody. A webhook is sent an event"))
            let url = "https://ci.example.com/<veiled>"
            let made = try await browser.post(
                path,
                [
                    "name": "ci", "url": url, "repositories": "acme/*", "secret": "",
                    "event": "manifest.push", "event": "tag.delete",
                ], from: path)
            let secret = try #require(made.text.firstMatch(of: #/value="(whsec_[^"]+)"/#)?.1, "\(made.text)")
            #expect(PageChecker.problems(made.text) == [])
            let list = try await browser.get(path).text
            #expect(
                list.contains(">ci</a>") && list.contains("https://ci.example.com")
                    && !list.contains("veiled"))
            #expect(!list.contains(secret))
            let page = "\(path)/ci"
            #expect(try await browser.post("\(page)/ping", [:], from: page)["Location"] == page)
            let shown = try await browser.get(page).text
            #expect(PageChecker.problems(shown) == [])
            #expect(!shown.contains("veiled") && shown.contains("<dt>Waiting</dt><dd>1</dd>"))
            #expect(
                shown.contains("value=\"tag.delete\" checked") && !shown.contains("manifest.delete\" checked")
            )
            let changed = try await browser.post(
                page,
                [
                    "url": "", "secret": "", "repositories": "acme/open acme/secret",
                    "event": "manifest.delete",
                ],
                from: page)
            #expect(changed.status == 303, "\(changed.text)")
            let after = try await browser.get(page).text
            #expect(
                after.contains("value=\"acme/open acme/secret\"") && after.contains("https://ci.example.com"))
            #expect(after.contains("manifest.delete\" checked") && !after.contains("tag.delete\" checked"))
            for (fields, words) in [
                (["repositories": "acme/*", "url": "", "secret": ""], "at least one event"),
                (["repositories": "", "event": "tag.delete"], "1 to 100 repositories"),
                (["repositories": "acme/*", "event": "tag.delete", "secret": "short"], "16 bytes"),
            ] as [(KeyValuePairs<String, String>, String)] {
                let refused = try await browser.post(page, fields, from: page)
                #expect(refused.status == 400 && refused.text.contains(words), "\(refused.text)")
            }
            #expect(try await browser.post("\(page)/remove", [:], from: page)["Location"] == path)
            #expect(try await browser.get(page).status == 404)
            let own = try await browser.post(
                path, ["name": "ci", "url": url, "secret": "sixteen bytes long", "event": "tag.delete"],
                from: path)
            #expect(own["Location"] == page)
        }
    }

    @Test func `only those see them who may, and no other site sends their forms`() async throws {
        try await withTown { town in
            let ada = try await Browser.signedIn("ada", town)
            let path = "/organisations/acme/webhooks"
            for (user, path, status) in [
                ("rea", path, 403), ("eve", path, 404), ("ada", "/admin/webhooks", 403),
                ("root", "/organisations/none/webhooks", 404), ("root", "\(path)/none", 404),
                ("root", "\(path)/ci/deliveries", 404),
            ] {
                let browser = try await Browser.signedIn(user, town)
                #expect(try await browser.get(path).status == status, "\(user) \(path)")
            }
            let fields: KeyValuePairs = [
                "name": "ci", "url": "https://ci.example.com", "event": "tag.delete",
            ]
            #expect(try await ada.post(path, fields).status == 403)
            #expect(
                try await ada.post(path, fields, from: path, ["Origin": "https://evil.example"]).status == 403
            )
            #expect(
                try await Browser(town.hub.client).get(path)["Location"]?.hasPrefix("/signin?next=") == true)
            #expect(try await ada.get(path).text.contains("Nobody."))
            #expect(try await ada.get("/organisations/acme").text.contains("href=\"\(path)\""))
        }
    }
}
