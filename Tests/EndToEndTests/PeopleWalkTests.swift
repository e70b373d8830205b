// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import TestSupport
import Testing

/// Somebody with a browser and the command, from signing in to a token that is revoked.
@Suite struct PeopleWalkTests {
    @Test(.requires(.swift), .requires(.browser))
    func `a browser signs in, makes an organisation and a token, and revokes it`() async throws {
        let newcomer = try await BuiltFilter.shared.value
        let added = try await run(
            buildFolder.appending("wasme-hub"),
            [
                "user", "add", "ada", "--admin", "--password-stdin", "--data",
                newcomer.scratch.appending("walk-hub").string,
            ], input: "a long password\n")
        try #require(added.status == 0, "\(added.stderr)")
        let (hub, address) = try await newcomer.startHub(data: "walk-hub")
        let page = try await Chromium(
            try #require(Tool.browser.path), profile: newcomer.scratch.appending("walk-browser"))
        defer { page.quit() }

        // What needs an account leads to the form, and back.
        try await page.open("http://\(address)/organisations")
        #expect(
            try await page.value("location.pathname + location.search") == "/signin?next=%2Forganisations")
        try await page.type("ada", into: "#name")
        try await page.type("wrong", into: "#password")
        try await page.follow("main button")
        #expect(try await page.text().contains("The name or the password is wrong."))
        try await page.type("a long password", into: "#password")
        try await page.follow("main button")
        #expect(try await page.value("location.pathname") == "/organisations")
        #expect(try await page.value("document.cookie") == "")

        try await page.type("walkers", into: "#organisation-name")
        try await page.follow("main button")
        #expect(try await page.value("location.pathname") == "/organisations/walkers")

        try await page.open("http://\(address)/account")
        try await page.type("ci", into: "#token-name")
        try await page.type("walkers/*", into: "#token-repositories")
        try await page.click("input[value=push]")
        try await page.follow("form[action='/account/tokens'] button")
        let secret = try await page.value("document.querySelector('#secret').value")
        #expect(secret.hasPrefix("whub_"))

        let image = "\(address)/walkers/add-header"
        let logIn = try await newcomer.wasme(
            "login", address, "--username", "ada", "--password-stdin", input: secret + "\n")
        try #require(logIn.status == 0, "\(logIn.stderr)")
        try await newcomer.does("tag", "add-header:v1", "\(image):v1")
        try await newcomer.does("push", "\(image):v1")
        // The token is good for nothing else.
        try await newcomer.does("tag", "add-header:v1", "\(address)/ada/other:v1")
        #expect(try await newcomer.wasme("push", "\(address)/ada/other:v1").status == 77)
        try await page.open("http://\(address)/organisations/walkers")
        #expect(try await page.text().contains("walkers/add-header"))

        try await page.open("http://\(address)/account")
        try await page.follow("button[aria-label='Revoke ci']")
        #expect(try await page.text().contains("There are none."))
        try await newcomer.does("tag", "add-header:v1", "\(image):v2")
        let refused = try await newcomer.wasme("push", "\(image):v2")
        #expect(refused.status == 77, "\(refused.status) \(refused.stderr)")

        // A script of the hub's own follows the collection until it has ended.
        try await page.open("http://\(address)/admin")
        try await page.follow("form[action='/admin/collection'] button")
        try await page.wait(for: "document.body.innerText.includes('The last collection ended')")

        try await page.follow("form[action='/signout'] button")
        try await page.open("http://\(address)/account")
        #expect(try await page.value("location.pathname") == "/signin")
        hub.signal(SIGTERM)
        _ = await hub.wait()
    }
}
