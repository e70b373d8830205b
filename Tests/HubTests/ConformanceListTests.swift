// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import OCI
import Testing

/// What distribution-spec 1.1 says of lists, methods and tags beyond one kind of content.
@Suite struct ConformanceListTests {
    @Test func `every list and status answers HEAD as it answers GET`() async throws {
        try await withHub { hub in
            let image = try await hub.client.pushImage(to: "c/r", tag: "v1")
            let upload = try await hub.client.startUpload(in: "c/r")
            for path in [
                "/v2/", "/v2/_catalog", "/v2/c/r/tags/list", "/v2/c/r/referrers/\(image.digest)",
                "/v2/c/r/manifests/v1", "/v2/c/r/blobs/\(try #require(image.blobs.first).digest)", upload,
            ] {
                let get = try await hub.client.send("GET", path)
                let head = try await hub.client.send("HEAD", path)
                #expect(head.status == get.status, "\(path)")
                #expect(head["Content-Type"] == get["Content-Type"], "\(path)")
                #expect(head["Content-Length"] == get["Content-Length"], "\(path)")
                #expect(head.body.isEmpty)
            }
        }
    }

    @Test func `a method that is not taken is refused with those that are`() async throws {
        try await withHub { hub in
            let digest = Digest(of: [1])
            for (method, path, allowed) in [
                ("POST", "/v2/c/r/tags/list", "GET, HEAD"), ("PUT", "/v2/_catalog", "GET, HEAD"),
                ("DELETE", "/v2/c/r/referrers/\(digest)", "GET, HEAD"), ("DELETE", "/v2/", "GET, HEAD"),
                ("PATCH", "/v2/c/r/manifests/v1", "GET, HEAD, PUT, DELETE"),
                ("PUT", "/v2/c/r/blobs/\(digest)", "GET, HEAD, DELETE"),
                ("GET", "/v2/c/r/blobs/uploads/", "POST"),
                ("POST", "/v2/c/r/blobs/uploads/x", "GET, HEAD, PUT, PATCH, DELETE"),
                ("DELETE", "/modules/c/r/v1.wasm", "GET, HEAD"),
            ] {
                let reply = try await hub.client.send(method, path, body: method == "GET" ? nil : [])
                #expect(reply.status == 405, "\(method) \(path)")
                #expect(reply.code == "UNSUPPORTED", "\(method) \(path)")
                #expect(reply["Allow"] == allowed, "\(method) \(path)")
            }
        }
    }

    @Test func `the query of a proxy is ignored`() async throws {
        try await withHub { hub in
            let image = try await hub.client.pushImage(to: "c/r", tag: "v1")
            let reply = try await hub.client.send("GET", "/v2/c/r/manifests/v1?ns=registry.example.com")
            #expect(reply.body == image.bytes)
            #expect(reply["OCI-Namespace"] == nil)
        }
    }

    @Test func `many tags move with one push by digest`() async throws {
        try await withHub { hub in
            let image = try await hub.client.pushImage(to: "c/r", tag: "v0")
            let tags = (0..<50).map { "t\($0)" }
            let reply = try await hub.client.putManifest(
                image, to: "c/r", as: "\(image.digest)?tag=" + tags.joined(separator: "&tag="))
            #expect(reply.status == 201)
            #expect(reply.headers["oci-tag"] == tags)
            for tag in tags {
                #expect(try await hub.client.send("GET", "/v2/c/r/manifests/\(tag)").body == image.bytes)
            }
            let tooMany = (0..<101).map { "tag=u\($0)" }.joined(separator: "&")
            #expect(
                try await hub.client.putManifest(image, to: "c/r", as: "\(image.digest)?\(tooMany)").status
                    == 400)
            #expect(try await hub.client.send("GET", "/v2/c/r/manifests/u0").status == 404)
        }
    }

    @Test func `referrers that are too many for one answer come in pages`() async throws {
        var limits = Hub.Registry.Limits()
        limits.pageLength = 3
        try await withHub(limits: limits) { hub in
            var set = ContentSet(.sha256)
            let subject = try set.image()
            for number in 0..<7 { try set.image(subject: subject, annotations: ["n": "\(number)"]) }
            // Two that do not fit into one index together.
            let value = String(repeating: "x", count: 1_500_000)
            for number in 0..<2 {
                try set.index(
                    [], artifactType: "application/x+y", subject: subject, annotations: ["\(number)": value])
            }
            for blob in set.blobs { try await hub.client.push(blob.bytes, to: "c/r") }
            for document in set.documents {
                let reply = try await hub.client.send(
                    "PUT", "/v2/c/r/manifests/\(document.digest)",
                    ["Content-Type": document.type.rawValue], body: document.bytes)
                try #require(reply.status == 201, "\(reply.text)")
            }
            let target = try #require(set.documents.first).digest
            for (query, counts) in [("", [3, 3, 2, 1]), ("?artifactType=application/x%2By", [1, 1])] {
                var path = "/v2/c/r/referrers/\(target)\(query)"
                var pages: [[Digest]] = []
                while true {
                    let reply = try await hub.client.send("GET", path)
                    #expect(reply.body.count <= ManifestDocument.maximumSize)
                    pages.append(
                        try JSONDecoder().decode(Index.self, from: Data(reply.body)).manifests.map(\.digest))
                    guard let link = reply["Link"] else { break }
                    #expect(link.hasSuffix(">; rel=\"next\""))
                    path = String(link.dropFirst().prefix { $0 != ">" })
                }
                #expect(pages.map(\.count) == counts)
                let expected = set.documents.filter {
                    $0.subject == target && (query.isEmpty || $0.artifactType == "application/x+y")
                }
                #expect(pages.flatMap(\.self) == expected.map(\.digest))
            }
            for junk in ["x", "-1", "1e3"] {
                let reply = try await hub.client.send("GET", "/v2/c/r/referrers/\(target)?after=\(junk)")
                #expect(reply.status == 400)
            }
        }
    }

    @Test func `a tag moves only from what the client has seen`() async throws {
        try await withHub { hub in
            let first = try await hub.client.pushImage(to: "c/r", tag: "v1")
            let second = try ManifestDocument(
                image(config: try #require(first.blobs.first), layers: []))
            func put(_ tag: String, _ headers: [String: String]) async throws -> Reply {
                try await hub.client.send(
                    "PUT", "/v2/c/r/manifests/\(tag)",
                    headers.merging(["Content-Type": second.mediaType.rawValue]) { $1 }, body: second.bytes)
            }
            for headers in [
                ["If-None-Match": "*"], ["If-Match": "\"\(second.digest)\""], ["If-Match": "\"x\", W/y"],
            ] {
                let reply = try await put("v1", headers)
                #expect(reply.status == 412, "\(headers)")
                #expect(try await hub.client.send("GET", "/v2/c/r/manifests/v1").body == first.bytes)
                #expect(
                    try await hub.client.send("GET", "/v2/c/r/manifests/\(second.digest)").status == 404)
            }
            #expect(try await put("none", ["If-Match": "*"]).status == 412)
            #expect(try await put("v1", ["If-None-Match": "\"x\""]).status == 400)
            #expect(try await put("v2", ["If-None-Match": "*"]).status == 201)
            #expect(try await put("v1", ["If-Match": "\"x\", \"\(first.digest)\""]).status == 201)
            #expect(try await put("v1", ["If-Match": "*"]).status == 201)
        }
    }
}
