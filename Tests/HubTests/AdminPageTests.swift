// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import HubHTTP
import OCI
import TestSupport
import Testing

/// The pages of whoever runs the hub.
@Suite struct AdminPageTests {
    @Test func `users are added, disabled and made administrators`() async throws {
        try await withTown { town in
            let root = try await Browser.signedIn("root", town)
            let users = "/admin/users"
            func post(_ path: String, _ fields: KeyValuePairs<String, String>) async throws -> Reply {
                try await root.post(path, fields, from: users)
            }
            #expect(try await post(users, ["name": "new", "password": "long enough"]).status == 303)
            #expect(try await Browser(town.hub.client).signIn("new", "long enough").status == 303)
            #expect(try await post(users, ["name": "new", "password": "long enough"]).status == 409)
            #expect(try await post(users, ["name": "New", "password": "long enough"]).status == 400)
            #expect(try await post("\(users)/new", ["change": "disable"]).status == 303)
            #expect(try await Browser(town.hub.client).signIn("new", "long enough").status == 403)
            #expect(try await root.get(users).text.contains("disabled</span>"))
            #expect(try await post("\(users)/new", ["change": "enable"]).status == 303)
            #expect(try await post("\(users)/new", ["change": "admin"]).status == 303)
            #expect(try await post("\(users)/new", ["change": "explode"]).status == 400)
            #expect(try await post("\(users)/none", ["change": "admin"]).status == 404)
            #expect(try await post("\(users)/new", ["change": "no-admin"]).status == 303)
            let last = try await post("\(users)/root", ["change": "no-admin"])
            #expect(last.status == 400 && last.text.contains("left without an administrator"))
            let log = try await root.get("/admin/audit").text
            for text in ["user.add", "user.disable", "session.begin", "127.0.0.1"] {
                #expect(log.contains(text), "\(text)")
            }
        }
    }

    @Test func `storage is shown by organisation, and a collection is asked for`() async throws {
        try await withTown { town in
            let root = try await Browser.signedIn("root", town)
            let page = try await root.get("/admin").text
            #expect(
                page.contains(">acme</a>") && page.contains("<svg viewBox") && page.contains("Collect now"))
            #expect(!page.contains("style="))
            #expect(try await root.post("/admin/collection", [:], from: "/admin").status == 303)
            let deadline = ContinuousClock.now + .seconds(60)
            while town.hub.registry.collections.state.endedAt == nil, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(20))
            }
            let state = town.hub.registry.collections.state
            #expect(state.endedAt != nil && !state.hasFailed && state.step == nil)
            #expect(try await root.get("/admin").text.contains("The last collection ended"))
            #expect(try await root.get("/admin/audit").text.contains("collection.request"))
        }
    }

    @Test func `settings are shown with what was set`() async throws {
        let settings = [
            SettingInEffect(key: "listen", value: "<b>", isSet: true),
            SettingInEffect(key: "data", value: nil, isSet: false),
        ]
        try await withHub(
            policy: AuthorizationTests.closed, operation: HubOperation(settings: settings)
        ) { hub in
            let page = try await Browser.signedIn("root", try await Town(hub)).get("/admin/settings").text
            #expect(page.contains("<code>listen</code></th><td><code>&lt;b&gt;</code></td><td>yes</td>"))
            #expect(page.contains("<code>data</code></th><td>none</td><td>default</td>"))
        }
    }
}
