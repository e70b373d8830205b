// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import TestSupport
import Testing

/// Somebody with a browser who looks for a filter, judges it and takes it along.
@Suite struct FilterWalkTests {
    /// A filter in two versions, in a hub of its own.
    private func withVersions(
        _ name: String, _ work: (Newcomer, String) async throws -> Void
    ) async throws {
        let newcomer = try await BuiltFilter.shared.value
        let folder = newcomer.scratch.appending("\(name)-project")
        let copy = try await run(
            FilePath("/bin/sh"),
            [
                "-c",
                "mkdir $1 && tar -c --exclude=.build -C add-header . | tar -x -C $1 && sed -i 's/^version:.*/version: 0.2.0/' $1/wasme.yaml",
                "sh", folder.string,
            ], in: newcomer.scratch.path)
        try #require(copy.status == 0, "\(copy.stderr)")
        let (hub, address) = try await newcomer.startHub(data: "\(name)-hub")
        let image = "\(address)/walks/add-header"
        try await newcomer.does("build", folder.string, "-t", "\(image):v2")
        try await newcomer.does("tag", "add-header:v1", "\(image):v1")
        try await newcomer.does("push", "\(image):v1", "\(image):v2")
        try await work(newcomer, address)
        hub.signal(SIGTERM)
        _ = await hub.wait()
    }

    @Test(.requires(.swift), .requires(.browser))
    func `a browser finds a filter, fills its form, copies what it needs and compares versions`() async throws
    {
        try await withVersions("filter-walk") { newcomer, address in
            let page = try await Chromium(
                try #require(Tool.browser.path), profile: newcomer.scratch.appending("filter-browser"))
            defer { page.quit() }
            // What was pushed has been read when the search knows its language.
            try await page.open(
                "http://\(address)/", until: "document.querySelector('#facets input[name=language]')")
            // Typing alone narrows down, without another page.
            _ = try await page.value("window.isSame = true")
            try await page.type("nothing-like-it", into: "#q")
            try await page.wait(for: "document.querySelectorAll('#results article').length === 0")
            #expect(try await page.value("location.search") == "?q=nothing-like-it")
            try await page.type("add hea", into: "#q")
            try await page.wait(for: "document.querySelectorAll('#results article').length === 1")
            #expect(try await page.value("window.isSame") == "true")
            #expect(try await page.value("document.activeElement.id") == "q")
            try await page.click("#facets input[name=language]")
            try await page.wait(for: "location.search.includes('language=swift')")
            #expect(try await page.text().contains("walks/add-header"))

            try await page.follow("#results h2 a")
            #expect(try await page.value("location.pathname") == "/r/walks/add-header")
            let field = "#configuration input[name]"
            try await page.type("not a header", into: field)
            try await page.wait(
                for: "document.querySelector('\(field)').getAttribute('aria-invalid') === 'true'")
            try await page.type("x-walked", into: field)
            try await page.wait(
                for: "document.querySelector('\(field)').getAttribute('aria-invalid') !== 'true'")
            try await page.wait(
                for:
                    "[...document.querySelectorAll('code[data-snippet]')].every((code) => code.textContent.includes('x-walked') || !code.textContent.includes('hello'))"
            )
            let command = try await page.value("document.querySelector('code[data-snippet]').textContent")
            #expect(command.contains("x-walked") && command.contains("@sha256:"))
            try await page.send(
                "Browser.grantPermissions",
                [
                    "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"],
                    "origin": "http://\(address)",
                ])
            try await page.click("button.copy")
            try await page.wait(for: "document.querySelector('button.copy').textContent === 'Copied'")

            try await page.follow("a[href^='/compare/']")
            let compared = try await page.text()
            #expect(compared.contains("0.1.0") && compared.contains("0.2.0"))
        }
    }

    @Test(.requires(.swift), .requires(.browser))
    func `without scripts the same pages search, read and fill in`() async throws {
        try await withVersions("filter-plain") { newcomer, address in
            let page = try await Chromium(
                try #require(Tool.browser.path), profile: newcomer.scratch.appending("plain-browser"),
                runsScripts: false)
            defer { page.quit() }
            try await page.open("http://\(address)/?q=header")
            #expect(try await page.text().contains("walks/add-header"))
            try await page.type("nothing-like-it", into: "#q")
            try await page.follow("form.explore button")
            #expect(try await page.text().contains("Nothing fits."))
            try await page.open(
                "http://\(address)/r/walks/add-header:v1", until: "document.querySelector('#configuration')")
            try await page.type("x-plain", into: "#configuration input[name]")
            try await page.follow("#configuration button")
            #expect(
                try await page.value("document.querySelector('code[data-snippet]').textContent").contains(
                    "x-plain"))
            #expect(try await page.value("document.querySelectorAll('button.copy').length") == "0")
        }
    }
}
