// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Every page in a real browser: light, dark and narrow, and by the keyboard alone.
///
/// `WASME_SCREENSHOTS` names a folder for their pictures; `make screenshots` does.
@Suite struct PageLookTests {
    private static let pages = [
        ("explore", "/"), ("explore-nothing", "/?q=nothing-like-it"), ("filter", "/r/ada/add-header"),
        ("filter-version", "/r/ada/add-header:v1"),
        ("compare", "/compare/ada/add-header?from=v1&to=v2"), ("account", "/account"),
        ("organisations", "/organisations"), ("organisation", "/organisations/looks"),
        ("own", "/organisations/ada"), ("settings", "/settings/ada/add-header"), ("admin", "/admin"),
        ("admin-users", "/admin/users"), ("admin-audit", "/admin/audit"),
        ("admin-settings", "/admin/settings"), ("admin-webhooks", "/admin/webhooks"),
        ("webhook", "/admin/webhooks/looks"), ("organisation-webhooks", "/organisations/looks/webhooks"),
        ("user", "/users/ada"),
        ("organisation-policy", "/organisations/looks/policy"),
        ("remove", "/organisations/looks/remove"), ("document", "/r/ada/add-header?show=module"),
        ("versions", "/r/ada/add-header?show=versions"),
        ("missing", "/r/nobody/nothing"), ("signed-out-missing", "/nowhere"),
    ]

    @Test(.requires(.swift), .requires(.browser))
    func `pages can be read and used by everybody, however they are looked at`() async throws {
        let newcomer = try await BuiltFilter.shared.value
        let data = newcomer.scratch.appending("look-hub").string
        let added = try await run(
            buildFolder.appending("wasme-hub"),
            ["user", "add", "ada", "--admin", "--password-stdin", "--data", data], input: "a long password\n")
        try #require(added.status == 0, "\(added.stderr)")
        let (hub, address) = try await newcomer.startHub(data: "look-hub")
        let page = try await Chromium(
            try #require(Tool.browser.path), profile: newcomer.scratch.appending("look-browser"))
        defer { page.quit() }

        try await check("signin", "/signin", address, page)
        try await check("explore-empty", "/", address, page)
        try await page.open("http://\(address)/signin?next=/organisations")
        try await page.type("ada", into: "#name")
        try await page.type("a long password", into: "#password")
        try await page.follow("main button")
        try await page.type("looks", into: "#organisation-name")
        try await page.follow("main button")

        try await page.open("http://\(address)/admin/webhooks")
        try await page.type("looks", into: "#hook-name")
        try await page.type("http://127.0.0.1:9/", into: "#hook-url")
        try await page.follow("main button")

        let image = "\(address)/ada/add-header"
        let logIn = try await newcomer.wasme(
            "login", address, "--username", "ada", "--password-stdin", input: "a long password\n")
        try #require(logIn.status == 0, "\(logIn.stderr)")
        try await newcomer.does("tag", "add-header:v1", "\(image):v1")
        try await newcomer.does("tag", "add-header:v1", "\(image):v2")
        try await newcomer.does("push", "\(image):v1", "\(image):v2")
        try await page.open(
            "http://\(address)/r/ada/add-header", until: "document.querySelector('#configuration')")

        for (name, path) in Self.pages { try await check(name, path, address, page) }
        hub.signal(SIGTERM)
        _ = await hub.wait()
    }

    private func check(_ name: String, _ path: String, _ address: String, _ page: Chromium) async throws {
        for look in PageLook.all {
            try await page.look(look)
            try await page.open("http://\(address)\(path)")
            let problems = try await PageAudit.problems(page)
            #expect(problems == [], "\(name), \(look)")
            if let folder = ProcessInfo.processInfo.environment["WASME_SCREENSHOTS"] {
                try FileManager.default.createDirectory(
                    atPath: folder, withIntermediateDirectories: true)
                try await page.picture(look).write(to: URL(filePath: "\(folder)/\(name)-\(look).png"))
            }
        }
        try await page.look(PageLook.all[0])
        try await page.open("http://\(address)\(path)")
        let problems = try await PageAudit.keyboardProblems(page)
        #expect(problems == [], "\(name), by the keyboard")
    }
}
