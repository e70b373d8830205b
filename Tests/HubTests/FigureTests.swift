// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Hub
import OCI
import Testing

@testable import HubHTTP
@testable import HubStorage

/// Figures that are kept with each change, held against what there is.
@Suite struct FigureTests {
    /// The figures and holdings as the hub keeps them, and as they are when all is counted.
    private func check(_ hub: TestHub) async throws -> HubFigures {
        let figures = try await hub.metadata.count()
        let held = try await MetadataDatabase(hub.metadata, acting: .host).holdings(limit: 1000)
        let kept: [(String, Int64)] = [
            ("repositories", figures.repositories), ("manifests", figures.manifests), ("tags", figures.tags),
            ("blobs", figures.blobs), ("uploads", figures.openUploads),
        ]
        let counted: [Int64] = try await hub.metadata.read { database in
            try kept.map { try Int64.fetchOne(database, sql: "SELECT count(*) FROM \($0.0)") ?? -1 }
        }
        for ((table, figure), count) in zip(kept, counted) { #expect(figure == count, "\(table)") }
        let bytes = try await hub.metadata.read { database in
            try Int64.fetchOne(database, sql: "SELECT coalesce(sum(size), 0) FROM blobs")
        }
        #expect(bytes == figures.blobBytes)
        let lines: [String] = try await hub.metadata.read { database in
            try String.fetchAll(
                database,
                sql: """
                    SELECT namespace || ' ' || count(*) || ' ' || sum(held_bytes) FROM repositories
                    GROUP BY namespace ORDER BY sum(held_bytes) DESC, namespace
                    """)
        }
        #expect(held.map { "\($0.owner) \($0.repositories) \($0.bytes)" } == lines)
        return figures
    }

    @Test func `they are right after each push, deletion and collection`() async throws {
        try await withHub { hub in
            #expect(try await check(hub) == HubFigures())
            let image = try await hub.client.pushImage(to: "acme/proxy", tag: "v1")
            try await hub.client.pushImage(to: "acme/proxy", tag: "v2")
            try await hub.client.pushImage(to: "acme/other", tag: "v1")
            try await hub.client.pushImage(to: "alone", tag: "v1")
            #expect(
                try await hub.client.send("POST", "/v2/acme/proxy/blobs/uploads/", body: []).status == 202)
            let full = try await check(hub)
            #expect(full.repositories == 3 && full.tags == 4 && full.openUploads == 1)
            #expect(try await hub.client.send("DELETE", "/v2/acme/proxy/manifests/v2").status == 202)
            #expect(try await check(hub).tags == 3)
            #expect(
                try await hub.client.send("DELETE", "/v2/acme/proxy/manifests/\(image.digest)").status == 202)
            #expect(try await check(hub).manifests == full.manifests - 1)
            // As if all of it were a week old.
            try await hub.metadata.execute(
                "UPDATE blobs SET created_at = 0; UPDATE repository_blobs SET linked_at = 0; UPDATE uploads SET started_at = 0"
            )
            _ = try await hub.registry.acting(for: .host).collect()
            let swept = try await check(hub)
            #expect(swept.openUploads == 0 && swept.blobs <= full.blobs)
            try await hub.metadata.execute("DELETE FROM repositories WHERE name = 'alone'")
            #expect(try await check(hub).repositories == 2)
        }
    }

    @Test func `times are written as the library writes them`() {
        let style = Date.ISO8601FormatStyle()
        var times: [Int64] = [
            0, -1, 951_782_399, 951_782_400, 951_868_800, 4_107_542_399, 1_785_585_600, 253_402_300_799,
        ]
        times += (0..<800).map { $0 * 86_400 * 37 + 12_345 }
        for time in times {
            #expect(timestamp(time) == style.format(Date(timeIntervalSince1970: TimeInterval(time))))
        }
    }

    @Test func `JSON that is written as it comes says what it was given`() throws {
        let texts = [
            "", "plain", "\"quoted\" \\ /", "\u{0}\u{1}\u{8}\t\n\u{c}\r\u{1f}\u{7f}", "ü \u{2028} 🦀 \u{fffd}",
            "</script>",
        ]
        var text = JSONText()
        text.object { text in
            text.member("empty") { $0.array([String]()) { $0.string($1) } }
            text.member("none", nil)
            text.member("numbers") { $0.array([Int64.min, 0, .max]) { $0.number($1) } }
            text.member("objects") {
                $0.array(texts) { text, value in text.object { $0.member("text", value) } }
            }
            text.member("texts") { $0.array(texts) { $0.string($1) } }
            text.member("yes", true)
        }
        struct Read: Decodable, Equatable {
            struct Item: Decodable, Equatable { let text: String }
            let empty: [String]
            let none: String?
            let numbers: [Int64]
            let objects: [Item]
            let texts: [String]
            let yes: Bool
        }
        let read = try JSONDecoder().decode(Read.self, from: Data(text.bytes))
        #expect(
            read
                == Read(
                    empty: [], none: nil, numbers: [.min, 0, .max], objects: texts.map(Read.Item.init),
                    texts: texts,
                    yes: true))
    }

    @Test func `browsers are called what people call them`() {
        for (agent, name) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36",
                "Chrome on Linux"
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Windows"
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Safari/604.1",
                "Safari on iPhone"
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/150.0 Safari/537.36 Edg/150.0",
                "Edge on Windows"
            ),
            ("curl/8.0", "curl/8.0"), ("Mozilla/5.0", "Mozilla/5.0"), ("", ""),
        ] {
            #expect(browserName(agent) == name)
        }
    }
}
