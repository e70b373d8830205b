// SPDX-License-Identifier: Apache-2.0

import FilterImage
import Foundation
import Hub
import HubStorage
import OCI
import TestSupport
import Testing

/// Every page is short, whatever was pushed and however much there is.
@Suite struct PageLengthTests {
    static let longest = 50_000

    private func page(
        _ path: String, _ headers: [String: String] = [:], in hub: TestHub
    ) async throws -> String {
        let reply = try await hub.client.get(path, headers)
        #expect(reply.status == 200, "\(path): \(reply.status)")
        #expect(reply.body.count < Self.longest, "\(path): \(reply.body.count)")
        return reply.text
    }

    /// A filter that says as much of itself as one may.
    private static func talkative() throws -> FilterSketch {
        var module = ModuleSketch()
        module.imports = (0..<60).map {
            .init("env", "import_\($0)_\(String(repeating: "i", count: 60))", "i:i")
        }
        module.functions = (0..<300).map { .init("export_\($0)_\(String(repeating: "e", count: 60))", "i:i") }
        var content = FilterSketch.content()
        content.module = module.bytes
        content.readme = Array((0..<9000).map { "- *line* \($0) of the README \"&\"\n\n" }.joined().utf8)
        content.licence = Array(String(repeating: "\"Do\" what you <like>.\n", count: 9000).utf8)
        let words = String(repeating: "\"&\" ", count: 100)
        content.metadata = FilterMetadata(
            name: "talkative", version: words, description: words, licence: words, language: words,
            type: "http")
        let choices = (0..<90).map { "\"choice \($0) \(String(repeating: "&", count: 200))\"" }
        let members = (0..<140).map { "\"member\($0)\": {\"$ref\": \"#/$defs/choice\"}" }
        content.configSchema = Array(
            """
            {"type": "object", "$defs": {"choice": {"enum": [\(choices.joined(separator: ","))]}},
            "properties": {\(members.joined(separator: ",")), "long": {"type": "string", "default": "\(
                String(repeating: "&", count: 9000))"}}}
            """.utf8)
        var image = try FilterSketch(content)
        guard case .manifest(var manifest) = image.document.content else { return image }
        for number in 0..<200 {
            manifest.annotations?["note.\(number)"] = String(repeating: "<\(number)>", count: 200)
        }
        image = FilterSketch(document: try ManifestDocument(manifest), blobs: image.blobs)
        return image
    }

    @Test func `a filter that says very much of itself has a short page, and all of it a link away`()
        async throws
    {
        try await withHub { hub in
            let tag = String(repeating: "v", count: 100)
            let image = try Self.talkative()
            for number in 0..<70 {
                if number == 0 {
                    try await hub.client.push(image, to: "acme/talkative", tag: "\(tag)0")
                } else {
                    _ = try await hub.client.putManifest(
                        image.document, to: "acme/talkative", as: "\(tag)\(number)")
                }
            }
            try await hub.client.push(
                try FilterSketch(schema: nil, readme: "# Another"), to: "acme/talkative", tag: "other")
            try await hub.metadata.addPulls(
                [try Repository("acme/talkative"): 5], day: hub.registry.now() / 86400)
            let text = try await page("/r/acme/talkative:\(tag)0", in: hub)
            for place in ["README", "Install", "Versions", "Compatibility", "What it does", "Image", "Pulls"]
            {
                #expect(text.contains(">\(place)</h2>"), "\(place)")
            }
            for name in ["readme", "versions", "licence", "module", "manifest"] {
                #expect(text.contains("?show=\(name)\""), "\(name)")
            }
            // The form has too many fields: it is one text, which is checked all the same.
            #expect(text.contains("name=\"c\""))
            let sent = try await hub.client.send(
                "POST", "/r/acme/talkative:\(tag)0",
                [
                    "Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json",
                ], body: Array("c=%7B%22member1%22%3A1%7D".utf8))
            #expect(sent.text.contains(#""isRight":false"#), "\(sent.text)")

            for (name, last) in [
                ("readme", "line</em> 4"), ("licence", "Do"), ("module", "export_299_"),
                ("manifest", "schemaVersion"),
            ] {
                var part = 0
                var all = ""
                var path: String? = "/r/acme/talkative:\(tag)0?show=\(name)"
                while let next = path {
                    let text = try await page(next, in: hub)
                    all += text
                    part += 1
                    path = text.firstMatch(of: /rel="next" href="([^"]+)"/).map {
                        String($0.1.replacing("&amp;", with: "&"))
                    }
                }
                #expect(all.contains(last), "\(name)")
                #expect(part > 1 || name == "module", "\(name)")
            }
            var tags: Set<String> = []
            var path: String? = "/r/acme/talkative:\(tag)0?show=versions"
            while let next = path {
                let text = try await page(next, in: hub)
                tags.formUnion(text.matches(of: /<th scope="row"><a[^>]*>([^<]+)<\/a>/).map { String($0.1) })
                path = text.firstMatch(of: /rel="next" href="([^"]+)"/).map {
                    String($0.1.replacing("&amp;", with: "&"))
                }
            }
            #expect(tags.count == 71)
            _ = try await page("/compare/acme/talkative?from=\(tag)0&to=other", in: hub)
            for name in ["?show=none", "?show=readme&part=0", "?show=readme&part=99", "?show=licence&part=x"]
            {
                let reply = try await hub.client.get("/r/acme/talkative:\(tag)0\(name)")
                #expect(reply.status == 404, "\(name): \(reply.status)")
            }
        }
    }

    @Test func `ten thousand repositories and as many users leave every page short`() async throws {
        try await withTown { town in
            let hub = town.hub
            let long = String(repeating: "x", count: 180)
            try await hub.metadata.execute(
                """
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
                INSERT INTO repositories (id, name, created_at, is_public)
                SELECT 100 + i, printf('%s/filter-%05d%s', CASE WHEN i % 3 THEN 'acme' ELSE 'org' || i END, i,
                    CASE WHEN i % 2 THEN '' ELSE '\(long)' END), 1, i % 10 <> 0 FROM n;
                INSERT INTO manifests (id, repository_id, digest, media_type, annotations, bytes, total_size, created_at)
                SELECT id, id, printf('sha256:%064d', id), 'application/vnd.oci.image.manifest.v1+json',
                    json_object('org.opencontainers.image.description', printf('%.200c', '&')), x'00', 1, 1
                FROM repositories WHERE id > 100;
                INSERT INTO tags (repository_id, name, manifest_id, updated_at)
                SELECT id, 'v1', id, id FROM repositories WHERE id > 100;
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
                INSERT INTO accounts (name, kind, is_admin, created_at) SELECT 'user' || i, 'user', 0, 1 FROM n;
                INSERT INTO accounts (name, kind, is_admin, created_at)
                SELECT DISTINCT namespace, 'organisation', 0, 1 FROM repositories WHERE namespace LIKE 'org%';
                INSERT INTO memberships (organisation_id, account_id, role)
                SELECT (SELECT id FROM accounts WHERE name = 'acme'), id, 1 FROM accounts WHERE name LIKE 'user%';
                """)
            let root = Town.basic("root", "secret")
            for path in ["/", "/?sort=newest", "/?sort=name", "/?q=filter", "/?organisation=acme&q=filter"] {
                let text = try await page(path, in: hub)
                #expect(text.contains(" filters</p>"), "\(path)")
                #expect(!text.contains("acme/secret"))
            }
            #expect(try await page("/", root, in: hub).contains("10,002 filters"))
            #expect(try await page("/", in: hub).contains("9,001 filters"))
            var names: Set<String> = []
            let index = try await page("/sitemap.xml", in: hub)
            let maps = index.matches(of: /<loc>http:\/\/[^\/]+([^<]+)<\/loc>/).map { String($0.1) }
            #expect(maps.count > 40)
            for map in maps {
                let text = try await hub.client.get(map)
                #expect(text.status == 200 && text.body.count < 60_000)
                names.formUnion(text.text.matches(of: /<loc>([^<]+)<\/loc>/).map { String($0.1) })
            }
            #expect(names.count == 9001)
            for path in [
                "/organisations", "/organisations/acme", "/organisations/acme?last=acme/filter-05000",
                "/organisations/acme?members=5000", "/admin", "/admin/users", "/admin/users?last=user5",
                "/admin/audit", "/admin/settings", "/account", "/settings/acme/open", "/feed.atom",
                "/signin", "/r/acme/open", "/none-of-these",
            ] where path != "/none-of-these" && path != "/signin" {
                _ = try await page(path, root, in: hub)
            }
            let second = try await page("/admin/users?last=user9998", root, in: hub)
            #expect(second.contains("user9999") && !second.contains("user9998<"))
        }
    }
}
