// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import HubStorage
import OCI
import TestSupport
import Testing

@testable import HubHTTP

/// Pulls by the day, as a picture and as numbers; and what a page says of itself to other sites.
@Suite struct PullPageTests {
    private struct Pulls: Decodable {
        struct Day: Decodable {
            let day: String
            let count: Int
        }
        let days: [Day]
        let total: Int
    }

    @Test func `pulls are drawn day by day, with their numbers as a table and by the API`() async throws {
        try await withTown { town in
            let hub = town.hub
            let today = hub.registry.now() / 86_400
            let open = try Repository("acme/open")
            #expect(try await !hub.client.get("/r/acme/open").text.contains("id=\"pulls-title\""))
            for (ago, count) in [(0, 3), (1, 1), (29, 12), (30, 500), (-1, 7)] {
                try await hub.metadata.addPulls([open: count], day: today - Int64(ago))
            }
            let page = try await hub.client.get("/r/acme/open").text
            #expect(page.contains("16 pulls in the last 30 days; most, 12, on"))
            let picture = try #require(page.firstMatch(of: #/<svg[^>]*pulls-title.*?<\/svg>/#)).0
            #expect(picture.components(separatedBy: "<rect").count == 4)
            let rows = page.matches(
                of: #/<tr><th scope="row">(\d{4}-\d\d-\d\d)</th><td class="number">(\d+)</td>/#)
            #expect(rows.count == 30 && rows.last?.2 == "3" && rows.first?.2 == "12")

            func pulls(_ query: String) async throws -> Pulls {
                let reply = try await hub.client.send("GET", "/api/v1/pulls/acme/open\(query)")
                return try JSONDecoder().decode(Pulls.self, from: Data(reply.body))
            }
            let usual = try await pulls("")
            #expect(usual.total == 16 && usual.days.count == 30)
            #expect(usual.days.last?.day == String(rows.last?.1 ?? ""))
            #expect(try await pulls("?days=31").days.map(\.count).first == 500)
            #expect(try await pulls("?days=1").days.map(\.count) == [3])
            for query in ["?days=0", "?days=367", "?days=x", "?days=1&days=2", "?days=-1"] {
                let reply = try await hub.client.send("GET", "/api/v1/pulls/acme/open\(query)")
                #expect(reply.status == 400, "\(query)")
            }
            #expect(try await hub.client.send("POST", "/api/v1/pulls/acme/open", body: []).status == 405)
        }
    }

    @Test func `a hub that was told its address names that one everywhere`() async throws {
        let folder = try ScratchDirectory("public")
        let hub = try await HubProcess(
            data: folder.appending("data"),
            environment: [
                "WASME_HUB_PUBLIC_URL": "https://hub.example.com", "WASME_HUB_PAGES_FOREIGN_PICTURES": "true",
            ])
        let image = try FilterSketch(schema: nil, readme: "![seen](https://pictures.example/x.png)")
        try await hub.client.push(image, to: "acme/tiny", tag: "v1")
        let reply = try await hub.client.get("/r/acme/tiny")
        let page = reply.text
        let digest = image.document.digest
        for text in [
            #"<meta property="og:url" content="https://hub.example.com/r/acme/tiny">"#,
            #"<meta property="og:title" content="acme/tiny">"#,
            #"<meta property="og:description" content="Adds a header.">"#,
            #"<link rel="canonical" href="https://hub.example.com/r/acme/tiny">"#,
            "wasme pull hub.example.com/acme/tiny:v1",
            "https://hub.example.com/modules/acme/tiny/\(digest).wasm",
            "oci://hub.example.com/acme/tiny@\(digest)",
            #"<img src="https://pictures.example/x.png" alt="seen""#,
        ] { #expect(page.contains(text), "\(text)") }
        #expect(!page.contains("127.0.0.1"))
        #expect(reply["Content-Security-Policy"]?.contains("img-src 'self' https:;") == true)
        let first = try await hub.client.get("/")
        #expect(first.text.contains(#"<link rel="canonical" href="https://hub.example.com/">"#))
        // Nowhere else do pictures come from other hosts.
        #expect(first["Content-Security-Policy"]?.contains("img-src 'self';") == true)
        for path in ["/feed.atom", "/sitemap.xml", "/robots.txt"] {
            let text = try await hub.client.get(path).text
            #expect(text.contains("https://hub.example.com/") && !text.contains("127.0.0.1"), "\(path)")
        }
        await hub.stop(SIGTERM)
    }
}
