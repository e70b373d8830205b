// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCI
import Testing

/// Every kind of content through every workflow of distribution-spec 1.1: pushed, listed, pulled, found by what it
/// refers to, deleted.
@Suite struct ConformanceContentTests {
    @Test(arguments: ContentKind.all, Digest.Algorithm.allCases)
    func `goes up, comes back byte for byte, and goes away`(
        _ kind: ContentKind, _ algorithm: Digest.Algorithm
    ) async throws {
        var set = ContentSet(algorithm)
        try kind.build(&set)
        try await withHub { [set] hub in
            try await Self.push(set, to: hub.client)
            try await Self.list(set, hub.client)
            try await Self.pull(set, hub.client)
            try await Self.refer(set, hub.client)
            try await Self.delete(set, hub.client)
        }
    }

    private static func push(_ set: ContentSet, to client: Client) async throws {
        for blob in set.blobs {
            let reply = try await client.send(
                "POST", "/v2/c/r/blobs/uploads/?digest=\(blob.digest)",
                ["Content-Type": "application/octet-stream"], body: blob.bytes)
            try #require(reply.status == 201, "\(reply.text)")
        }
        for document in set.documents {
            let tags = set.tags.filter { $0.value == document.digest }.map(\.key)
            let query = tags.isEmpty ? "" : "?tag=" + tags.joined(separator: "&tag=")
            let reply = try await client.send(
                "PUT", "/v2/c/r/manifests/\(document.digest)\(query)",
                ["Content-Type": "\(document.type.rawValue); charset=utf-8"], body: document.bytes)
            try #require(reply.status == 201, "\(reply.text)")
            #expect(reply["Docker-Content-Digest"] == document.digest.description)
            #expect(reply["OCI-Subject"] == document.subject?.description)
            #expect(Set(reply.headers["oci-tag"] ?? []) == Set(tags))
            let location = try #require(reply["Location"])
            #expect(try await client.send("GET", location).body == document.bytes)
        }
    }

    private static func list(_ set: ContentSet, _ client: Client) async throws {
        struct List: Decodable { let tags: [String] }
        let reply = try await client.send("GET", "/v2/c/r/tags/list")
        let tags = try JSONDecoder().decode(List.self, from: Data(reply.body)).tags
        #expect(tags == set.tags.keys.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })
    }

    private static func pull(_ set: ContentSet, _ client: Client) async throws {
        for document in set.documents {
            let names = set.tags.filter { $0.value == document.digest }.map(\.key)
            for name in names + ["\(document.digest)"] {
                for method in ["GET", "HEAD"] {
                    let reply = try await client.send(
                        method, "/v2/c/r/manifests/\(name)", ["Accept": document.type.rawValue])
                    #expect(reply.status == 200)
                    #expect(reply["Content-Type"] == document.type.rawValue)
                    #expect(reply["Content-Length"] == "\(document.bytes.count)")
                    #expect(reply["Docker-Content-Digest"] == document.digest.description)
                    #expect(reply.body == (method == "GET" ? document.bytes : []))
                }
            }
        }
        for blob in set.blobs {
            for method in ["GET", "HEAD"] {
                let reply = try await client.send(method, "/v2/c/r/blobs/\(blob.digest)")
                #expect(reply.status == 200)
                #expect(reply["Content-Length"] == "\(blob.bytes.count)")
                #expect(reply["Docker-Content-Digest"] == blob.digest.description)
                #expect(reply.body == (method == "GET" ? blob.bytes : []))
            }
        }
    }

    private static func refer(_ set: ContentSet, _ client: Client) async throws {
        for subject in Set(set.documents.compactMap(\.subject)) {
            let expected = set.documents.filter { $0.subject == subject }
            try await expectReferrers(expected, of: subject, query: "", client)
            for type in Set(expected.compactMap(\.artifactType)) {
                let escaped = type.replacing("+", with: "%2B")
                try await expectReferrers(
                    expected.filter { $0.artifactType == type }, of: subject,
                    query: "?artifactType=\(escaped)", client)
            }
        }
    }

    private static func expectReferrers(
        _ expected: [ContentSet.Document], of subject: Digest, query: String, _ client: Client
    ) async throws {
        let reply = try await client.send("GET", "/v2/c/r/referrers/\(subject)\(query)")
        #expect(reply.status == 200)
        #expect(reply["Content-Type"] == MediaType.imageIndex.rawValue)
        #expect(reply["OCI-Filters-Applied"] == (query.isEmpty ? nil : "artifactType"))
        let index = try JSONDecoder().decode(Index.self, from: Data(reply.body))
        #expect(index.mediaType == .imageIndex)
        #expect(index.manifests.map(\.digest) == expected.map(\.digest))
        for (found, document) in zip(index.manifests, expected) {
            #expect(found.mediaType == document.type)
            #expect(found.size == Int64(document.bytes.count))
            #expect(found.artifactType?.rawValue == document.artifactType)
            #expect(found.annotations ?? [:] == document.annotations)
        }
    }

    private static func delete(_ set: ContentSet, _ client: Client) async throws {
        for tag in set.tags.keys.prefix(1) {
            #expect(try await client.send("DELETE", "/v2/c/r/manifests/\(tag)").status == 202)
            #expect(try await client.send("HEAD", "/v2/c/r/manifests/\(tag)").status == 404)
        }
        for document in set.documents.reversed() {
            let path = "/v2/c/r/manifests/\(document.digest)"
            #expect(try await client.send("DELETE", path).status == 202)
            #expect(try await client.send("HEAD", path).status == 404)
        }
        for tag in set.tags.keys {
            #expect(try await client.send("GET", "/v2/c/r/manifests/\(tag)").status == 404)
        }
        for subject in Set(set.documents.compactMap(\.subject)) {
            try await expectReferrers([], of: subject, query: "", client)
        }
        for blob in set.blobs {
            #expect(try await client.send("DELETE", "/v2/c/r/blobs/\(blob.digest)").status == 202)
            #expect(try await client.send("HEAD", "/v2/c/r/blobs/\(blob.digest)").status == 404)
        }
    }
}
