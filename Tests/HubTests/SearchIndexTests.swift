// SPDX-License-Identifier: Apache-2.0

import FilterImage
import Foundation
import GRDB
import Hub
@testable import HubStorage
import OCI
import Testing

/// What a search finds, in which order, and what it is made of.
@Suite struct SearchIndexTests {
    /// All that searches read, as text.
    static func dump(_ hub: TestHub) async throws -> [String] {
        try await hub.metadata.read { database in
            let queries = [
                "SELECT name, is_public, pulls, tag, updated_at FROM listings",
                "SELECT rowid, * FROM listing_texts ORDER BY rowid",
            ]
            let lines = try queries.flatMap { try Row.fetchAll(database, sql: $0) }.map { row in
                row.map { "\($0.0)=\($0.1)" }.joined(separator: "|")
            }
            let lists = try Data.fetchAll(database, sql: "SELECT facets FROM listings")
            return try lines
                + lists.map { list in
                    try FacetList(list).ids.map { id in
                        let row = try Row.fetchOne(
                            database, sql: "SELECT value, label FROM facet_values WHERE id = ?",
                            arguments: [id])
                        return "\(id & 7) \(String(describing: row))"
                    }.sorted().joined(separator: "; ")
                }
        }
    }

    private func names(
        _ hub: TestHub, _ query: String, _ headers: [String: String] = [:]
    ) async throws -> [String] {
        try await ExploreReply.get(hub, query, headers).repositories.map(\.repository)
    }

    @Test func `a name counts for more than a title, a title for more than a README, then pulls`()
        async throws
    {
        try await withHub { hub in
            try await hub.client.push(
                try FilterSketch(language: "rust", readme: "# It limits"), to: "acme/a", tag: "v1")
            try await hub.client.push(
                try FilterSketch(language: "rust", description: "limits traffic"), to: "acme/b", tag: "v1")
            try await hub.client.push(try FilterSketch(language: "go"), to: "acme/rate-limit", tag: "v1")
            try await hub.client.push(try FilterSketch(language: "go"), to: "acme/limiter", tag: "v1")
            try await settle(hub)
            #expect(
                try await names(hub, "q=limit") == ["acme/limiter", "acme/rate-limit", "acme/b", "acme/a"])
            try await hub.metadata.addPulls(
                [try Repository("acme/rate-limit"): 3, try Repository("acme/a"): 9], day: 1)
            #expect(
                try await names(hub, "q=limit") == ["acme/rate-limit", "acme/limiter", "acme/b", "acme/a"])
            #expect(try await names(hub, "q=").first == "acme/a")
            // As one types it; all words must fit, wherever they stand.
            for text in ["l", "li", "lim", "LIMIT", "acme%20lim", "lim%20acme"] {
                #expect(try await names(hub, "q=\(text)").count == 4, "\(text)")
            }
            #expect(try await names(hub, "q=traffic%20b") == ["acme/b"])
            #expect(try await names(hub, "q=traffic%20rate").isEmpty)
        }
    }

    @Test func `whatever is typed is words, and never a fault`() async throws {
        try await withHub { hub in
            try await hub.client.push(try FilterSketch(language: "rust"), to: "acme/near", tag: "v1")
            try await settle(hub)
            let hostile = [
                "\"", "\"\"", "*", "near*", "NEAR(a b)", "a AND", "OR", "NOT near", "name:near",
                "{name}:near", "^near",
                "-near", "+near", "(", ")", "near)", "a\" OR 1=1 --", "'; DROP TABLE listings; --", "\u{0}",
                "near\u{0}x",
                "\u{202E}near", "é", "e\u{301}", "\u{301}", "\u{1F600}", "\u{1E900}", "𓀀", "\u{10FFFF}",
                "\u{E000}", "%", "_",
                "near/near", "-", "--", "\\", "\u{FFFD}", "\u{FEFF}near", "ｎｅａｒ", "\u{2160}",
                "\u{0E01}\u{0E33}", "\u{3099}", "1e999",
            ]
            for text in hostile {
                let query = "q=\(percent(text))"
                let reply = try await hub.client.send("GET", "/api/v1/search?\(query)")
                #expect(reply.status == 200, "\(text.debugDescription): \(reply.text)")
                for order in ["pulls", "newest", "name"] {
                    let reply = try await hub.client.send("GET", "/api/v1/search?\(query)&sort=\(order)")
                    #expect(reply.status == 200, "\(text.debugDescription): \(reply.text)")
                }
                for facet in Facet.allCases {
                    let reply = try await hub.client.send(
                        "GET", "/api/v1/search?\(facet.rawValue)=\(percent(text))")
                    #expect(reply.status == 200, "\(text.debugDescription): \(reply.text)")
                }
            }
            for text in ["near*", "^near", "-near", "(near", "\u{202E}near", "\"near\"", "near/"] {
                #expect(try await names(hub, "q=\(percent(text))") == ["acme/near"], "\(text)")
            }
            for query in [
                "sort=best", "last=x~y~z", "last=1~2", "last=1~2~3~4", "q=a&q=b", "sort=name&sort=name",
                "n=-1",
                "language=\(String(repeating: "x", count: 201))",
                (0...40).map { "language=l\($0)" }.joined(separator: "&"),
            ] {
                #expect(try await hub.client.send("GET", "/api/v1/search?\(query)").status == 400, "\(query)")
            }
        }
    }

    @Test func `every order comes in pages without a gap or a repetition`() async throws {
        let clock = Ticks()
        try await withHub(now: { clock.next() }) { hub in
            for number in 0..<9 {
                try await hub.client.push(
                    try FilterSketch(language: number % 2 == 0 ? "rust" : "go"),
                    to: "acme/f\(number * 7 % 9)", tag: "v1")
            }
            try await settle(hub)
            try await hub.metadata.addPulls(
                [try Repository("acme/f3"): 5, try Repository("acme/f4"): 5, try Repository("acme/f8"): 7],
                day: 1)
            let all = (0..<9).map { "acme/f\($0)" }
            let byPulls =
                ["acme/f8", "acme/f3", "acme/f4"]
                + all.filter { !["acme/f8", "acme/f3", "acme/f4"].contains($0) }
            let byAge = (0..<9).reversed().map { "acme/f\($0 * 7 % 9)" }
            for (query, order) in [
                ("sort=name", all), ("sort=pulls", byPulls), ("q=f", byPulls), ("", byPulls),
                ("sort=newest", byAge),
                ("q=acme&sort=newest", byAge), ("language=go&language=rust&sort=name", all),
            ] {
                var path: String? = "/api/v1/search?\(query)&n=4"
                var found: [String] = []
                while let next = path {
                    let reply = try await hub.client.send("GET", next)
                    let page = try JSONDecoder().decode(ExploreReply.self, from: Data(reply.body))
                    #expect(page.total == 9)
                    found += page.repositories.map(\.repository)
                    path = reply["Link"].map { String($0.dropFirst().prefix { $0 != ">" }) }
                    try #require(found.count <= 9)
                }
                #expect(found == order, "\(query)")
            }
            // Clients of old name the last one they saw.
            #expect(try await names(hub, "last=acme/f6") == ["acme/f7", "acme/f8"])
        }
    }

    @Test func `values are counted among what the other choices leave`() async throws {
        try await withHub { hub in
            for (name, language) in [
                ("a/x", "rust"), ("a/y", "rust"), ("a/z", "go"), ("b/x", "go"), ("plain", "c"),
            ] {
                try await hub.client.push(try FilterSketch(language: language), to: name, tag: "v1")
            }
            try await hub.client.pushImage(to: "b/other", tag: "v1")
            try await settle(hub)
            let all = try await ExploreReply.get(hub, "")
            #expect(all.total == 6)
            #expect(all.counts("language") == ["rust": 2, "go": 2, "c": 1])
            #expect(all.counts("organisation") == ["a": 3, "b": 2])
            #expect(all.counts("abi") == ["v0.2.1": 5])
            #expect(all.counts("host")["envoy"] == 5)
            #expect(all.facets["host"]?.first { $0.value == "envoy" }?.label == "Envoy")
            #expect(all.counts("capability").values.contains(5))
            #expect(all.repositories.first { $0.repository == "a/x" }?.hosts.contains("istio") == true)
            let rust = try await ExploreReply.get(hub, "language=rust")
            #expect(rust.total == 2)
            // Another language would bring others; another organisation none.
            #expect(rust.counts("language") == ["rust": 2, "go": 2, "c": 1])
            #expect(rust.counts("organisation") == ["a": 2])
            let both = try await ExploreReply.get(hub, "language=rust&language=go&organisation=b")
            #expect(both.repositories.map(\.repository) == ["b/x"])
            #expect(both.counts("organisation") == ["a": 3, "b": 1])
            let words = try await ExploreReply.get(hub, "q=x")
            #expect(words.counts("language") == ["rust": 1, "go": 1])
            let none = try await ExploreReply.get(hub, "language=cobol&host=envoy")
            #expect(none.total == 0)
            #expect(none.counts("language") == ["rust": 2, "go": 2, "c": 1, "cobol": 0])
        }
    }

    @Test func `a signature shows, by referrer or by cosign's tag, and is no version`() async throws {
        try await withHub { hub in
            let image = try await hub.client.pushImage(to: "acme/x", tag: "v1")
            #expect(try await ExploreReply.get(hub, "signed=true").total == 0)
            let config = try await hub.client.push(Array("{}".utf8), to: "acme/x")
            var manifest = HubTests.image(
                config: config, layers: [],
                subject: Descriptor(of: image.bytes, mediaType: image.mediaType))
            manifest.artifactType = MediaType(rawValue: "application/vnd.cncf.notary.signature")
            let signature = try ManifestDocument(manifest)
            #expect(
                try await hub.client.putManifest(signature, to: "acme/x", as: signature.digest.description)
                    .status == 201)
            #expect(try await names(hub, "signed=true") == ["acme/x"])
            #expect(try await ExploreReply.get(hub, "").repositories.first?.isSigned == true)
            _ = try await hub.client.send("DELETE", "/v2/acme/x/manifests/\(signature.digest)")
            #expect(try await ExploreReply.get(hub, "signed=true").total == 0)
            let tag = "sha256-\(image.digest.hex).sig"
            #expect(try await hub.client.putManifest(image, to: "acme/x", as: tag).status == 201)
            let found = try await ExploreReply.get(hub, "signed=true").repositories
            #expect(found.map(\.tag) == ["v1"])
        }
    }

    @Test func `what was changed bit by bit is what is made anew`() async throws {
        let clock = Ticks()
        try await withHub(now: { clock.next() }) { hub in
            let old = try FilterSketch(language: "rust", readme: "first")
            try await hub.client.push(old, to: "acme/x", tag: "v1")
            try await settle(hub)
            try await hub.client.push(
                try FilterSketch(language: "go", readme: "second"), to: "acme/x", tag: "v2")
            try await settle(hub)
            #expect(try await ExploreReply.get(hub, "q=second").repositories.map(\.tag) == ["v2"])
            #expect(try await names(hub, "q=first").isEmpty)
            // A tag goes, and the one before it is the newest.
            _ = try await hub.client.send("DELETE", "/v2/acme/x/manifests/v2")
            #expect(
                try await ExploreReply.get(hub, "q=first&language=rust").repositories.map(\.tag) == ["v1"])
            // It comes back by a tag that moves.
            #expect(try await hub.client.putManifest(old.document, to: "acme/x", as: "v3").status == 201)
            #expect(try await ExploreReply.get(hub, "q=first").repositories.map(\.tag) == ["v3"])
            try await hub.client.push(try FilterSketch(language: "c"), to: "acme/gone", tag: "v1")
            try await settle(hub)
            #expect(try await names(hub, "q=gone") == ["acme/gone"])
            _ = try await hub.client.send("DELETE", "/v2/acme/gone/manifests/v1")
            #expect(try await ExploreReply.get(hub, "q=gone").total == 0)
            #expect(try await ExploreReply.get(hub, "").counts("language") == ["rust": 1])
            try await hub.metadata.addPulls([try Repository("acme/x"): 4], day: 3)
            let changed = try await Self.dump(hub)
            try await hub.metadata.forgetFacts()
            try await settle(hub)
            #expect(try await Self.dump(hub) == changed)
            #expect(changed.contains { $0.contains("pulls=4") })
        }
    }
}
