// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCI
import Testing

/// `GET /api/v1/search`.
@Suite struct SearchTests {
    struct Found: Decodable {
        struct Entry: Decodable {
            let repository: String
            let tag: String
            let digest: String
            let size: Int64
            let updated: String
            let title: String?
            let description: String?
            let version: String?
            let abi: String?
        }
        let repositories: [Entry]
    }

    /// Pushes an image that says of itself what its annotations say.
    @discardableResult
    func push(
        _ hub: TestHub, _ repository: String, tag: String = "v1", _ annotations: [String: String] = [:]
    ) async throws -> ManifestDocument {
        let config = try await hub.client.push(Array("{}".utf8), to: repository)
        var manifest = image(config: config, layers: [])
        manifest.annotations = annotations
        let document = try ManifestDocument(manifest)
        let reply = try await hub.client.putManifest(document, to: repository, as: tag)
        try #require(reply.status == 201, "\(reply.text)")
        return document
    }

    func search(_ hub: TestHub, _ query: String) async throws -> Found {
        let reply = try await hub.client.send("GET", "/api/v1/search?\(query)")
        try #require(reply.status == 200, "\(reply.text)")
        return try JSONDecoder().decode(Found.self, from: Data(reply.body))
    }

    @Test func `an image is found by every text of its own, in either case, by all words`() async throws {
        try await withHub { hub in
            try await push(hub, "acme/old")
            let document = try await push(
                hub, "acme/add-header", tag: "v2",
                [
                    "org.opencontainers.image.title": "Header Writer",
                    "org.opencontainers.image.description": "puts 100% of a_b \\ into answers",
                    "org.opencontainers.image.version": "2.1.0", "module.wasm.runtime/abi_version": "0.2.1",
                ])
            for query in [
                "ADD-h", "writer", "Answers", "2.1.0", "acme%20writer", "100%25", "a_b", "add_header", "%5C",
                "%20",
            ] {
                let found = try await search(hub, "q=\(query)").repositories
                #expect(found.contains { $0.repository == "acme/add-header" }, "\(query)")
                // What holds no letter and no digit asks for nothing.
                #expect(query == "%20" || query == "%5C" || found.count == 1, "\(query)")
            }
            // Words begin as they were typed, and stand together as they were.
            for query in ["1%25o", "eader", "header_add", "acme%20old%20writer", "'%20OR%201=1"] {
                #expect(try await search(hub, "q=\(query)").repositories.isEmpty, "\(query)")
            }
            let entry = try #require(try await search(hub, "q=writer").repositories.first)
            #expect(entry.tag == "v2")
            #expect(entry.digest == document.digest.description)
            #expect(entry.size == Int64(document.bytes.count) + 2)
            #expect(entry.title == "Header Writer")
            #expect(entry.version == "2.1.0")
            #expect(entry.abi == "0.2.1")
            #expect(entry.updated.hasSuffix("Z"))
        }
    }

    @Test func `results come in pages, each with a link to the next`() async throws {
        try await withHub { hub in
            for number in 1...5 { try await push(hub, "acme/f\(number)") }
            try await push(hub, "other/g")
            var path: String? = "/api/v1/search?q=acme%20f&n=2"
            var names: [[String]] = []
            while let next = path {
                let reply = try await hub.client.send("GET", next)
                names.append(
                    try JSONDecoder().decode(Found.self, from: Data(reply.body)).repositories.map(
                        \.repository))
                path = reply["Link"].map { String($0.dropFirst().prefix { $0 != ">" }) }
            }
            #expect(names == [["acme/f1", "acme/f2"], ["acme/f3", "acme/f4"], ["acme/f5"]])
            #expect(try await search(hub, "n=0").repositories.isEmpty)
            #expect(try await search(hub, "n=99999999999999999999").repositories.count == 6)
        }
    }

    @Test func `only the newest tag counts, and a long text is cut`() async throws {
        try await withHub { hub in
            try await push(hub, "acme/x", tag: "a", ["org.opencontainers.image.title": "before"])
            try await push(
                hub, "acme/x", tag: "b",
                ["org.opencontainers.image.description": String(repeating: "é", count: 1000)])
            #expect(try await search(hub, "q=before").repositories.isEmpty)
            let entry = try #require(try await search(hub, "").repositories.first)
            #expect(entry.tag == "b")
            #expect(entry.description?.count == 300)
        }
    }

    @Test(arguments: [
        ("GET", "/api/v1/search?q=\(String(repeating: "x", count: 201))", 400),
        ("GET", "/api/v1/search?q=a%20b%20c%20d%20e%20f%20g%20h%20i%20j%20k", 400),
        ("GET", "/api/v1/search?q=a&q=b", 400), ("GET", "/api/v1/search?n=many", 400),
        ("GET", "/api/v1/search?q=%FF", 400), ("GET", "/api/v1/other", 404), ("GET", "/api", 404),
        ("POST", "/api/v1/search", 405),
    ])
    func `what cannot be looked for is refused in the registry's words`(
        _ method: String, _ path: String, _ status: Int
    ) async throws {
        try await withHub { hub in
            let reply = try await hub.client.send(method, path, body: method == "POST" ? [] : nil)
            #expect(reply.status == status)
            #expect(reply.code != nil)
        }
    }
}
