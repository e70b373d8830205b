// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import HubStorage
import OCI
import Testing

@testable import HubHTTP

/// The first page, for people.
@Suite struct ExploreTests {
    @Test func `the page searches, narrows down and sorts without a script`() async throws {
        try await withHub { hub in
            try await hub.client.push(
                try FilterSketch(language: "rust", description: "limits traffic"), to: "acme/rate-limit",
                tag: "v2")
            try await hub.client.push(try FilterSketch(language: "go"), to: "beta/auth", tag: "v1")
            try await settle(hub)
            try await hub.metadata.addPulls([try Repository("beta/auth"): 1234], day: 1)
            let all = try await hub.client.send("GET", "/").text
            for text in [
                "2 filters", "limits traffic", "1,234 pulls", "rust", "ABI v0.2.1", "runs on", "Istio",
                "just now",
                "href=\"/r/beta/auth\"", "<form", "role=\"search\"", "name=\"language\" value=\"go\"",
                "role=\"status\"", "/feed.atom",
            ] {
                #expect(all.contains(text), "\(text)")
            }
            #expect(!all.contains("style=") && !all.contains("<script>"))
            // As browsers write it.
            let found = try await hub.client.send("GET", "/?q=rate+limit&sort=newest&language=rust").text
            #expect(found.contains("1 filter<") || found.contains("1 filter\n"), "\(found)")
            #expect(
                found.contains("value=\"rate limit\"") && found.contains("<option value=\"newest\" selected>")
            )
            #expect(found.contains("value=\"rust\" checked"))
            #expect(!found.contains("/r/beta/auth"))
            let none = try await hub.client.send("GET", "/?q=zzz").text
            #expect(
                none.contains("0 filters") && none.contains("Nothing fits")
                    && !none.contains("Nothing has been"))
        }
    }

    @Test func `pages lead on to the next, and are small`() async throws {
        try await withHub { hub in
            for number in 10..<35 {
                let line = String(repeating: "'\"<&>", count: 100)
                try await hub.client.push(
                    try FilterSketch(language: "l\(number)", description: line), to: "org\(number)/f",
                    tag: "v1")
            }
            try await settle(hub)
            let first = try await hub.client.send("GET", "/?sort=name")
            #expect(first.body.count < 50_000)
            let next = try #require(first.text.firstMatch(of: #/rel="next" href="([^"]+)"/#)).1
                .replacing("&amp;", with: "&").replacing("&#x3D;", with: "=")
            let second = try await hub.client.send("GET", String(next)).text
            #expect(
                second.contains("/r/org30/f\"") && second.contains("/r/org34/f\"")
                    && !second.contains("/r/org29/f\""))
            #expect(!second.contains("rel=\"next\""))
        }
    }

    @Test(arguments: [
        "/?sort=best", "/?q=\(String(repeating: "x", count: 201))", "/?last=a~b~c",
        "/?q=a+b+c+d+e+f+g+h+i+j+k", "/?q=a&q=b",
    ])
    func `what cannot be looked for is said on the page`(_ path: String) async throws {
        try await withHub { hub in
            // Also where there is nothing yet.
            let empty = try await hub.client.send("GET", path)
            #expect(empty.status == 400)
            #expect(empty.text.contains("class=\"alert\""))
            try await hub.client.pushImage(to: "acme/x", tag: "v1")
            let page = try await hub.client.send("GET", path)
            #expect(page.status == 400)
            #expect(page.text.contains("class=\"alert\"") && page.text.contains("acme/x"))
        }
    }

    @Test func `what was looked for in vain can be corrected`() async throws {
        try await withHub { hub in
            let page = try await hub.client.send("GET", "/?q=a+b+c+d+e+f+g+h+i+j+%3Ck%3E").text
            #expect(page.contains("value=\"a b c d e f g h i j &lt;k&gt;\""))
        }
    }

    @Test func `what was pushed comes as text, whatever it is`() async throws {
        try await withHub { hub in
            let evil = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'\u{202E}"
            try await hub.client.push(
                try FilterSketch(language: "<i>x</i>", description: evil), to: "acme/x", tag: "v1")
            try await settle(hub)
            for path in ["/", "/?q=\(percent(evil.filter { $0 != " " }))", "/?language=\(percent(evil))"] {
                let page = try await hub.client.send("GET", path)
                #expect(page.status == 200)
                for text in ["<script>", "<img", "<i>", "onerror=alert(1)>"] {
                    #expect(!page.text.contains(text), "\(path): \(text)")
                }
            }
        }
    }

    @Test func `nothing tells of what somebody may not see`() async throws {
        try await withTown { town in
            let root = Town.basic("root", "secret")
            try await town.hub.client.push(
                try FilterSketch(language: "zebra", description: "quagga"), to: "acme/secret", tag: "v2", root
            )
            try await town.hub.client.push(
                try FilterSketch(language: "okapi"), to: "hidden/x", tag: "v1", root)
            try await town.hub.client.push(
                try FilterSketch(language: "gnu"), to: "acme/open", tag: "v2", root)
            try await settle(town.hub)
            let reader = Town.basic("rea", "secret")
            let hidden = ["zebra", "quagga", "okapi", "hidden", "acme/secret"]
            let paths = [
                "/", "/?sort=newest", "/?q=a", "/feed.atom", "/sitemap.xml", "/robots.txt",
                "/api/v1/search?q=",
                "/api/v1/search?sort=newest", "/api/v1/search?q=acme&abi=v0.2.1",
            ]
            for path in paths {
                let reply = try await town.hub.client.send("GET", path)
                #expect(reply.status == 200, "\(path)")
                for word in hidden { #expect(!reply.text.contains(word), "\(path): \(word)") }
            }
            // A guess finds as little as nonsense does.
            for (guess, nonsense) in [
                ("q=quagga", "q=qwerty"), ("q=zebra", "q=qwert"), ("language=zebra", "language=qwert"),
                ("organisation=hidden", "organisation=qwerty"),
            ] {
                let found = try await town.hub.client.send("GET", "/api/v1/search?\(guess)").text
                let other = try await town.hub.client.send("GET", "/api/v1/search?\(nonsense)").text
                let word = guess.split(separator: "=")[1]
                #expect(found.replacing(word, with: "qwerty") == other.replacing("qwert\"", with: "qwerty\""))
            }
            for path in ["/badge/acme/secret.svg", "/feed/acme/secret.atom"] {
                let there = try await town.hub.client.send("GET", path)
                let not = try await town.hub.client.send("GET", path.replacing("secret", with: "absent"))
                #expect(there.status == 404 && not.status == 404)
                #expect(there.text.replacing("secret", with: "absent") == not.text)
                #expect(try await town.hub.client.send("GET", path, reader).status == 200)
            }
            let seen = try await ExploreReply.get(town.hub, "", reader)
            #expect(seen.repositories.map(\.repository) == ["acme/open", "acme/secret"])
            #expect(seen.counts("language") == ["gnu": 1, "zebra": 1])
            #expect(
                try await ExploreReply.get(town.hub, "", root).counts("organisation") == [
                    "acme": 2, "hidden": 1,
                ])
            // As soon as it is public, it is there.
            let store = town.hub.gatekeeper.directory(for: .host).store
            try await store.setPublic(true, try Repository("hidden/x"))
            #expect(try await ExploreReply.get(town.hub, "q=hidden").counts("language") == ["okapi": 1])
            try await store.setPublic(false, try Repository("hidden/x"))
            #expect(try await ExploreReply.get(town.hub, "q=hidden").total == 0)
        }
    }
}
