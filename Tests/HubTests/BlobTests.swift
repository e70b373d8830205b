// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import OCI
import Testing

/// Blobs over HTTP (distribution-spec 1.1, "Pulling blobs", "Pushing blobs").
@Suite struct BlobTests {
    @Test func `a blob pushed in one request comes back whole`() async throws {
        try await withHub { hub in
            let bytes = sampleBytes(700_000)
            let digest = try await hub.client.push(bytes, to: "acme/filter").digest
            let path = "/v2/acme/filter/blobs/\(digest)"
            let reply = try await hub.client.send("GET", path)
            #expect(reply.status == 200)
            #expect(reply.body == bytes)
            #expect(reply["Docker-Content-Digest"] == digest.description)
            #expect(reply["Content-Type"] == "application/octet-stream")
            #expect(reply["X-Content-Type-Options"] == "nosniff")
            #expect(reply["Content-Disposition"] == "attachment")
            let head = try await hub.client.send("HEAD", path)
            #expect(head.status == 200)
            #expect(head["Content-Length"] == "700000")
            #expect(hub.files("uploads").isEmpty)
            #expect(hub.files("blobs/sha256") == ["\(digest.hex.prefix(2))/\(digest.hex)"])
        }
    }

    @Test func `POST then PUT stores a blob, an empty one too`() async throws {
        try await withHub { hub in
            for bytes in [sampleBytes(100_000), []] {
                let upload = try await hub.client.startUpload(in: "a")
                let digest = Digest(of: bytes)
                let reply = try await hub.client.send("PUT", "\(upload)?digest=\(digest)", body: bytes)
                #expect(reply.status == 201)
                #expect(reply["Location"] == "/v2/a/blobs/\(digest)")
                #expect(reply["Docker-Content-Digest"] == digest.description)
                #expect(try await hub.client.send("GET", "/v2/a/blobs/\(digest)").body == bytes)
            }
        }
    }

    @Test func `chunks are joined in order`() async throws {
        try await withHub { hub in
            let bytes = sampleBytes(30_000)
            let upload = try await hub.client.startUpload(in: "a")
            let first = try await hub.client.send(
                "PATCH", upload, ["Content-Range": "0-9999"], body: Array(bytes[..<10_000]))
            #expect(first.status == 202)
            #expect(first["Range"] == "0-9999")
            let second = try await hub.client.send("PATCH", upload, body: Array(bytes[10_000..<20_000]))
            #expect(second["Range"] == "0-19999")
            let status = try await hub.client.send("GET", upload)
            #expect(status.status == 204)
            #expect(status["Range"] == "0-19999")
            let last = try await hub.client.send(
                "PUT", "\(upload)?digest=\(Digest(of: bytes))", ["Content-Range": "20000-29999"],
                body: Array(bytes[20_000...]))
            #expect(last.status == 201)
            #expect(try await hub.client.send("GET", "/v2/a/blobs/\(Digest(of: bytes))").body == bytes)
        }
    }

    @Test func `a streamed PATCH without a length is taken as it comes`() async throws {
        try await withHub { hub in
            let bytes = sampleBytes(50_000)
            let upload = try await hub.client.startUpload(in: "a")
            let reply = try await hub.client.send(
                "PATCH", upload, ["Transfer-Encoding": "chunked"],
                body: chunked([Array(bytes[..<1]), Array(bytes[1..<40_000]), Array(bytes[40_000...])]))
            #expect(reply.status == 202)
            #expect(reply["Range"] == "0-49999")
            let done = try await hub.client.send("PUT", "\(upload)?digest=\(Digest(of: bytes))", body: [])
            #expect(done.status == 201)
        }
    }

    @Test func `a chunk that does not fit changes nothing`() async throws {
        try await withHub { hub in
            let bytes = sampleBytes(300)
            let upload = try await hub.client.startUpload(in: "a")
            _ = try await hub.client.send(
                "PATCH", upload, ["Content-Range": "0-99"], body: Array(bytes[..<100]))
            for (range, body) in [
                ("200-299", bytes[200...]), ("0-99", bytes[..<100]), ("100-299", bytes[100..<200]),
                ("100-149", bytes[100..<200]), ("199-100", bytes[100..<200]),
            ] {
                let reply = try await hub.client.send(
                    "PATCH", upload, ["Content-Range": range], body: Array(body))
                #expect(reply.status == 416, "\(range)")
                let streamed = try await hub.client.send(
                    "PATCH", upload, ["Content-Range": range, "Transfer-Encoding": "chunked"],
                    body: chunked([Array(body)]))
                #expect(streamed.status == 416, "\(range), streamed")
                #expect(try await hub.client.send("GET", upload)["Range"] == "0-99", "\(range)")
            }
            let done = try await hub.client.send(
                "PUT", "\(upload)?digest=\(Digest(of: bytes))", ["Content-Range": "100-299"],
                body: Array(bytes[100...]))
            #expect(done.status == 201)
        }
    }

    @Test(arguments: [false, true])
    func `an upload goes on where a broken PATCH left it`(chunkedBody: Bool) async throws {
        try await withHub { hub in
            let bytes = sampleBytes(200_000)
            let upload = try await hub.client.startUpload(in: "a")
            let head = "PATCH \(upload) HTTP/1.1\r\nHost: h\r\n"
            let request =
                chunkedBody
                ? Array((head + "Transfer-Encoding: chunked\r\n\r\n186a0\r\n").utf8) + bytes[..<60_000]
                : Array((head + "Content-Length: 200000\r\n\r\n").utf8) + bytes[..<60_000]
            let broken = try await hub.client.exchange(request, finish: true)
            #expect(broken == nil || broken?.status == 400)
            let range = try #require(try await hub.client.send("GET", upload)["Range"])
            let offset = try #require(range.split(separator: "-").last.flatMap { Int($0) }) + 1
            #expect(offset == 60_000)
            let done = try await hub.client.send(
                "PUT", "\(upload)?digest=\(Digest(of: bytes))", ["Content-Range": "\(offset)-199999"],
                body: Array(bytes[offset...]))
            #expect(done.status == 201, "\(done.text)")
        }
    }

    @Test func `a wrong digest leaves nothing behind`() async throws {
        try await withHub { hub in
            let bytes = sampleBytes(5000)
            let wrong = Digest(of: sampleBytes(5000, seed: 2))
            let single = try await hub.client.send(
                "POST", "/v2/a/blobs/uploads/?digest=\(wrong)", body: bytes)
            #expect(single.status == 400)
            #expect(single.code == "DIGEST_INVALID")
            let upload = try await hub.client.startUpload(in: "a")
            let reply = try await hub.client.send("PUT", "\(upload)?digest=\(wrong)", body: bytes)
            #expect(reply.status == 400)
            #expect(reply.code == "DIGEST_INVALID")
            for digest in [wrong, Digest(of: bytes)] {
                #expect(try await hub.client.send("HEAD", "/v2/a/blobs/\(digest)").status == 404)
            }
            #expect(try await hub.client.send("GET", upload).code == "BLOB_UPLOAD_UNKNOWN")
            #expect(hub.files("uploads").isEmpty)
            #expect(hub.files("blobs").isEmpty)
        }
    }

    @Test func `a cancelled upload is gone`() async throws {
        try await withHub { hub in
            let upload = try await hub.client.startUpload(in: "a")
            _ = try await hub.client.send("PATCH", upload, body: sampleBytes(100))
            #expect(try await hub.client.send("DELETE", upload).status == 204)
            #expect(hub.files("uploads").isEmpty)
            for method in ["GET", "PATCH", "PUT", "DELETE"] {
                let reply = try await hub.client.send(method, upload, body: method == "GET" ? nil : [])
                #expect(reply.status == 404, "\(method)")
                #expect(reply.code == "BLOB_UPLOAD_UNKNOWN", "\(method)")
            }
        }
    }

    @Test func `an upload is known in its own repository only`() async throws {
        try await withHub { hub in
            let upload = try await hub.client.startUpload(in: "a")
            let elsewhere = upload.replacing("/v2/a/", with: "/v2/b/")
            for method in ["GET", "PATCH", "PUT", "DELETE"] {
                let reply = try await hub.client.send(method, elsewhere, body: method == "GET" ? nil : [])
                #expect(reply.status == 404, "\(method)")
            }
            #expect(try await hub.client.send("GET", upload).status == 204)
        }
    }

    @Test func `a blob is mounted from a repository that holds it`() async throws {
        try await withHub { hub in
            let digest = try await hub.client.push(sampleBytes(100), to: "a").digest
            #expect(try await hub.client.send("HEAD", "/v2/b/blobs/\(digest)").status == 404)
            let mounted = try await hub.client.send(
                "POST", "/v2/b/blobs/uploads/?mount=\(digest)&from=a", body: [])
            #expect(mounted.status == 201)
            #expect(mounted["Location"] == "/v2/b/blobs/\(digest)")
            #expect(try await hub.client.send("HEAD", "/v2/b/blobs/\(digest)").status == 200)
            for query in [
                "mount=\(digest)&from=none", "mount=\(Digest(of: [1]))&from=a", "mount=\(Digest(of: [1]))",
            ] {
                let reply = try await hub.client.send("POST", "/v2/c/blobs/uploads/?\(query)", body: [])
                #expect(reply.status == 202, "\(query)")
            }
        }
    }

    @Test func `a range of a blob is a part of it`() async throws {
        try await withHub { hub in
            let bytes = sampleBytes(600_000)
            let digest = try await hub.client.push(bytes, to: "a").digest
            for (range, expected) in [
                ("bytes=0-9", 0..<10), ("bytes=599990-", 599_990..<600_000), ("bytes=-5", 599_995..<600_000),
                ("bytes=100-999999", 100..<600_000),
            ] {
                let reply = try await hub.client.send("GET", "/v2/a/blobs/\(digest)", ["Range": range])
                #expect(reply.status == 206, "\(range)")
                #expect(reply.body == Array(bytes[expected]), "\(range)")
                #expect(
                    reply["Content-Range"]
                        == "bytes \(expected.lowerBound)-\(expected.upperBound - 1)/600000", "\(range)")
            }
            for range in ["bytes=600000-", "bytes=-0", "bytes=9-1"] {
                let reply = try await hub.client.send("GET", "/v2/a/blobs/\(digest)", ["Range": range])
                #expect(reply.status == 416, "\(range)")
                #expect(reply["Content-Range"] == "bytes */600000", "\(range)")
            }
            let many = (0..<1000).map { "\($0)-\($0)" }.joined(separator: ",")
            for range in ["bytes=\(many)", "bytes=a-b", "lines=0-1", "bytes"] {
                let reply = try await hub.client.send("GET", "/v2/a/blobs/\(digest)", ["Range": range])
                #expect(reply.status == 200, "\(range.prefix(20))")
                #expect(reply.body.count == 600_000)
            }
        }
    }

    @Test func `a client that has the blob is not sent it again`() async throws {
        try await withHub { hub in
            let digest = try await hub.client.push(sampleBytes(10), to: "a").digest
            let path = "/v2/a/blobs/\(digest)"
            let tag = try #require(try await hub.client.send("GET", path)["ETag"])
            #expect(try await hub.client.send("GET", path, ["If-None-Match": tag]).status == 304)
            #expect(
                try await hub.client.send("GET", path, ["If-None-Match": "\"x\", W/\(tag)"]).status == 304)
            #expect(try await hub.client.send("GET", path, ["If-None-Match": "\"x\""]).status == 200)
        }
    }

    @Test func `sha512 is honoured where it is asked for`() async throws {
        try await withHub { hub in
            let bytes = sampleBytes(5000)
            let digest = Digest(of: bytes, algorithm: .sha512)
            for query in ["", "?digest-algorithm=sha512"] {
                let start = try await hub.client.send("POST", "/v2/a/blobs/uploads/\(query)", body: [])
                let upload = try #require(start["Location"])
                _ = try await hub.client.send("PATCH", upload, body: bytes)
                let done = try await hub.client.send("PUT", "\(upload)?digest=\(digest)", body: [])
                #expect(done.status == 201, "\(query)")
                #expect(done["Docker-Content-Digest"] == digest.description)
            }
            #expect(try await hub.client.send("GET", "/v2/a/blobs/\(digest)").body == bytes)
        }
    }

    @Test func `a blob that a manifest needs cannot be deleted, another one can`() async throws {
        try await withHub { hub in
            let image = try await hub.client.pushImage(to: "a", tag: "v1")
            let layer = try #require(image.blobs.last).digest
            let used = try await hub.client.send("DELETE", "/v2/a/blobs/\(layer)")
            #expect(used.status == 405)
            #expect(used.code == "UNSUPPORTED")
            #expect(try await hub.client.send("DELETE", "/v2/a/manifests/\(image.digest)").status == 202)
            #expect(try await hub.client.send("DELETE", "/v2/a/blobs/\(layer)").status == 202)
            #expect(try await hub.client.send("GET", "/v2/a/blobs/\(layer)").status == 404)
            #expect(try await hub.client.send("DELETE", "/v2/a/blobs/\(layer)").code == "BLOB_UNKNOWN")
        }
    }

    @Test func `a blob over the limit is refused and leaves nothing`() async throws {
        var limits = Hub.Registry.Limits()
        limits.blobSize = 1000
        try await withHub(limits: limits) { hub in
            let bytes = sampleBytes(1001)
            let upload = try await hub.client.startUpload(in: "a")
            for path in [
                "/v2/a/blobs/uploads/?digest=\(Digest(of: bytes))", "\(upload)?digest=\(Digest(of: bytes))",
            ] {
                let method = path.contains("/?") ? "POST" : "PUT"
                let announced = try await hub.client.send(method, path, body: bytes)
                #expect(announced.status == 413)
                #expect(announced.code == "SIZE_INVALID")
                let streamed = try await hub.client.send(
                    method, path, ["Transfer-Encoding": "chunked"], body: chunked([bytes]))
                #expect(streamed.status == 413)
            }
            #expect(try await hub.client.send("GET", upload)["Range"] == "0-0")
            #expect(hub.files("blobs").isEmpty)
        }
    }

    @Test func `a client that asks whether to send its body is told to go on`() async throws {
        try await withHub { hub in
            let reply = try await onThread { [port = hub.client.port] in
                let bytes = sampleBytes(100)
                let wire = try Wire(port: port)
                try wire.send(
                    """
                    POST /v2/a/blobs/uploads/?digest=\(Digest(of: bytes)) HTTP/1.1\r
                    Host: h\r
                    Content-Length: 100\r
                    Expect: 100-continue\r
                    \r

                    """)
                try #require(try wire.interim() == 100)
                try wire.send(bytes)
                return try wire.reply()
            }
            #expect(reply?.status == 201)
        }
    }
}
