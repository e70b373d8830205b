// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import HubHTTP
import OCI
import Testing

/// Requests of those who try what else a registry might do; each is one of a table of inputs that broke others.
@Suite struct HostileRequestTests {
    @Test func `the name of an upload is worth nothing once it is finished, and nothing to another user`()
        async throws
    {
        try await withTown { town in
            let client = town.hub.client
            let (wim, ada) = (Town.basic("wim", "secret"), Town.basic("ada", "secret"))
            let bytes = sampleBytes(20_000)
            let digest = Digest(of: bytes)
            let begun = try await client.send("POST", "/v2/acme/secret/blobs/uploads/", wim, body: [])
            let upload = try #require(begun["Location"])
            for method in ["GET", "PATCH", "PUT", "DELETE"] {
                let path = method == "PUT" ? "\(upload)?digest=\(digest)" : upload
                let reply = try await client.send(method, path, ada, body: method == "GET" ? nil : bytes)
                #expect(reply.status == 404, "\(method)")
                #expect(reply.code == "BLOB_UPLOAD_UNKNOWN", "\(method)")
            }
            let finished = try await client.send("PUT", "\(upload)?digest=\(digest)", wim, body: bytes)
            #expect(finished.status == 201, "\(finished.text)")
            for method in ["GET", "PATCH", "PUT", "DELETE"] {
                let path = method == "PUT" ? "\(upload)?digest=\(digest)" : upload
                let reply = try await client.send(method, path, wim, body: method == "GET" ? nil : bytes)
                #expect(reply.status == 404, "\(method)")
                #expect(reply.code == "BLOB_UPLOAD_UNKNOWN", "\(method)")
            }
        }
    }

    @Test(arguments: [
        ("0-3", 4), ("11-14", 4), ("5-2", 4), ("10-12", 4), ("10-14", 4), ("10-9223372036854775806", 4),
        ("9223372036854775806-9223372036854775806", 1),
    ])
    func `a chunk that lies about its place changes nothing, and the upload still completes`(
        _ range: String, _ count: Int
    ) async throws {
        try await withHub { hub in
            let bytes = sampleBytes(30)
            let upload = try await hub.client.startUpload(in: "a")
            #expect(try await hub.client.send("PATCH", upload, body: Array(bytes[..<10])).status == 202)
            for method in ["PATCH", "PUT"] {
                let path = method == "PUT" ? "\(upload)?digest=\(Digest(of: bytes))" : upload
                let reply = try await hub.client.send(
                    method, path, ["Content-Range": range], body: Array(bytes[10..<10 + count]))
                #expect(reply.status == 416, "\(method): \(reply.text)")
                #expect(try await hub.client.send("GET", upload)["Range"] == "0-9")
            }
            let last = try await hub.client.send(
                "PUT", "\(upload)?digest=\(Digest(of: bytes))", ["Content-Range": "10-29"],
                body: Array(bytes[10...]))
            #expect(last.status == 201, "\(last.text)")
        }
    }

    @Test(arguments: ["a/b", "a%2fb", "a%00b", "..%2f..%2fx", "../../x", "%2e%2e", "a%0ab", "a%5cb", "@", ""])
    func `a tag that is a path, or no text, names nothing`(_ tag: String) async throws {
        try await withHub { hub in
            let image = try await hub.client.pushImage(to: "a", tag: "v1")
            for method in ["PUT", "GET", "DELETE"] {
                let reply = try await hub.client.send(
                    method, "/v2/a/manifests/\(tag)", ["Content-Type": image.mediaType.rawValue],
                    body: method == "GET" ? nil : image.bytes)
                #expect([400, 404].contains(reply.status), "\(method): \(reply.status)")
                #expect(reply.code != nil)
            }
            let tags = try await hub.client.send("GET", "/v2/a/tags/list")
            #expect(tags.text == #"{"name":"a","tags":["v1"]}"#)
            #expect(try await hub.client.send("GET", "/v2/_catalog").text == #"{"repositories":["a"]}"#)
        }
    }

    @Test
    func `a mount from where one may not read is answered as one from nowhere, and the blob is not given`()
        async throws
    {
        try await withTown { town in
            let eve = Town.basic("eve", "secret")
            let secret = try await town.hub.registry.acting(for: .host).manifest(
                .tag(try Tag("v1")), in: try Repository("acme/secret"))
            let blob = try #require(
                try ManifestDocument(
                    bytes: secret.bytes, mediaType: secret.mediaType, algorithm: .sha256
                ).blobs.first)
            for from in ["&from=acme/secret", "&from=acme/nothing", "&from=none", ""] {
                let path = "/v2/eve/x/blobs/uploads/?mount=\(blob.digest)\(from)"
                let reply = try await town.hub.client.send("POST", path, eve, body: [])
                // A public repository of the town holds the same blob: without a source, that one is found.
                guard !from.isEmpty else { continue }
                #expect(reply.status == 202, "\(from)")
                let held = try await town.hub.client.send("HEAD", "/v2/eve/x/blobs/\(blob.digest)", eve)
                #expect(held.status == 404)
            }
        }
    }

    @Test func `a thousand ranges bring the content once, and a range that is none is not minded`()
        async throws
    {
        try await withHub { hub in
            let bytes = sampleBytes(50_000)
            let path = "/v2/a/blobs/\(try await hub.client.push(bytes, to: "a").digest)"
            let ranges = (0..<1000).map { "\($0)-\($0 + 1)" }.joined(separator: ",")
            for range in [
                "bytes=\(ranges)", "bytes=0-1,0-1", "bytes=a-b", "bytes", "bytes=", "bytes=-", "bytes=--1",
                "items=0-1", "bytes=1-+2", "bytes=0x1-2",
            ] {
                let reply = try await hub.client.send("GET", path, ["Range": range])
                #expect(reply.status == 200, "\(range.prefix(40))")
                #expect(reply.body == bytes)
            }
            for range in ["bytes=50000-", "bytes=99999999999999999999-", "bytes=-0", "bytes=5-4"] {
                let reply = try await hub.client.send("GET", path, ["Range": range])
                #expect(reply.status == 416, "\(range)")
                #expect(reply["Content-Range"] == "bytes */50000")
            }
        }
    }

    @Test func `content that a browser would run is never a page of the hub`() async throws {
        try await withHub { hub in
            for (text, type) in [
                ("<html><script>alert(1)</script></html>", "text/html"),
                (#"<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>"#, "image/svg+xml"),
            ] {
                let blob = try await hub.client.push(Array(text.utf8), to: "a")
                for headers in [[:], ["Accept": type], ["Connection": "close"]] {
                    let reply = try await hub.client.send("GET", "/v2/a/blobs/\(blob.digest)", headers)
                    #expect(reply["Content-Type"] == "application/octet-stream")
                    #expect(reply["X-Content-Type-Options"] == "nosniff")
                    #expect(reply["Content-Security-Policy"] == "default-src 'none'; sandbox")
                    #expect(reply["Content-Disposition"] == "attachment")
                }
                var manifest = image(config: blob, layers: [])
                manifest.annotations = ["x": text]
                let document = try ManifestDocument(manifest)
                #expect(try await hub.client.putManifest(document, to: "a", as: "v1").status == 201)
                let reply = try await hub.client.send("GET", "/v2/a/manifests/v1", ["Accept": type])
                #expect(reply["Content-Type"] == document.mediaType.rawValue)
                #expect(reply["X-Content-Type-Options"] == "nosniff")
                #expect(reply["Content-Security-Policy"] == "default-src 'none'; sandbox")
                // What somebody else wrote comes back in no error as it was.
                let error = try await hub.client.send("GET", "/v2/a/manifests/%3Cscript%3E")
                #expect(error["Content-Type"] == "application/json")
                #expect(!error.text.contains("<script>"))
            }
        }
    }

    @Test func `a body without end is refused at the limit, and one of nothing but empty lines at once`()
        async throws
    {
        var limits = Hub.Registry.Limits()
        limits.blobSize = 1 << 20
        try await withHub(limits: limits) { hub in
            let path = try await hub.client.startUpload(in: "a")
            let (endless, broken) = try await onThread { [port = hub.client.port] in
                let head = "PATCH \(path) HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                let wire = try Wire(port: port)
                try wire.send(head)
                let chunk = Array("10000\r\n".utf8) + sampleBytes(65_536) + Array("\r\n".utf8)
                // Four times what may come: the answer is there before.
                for _ in 0..<64 { do { try wire.send(chunk) } catch { break } }
                let endless = try? wire.reply()
                let other = try Wire(port: port)
                try other.send(head + "\r\n\r\n\r\n\r\n")
                return (endless, try? other.reply())
            }
            #expect(endless == nil || endless?.status == 413, "\(endless?.status ?? 0)")
            #expect(broken == nil || broken?.status == 400, "\(broken?.status ?? 0)")
            #expect(try await hub.client.send("GET", path)["Range"] == "0-0")
            #expect(try await hub.client.send("GET", "/v2/").status == 200)
        }
    }

    @Test func `many who begin to push and then say nothing are in nobody's way`() async throws {
        try await withHub { hub in
            let image = try await hub.client.pushImage(to: "a", tag: "v1")
            let stuck = try await onThread { [port = hub.client.port] in
                try (0..<200).map { number in
                    let wire = try Wire(port: port)
                    try wire.send(
                        "POST /v2/s/r\(number)/blobs/uploads/?digest=\(Digest(of: [1])) HTTP/1.1\r\nHost: x\r\n"
                            + "Content-Length: 100000\r\n\r\nbeginning")
                    return Stuck(wire: wire)
                }
            }
            for _ in 0..<20 {
                #expect(try await hub.client.send("GET", "/v2/a/manifests/v1").body == image.bytes)
            }
            try await hub.client.pushImage(to: "b", tag: "v1")
            #expect(stuck.count == 200)
            #expect(try await hub.client.send("GET", "/readyz").status == 200)
        }
    }

    /// A connection that is kept open.
    private struct Stuck: @unchecked Sendable {
        let wire: Wire
    }
}
