// SPDX-License-Identifier: Apache-2.0

import OCI
import Testing

@testable import HubHTTP

/// The pages for people.
@Suite struct PageTests {
    @Test func `an empty hub tells how to push the first filter`() async throws {
        try await withHub { hub in
            let page = try await hub.client.send("GET", "/")
            #expect(page.status == 200)
            #expect(page["Content-Type"] == "text/html; charset=utf-8")
            #expect(page.text.contains("wasme push 127.0.0.1:\(hub.client.port)/my-filter"))
        }
    }

    @Test func `repositories are listed with tag, digest, size and age`() async throws {
        try await withHub { hub in
            let image = try await hub.client.pushImage(
                to: "acme/add-header", tag: "v1.2", layer: sampleBytes(123_456))
            for path in ["/", "/r/acme/add-header"] {
                let page = try await hub.client.send("GET", path).text
                for text in ["acme/add-header", "v1.2", "124 kB", "just now"] {
                    #expect(page.contains(text), "\(path): \(text)")
                }
                #expect(!page.contains("Nothing has been pushed"))
            }
            let page = try await hub.client.send("GET", "/r/acme/add-header").text
            #expect(page.contains(image.digest.short))
            #expect(try await hub.client.send("HEAD", "/").body.isEmpty)
            #expect(try await hub.client.send("GET", "/r/acme/none").status == 404)
            #expect(try await hub.client.send("GET", "/r/Not/a/Name").status == 404)
            #expect(try await hub.client.send("GET", "/elsewhere").status == 404)
        }
    }

    @Test func `nothing but the hub's own style may be loaded`() async throws {
        try await withHub { hub in
            let page = try await hub.client.send("GET", "/")
            let policy = try #require(page["Content-Security-Policy"])
            #expect(policy.hasPrefix("default-src 'none'; style-src 'self'"))
            #expect(policy.contains("script-src 'self'; ") && policy.hasSuffix("frame-ancestors 'none'"))
            #expect(!policy.contains("unsafe"))
            #expect(!page.text.contains("style=") && !page.text.contains("<style"))
            #expect(!page.text.contains("://"))
            let link = try #require(page.text.firstMatch(of: #/href="(/assets/hub\.css\?v=[0-9a-f]+)"/#)).1
            for (path, caching) in [
                (String(link), "max-age=31536000, immutable"), ("/assets/hub.css", "max-age=3600"),
            ] {
                let style = try await hub.client.send("GET", path)
                #expect(style["Content-Type"] == "text/css; charset=utf-8")
                #expect(style["Cache-Control"] == caching)
                #expect(style["Cross-Origin-Resource-Policy"] == "same-origin")
                #expect(style.text.contains("prefers-color-scheme: dark"))
            }
        }
    }

    @Test(arguments: ["/", "/r/acme/none", "/elsewhere", "/assets/none"])
    func `every page forbids to be framed, read or given away`(_ path: String) async throws {
        try await withHub { hub in
            let page = try await hub.client.send("GET", path)
            for (name, value) in [
                "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
                "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
                "Cross-Origin-Resource-Policy": "same-origin", "Vary": "Cookie", "Cache-Control": "no-cache",
            ] {
                #expect(page[name] == value)
            }
            #expect(page["Permissions-Policy"]?.contains("camera=()") == true)
        }
    }

    @Test func `what goes wrong with a page is told on a page, and to programs as JSON`() async throws {
        try await withTown { town in
            for (method, path, headers, status, text) in [
                ("POST", "/", [:], 405, "POST is not supported here"),
                ("GET", "/a/../b", [:], 400, "no name"),
                ("GET", "/", Town.basic("rea", "wrong"), 401, "the password or the token is wrong"),
                ("GET", "/none", [:], 404, "There is no such page here"),
            ] as [(String, String, [String: String], Int, String)] {
                let page = try await town.hub.client.send(method, path, headers, body: [])
                #expect(page.status == status)
                #expect(page["Content-Type"] == "text/html; charset=utf-8")
                #expect(page.text.contains(text), "\(page.text)")
                #expect((page["WWW-Authenticate"] != nil) == (status == 401))
                #expect((page["Allow"] != nil) == (status == 405))
            }
            for path in [
                "/v2/none/tags/list", "/api/v1/none", "/v2/a/../b", "/token?scope=%", "/modules/none",
            ] {
                let reply = try await town.hub.client.send("GET", path, Town.basic("rea", "secret"))
                #expect(reply["Content-Type"] == "application/json", "\(path)")
                #expect(reply.code != nil)
            }
        }
    }

    @Test func `what a client sends comes back escaped`() async throws {
        try await withHub { hub in
            let page = try await onThread { [port = hub.client.port] in
                let wire = try Wire(port: port)
                try wire.send("GET / HTTP/1.1\r\nHost: \"><img src=x>'\r\nConnection: close\r\n\r\n")
                return try wire.reply()
            }
            let text = try #require(page?.text)
            #expect(text.contains("&quot;&gt;&lt;img src=x&gt;&#39;"))
            #expect(!text.contains("<img"))
        }
    }

    @Test(arguments: [
        (0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1500, "1.5 kB"), (99_960, "100 kB"), (999_960, "1 MB"),
        (1_234_567, "1.2 MB"), (5_000_000_000, "5 GB"),
    ])
    func `sizes are readable`(_ bytes: Int64, _ text: String) { #expect(byteCount(bytes) == text) }

    @Test(arguments: [
        (0, "just now"), (59, "just now"), (60, "1 minute ago"), (7200, "2 hours ago"),
        (86_400 * 45, "1 month ago"),
        (-5, "just now"),
    ])
    func `ages are readable`(_ seconds: Int64, _ text: String) { #expect(age(seconds: seconds) == text) }
}
