// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCI
import Testing

/// A way that distribution-spec 1.1 gives for a blob to get into a repository.
struct BlobWay: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Pushes bytes under a digest, which may be that of other bytes, and returns the last answer.
    let push: @Sendable (Client, [UInt8], Digest) async throws -> Reply

    init(_ name: String, _ push: @escaping @Sendable (Client, [UInt8], Digest) async throws -> Reply) {
        testDescription = name
        self.push = push
    }

    static let all: [BlobWay] = [
        BlobWay("one POST") { client, bytes, digest in
            try await client.send("POST", "/v2/c/r/blobs/uploads/?digest=\(digest)", body: bytes)
        },
        BlobWay("POST, then PUT") { client, bytes, digest in
            let upload = try await client.startUpload(in: "c/r")
            return try await client.send("PUT", "\(upload)?digest=\(digest)", body: bytes)
        },
        BlobWay("POST with the algorithm, then PUT") { client, bytes, digest in
            let start = try await client.send(
                "POST", "/v2/c/r/blobs/uploads/?digest-algorithm=\(digest.algorithm)", body: [])
            let upload = try #require(start["Location"])
            return try await client.send("PUT", "\(upload)?digest=\(digest)", body: bytes)
        },
        BlobWay("one chunk") { try await chunks($0, $1, $2, size: $1.count) },
        BlobWay("chunks") { try await chunks($0, $1, $2, size: $1.count / 3 + 1) },
        BlobWay("chunks, the last one with the PUT") {
            try await chunks($0, $1, $2, size: $1.count / 3 + 1, putsLast: true)
        },
        BlobWay("chunks, each sent out of order first") {
            try await chunks($0, $1, $2, size: $1.count / 3 + 1, disorder: true)
        },
        BlobWay("chunks out of order first, the last one with the PUT") {
            try await chunks($0, $1, $2, size: $1.count / 3 + 1, putsLast: true, disorder: true)
        },
        BlobWay("a stream") { client, bytes, digest in
            let upload = try await client.startUpload(in: "c/r")
            let middle = bytes.count / 2
            let reply = try await client.send(
                "PATCH", upload, ["Transfer-Encoding": "chunked"],
                body: chunked([Array(bytes[..<middle]), Array(bytes[middle...])].filter { !$0.isEmpty }))
            #expect(reply.status == 202)
            return try await client.send("PUT", "\(upload)?digest=\(digest)", body: [])
        },
        BlobWay("a mount that is not possible, then PUT") { client, bytes, digest in
            let start = try await client.send(
                "POST", "/v2/c/r/blobs/uploads/?mount=\(digest)&from=c/other", body: [])
            #expect(start.status == 202)
            let upload = try #require(start["Location"])
            return try await client.send("PUT", "\(upload)?digest=\(digest)", body: bytes)
        },
    ]

    private static func chunks(
        _ client: Client, _ bytes: [UInt8], _ digest: Digest, size: Int, putsLast: Bool = false,
        disorder: Bool = false
    ) async throws -> Reply {
        var upload = try await client.startUpload(in: "c/r")
        var start = 0
        while start < bytes.count {
            let end = min(start + size, bytes.count)
            if disorder {
                // Ahead, or from the beginning again.
                let wrong = end < bytes.count ? end : 0
                let last = min(wrong + size, bytes.count) - 1
                let isClosing = putsLast && last == bytes.count - 1
                let reply = try await client.send(
                    isClosing ? "PUT" : "PATCH", isClosing ? "\(upload)?digest=\(digest)" : upload,
                    ["Content-Range": "\(wrong)-\(last)"], body: Array(bytes[wrong...last]))
                if wrong != start { #expect(reply.status == 416, "\(wrong)-\(last) at \(start)") }
                let status = try await client.send("GET", upload)
                #expect(status.status == 204)
                if start > 0 { #expect(status["Range"] == "0-\(start - 1)") }
                upload = try #require(status["Location"])
            }
            let chunk = Array(bytes[start..<end])
            let headers = [
                "Content-Range": "\(start)-\(end - 1)", "Content-Type": "application/octet-stream",
            ]
            if putsLast, end == bytes.count {
                return try await client.send("PUT", "\(upload)?digest=\(digest)", headers, body: chunk)
            }
            let reply = try await client.send("PATCH", upload, headers, body: chunk)
            #expect(reply.status == 202)
            #expect(reply["Range"] == "0-\(end - 1)")
            upload = try #require(reply["Location"])
            start = end
        }
        return try await client.send("PUT", "\(upload)?digest=\(digest)", body: [])
    }
}

/// Blobs by every way in, with every hash (distribution-spec 1.1, "Pushing blobs", "Pulling blobs", "Deleting Blobs").
@Suite struct ConformanceBlobTests {
    @Test(arguments: BlobWay.all, Digest.Algorithm.allCases)
    func `arrives whole, is found, and can be deleted`(
        _ way: BlobWay, _ algorithm: Digest.Algorithm
    ) async throws {
        try await withHub { hub in
            for bytes in [sampleBytes(3067), sampleBytes(100_003), Array("{}".utf8)] {
                let digest = Digest(of: bytes, algorithm: algorithm)
                let path = "/v2/c/r/blobs/\(digest)"
                #expect(try await hub.client.send("GET", path).status == 404)
                let done = try await way.push(hub.client, bytes, digest)
                #expect(done.status == 201, "\(done.text)")
                #expect(done["Docker-Content-Digest"] == digest.description)
                let location = try #require(done["Location"])
                #expect(try await hub.client.send("GET", location).body == bytes)
                let head = try await hub.client.send("HEAD", path)
                #expect(head.status == 200)
                #expect(head["Content-Length"] == "\(bytes.count)")
                #expect(head["Docker-Content-Digest"] == digest.description)
                #expect(try await hub.client.send("DELETE", path).status == 202)
                #expect(try await hub.client.send("HEAD", path).status == 404)
                #expect(try await hub.client.send("DELETE", path).code == "BLOB_UNKNOWN")
            }
        }
    }

    @Test(arguments: BlobWay.all, Digest.Algorithm.allCases)
    func `is refused under another digest`(_ way: BlobWay, _ algorithm: Digest.Algorithm) async throws {
        try await withHub { hub in
            for bytes in [sampleBytes(3067), sampleBytes(100_003)] {
                let wrong = Digest(of: bytes + [0], algorithm: algorithm)
                let reply = try await way.push(hub.client, bytes, wrong)
                #expect(reply.status == 400)
                #expect(reply.code == "DIGEST_INVALID")
                for digest in [wrong, Digest(of: bytes, algorithm: algorithm)] {
                    #expect(try await hub.client.send("HEAD", "/v2/c/r/blobs/\(digest)").status == 404)
                }
            }
            #expect(hub.files("uploads").isEmpty)
            #expect(hub.files("blobs").isEmpty)
        }
    }

    @Test(arguments: Digest.Algorithm.allCases, ["&from=c/other", ""])
    func `is mounted from a repository that holds it, named or not, and each can be deleted alone`(
        _ algorithm: Digest.Algorithm, _ from: String
    ) async throws {
        try await withHub { hub in
            for bytes in [sampleBytes(512), sampleBytes(50_000)] {
                let digest = Digest(of: bytes, algorithm: algorithm)
                let pushed = try await hub.client.send(
                    "POST", "/v2/c/other/blobs/uploads/?digest=\(digest)", body: bytes)
                #expect(pushed.status == 201)
                let mounted = try await hub.client.send(
                    "POST", "/v2/c/r/blobs/uploads/?mount=\(digest)\(from)", body: [])
                #expect(mounted.status == 201)
                #expect(mounted["Docker-Content-Digest"] == digest.description)
                let location = try #require(mounted["Location"])
                #expect(try await hub.client.send("GET", location).body == bytes)
                #expect(try await hub.client.send("DELETE", location).status == 202)
                #expect(try await hub.client.send("HEAD", location).status == 404)
                #expect(try await hub.client.send("GET", "/v2/c/other/blobs/\(digest)").body == bytes)
            }
        }
    }

    struct RangeCase: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let part: Range<Int>?

        init(_ range: String, _ part: Range<Int>?) {
            testDescription = range
            self.part = part
        }
    }

    static let ranges = [
        RangeCase("500-1499", 500..<1500), RangeCase("500-", 500..<2048), RangeCase("-500", 1548..<2048),
        RangeCase("-5000", 0..<2048), RangeCase("2000-5000", 2000..<2048), RangeCase("0-0", 0..<1),
        RangeCase("2047-2047", 2047..<2048), RangeCase("500-0", nil), RangeCase("5000-10000", nil),
        RangeCase("2048-", nil), RangeCase("-0", nil),
    ]

    @Test(arguments: ranges)
    func `is read in part`(_ range: RangeCase) async throws {
        try await withHub { hub in
            let bytes = sampleBytes(2048)
            let digest = try await hub.client.push(bytes, to: "c/r").digest
            let path = "/v2/c/r/blobs/\(digest)"
            let reply = try await hub.client.send("GET", path, ["Range": "bytes=\(range.testDescription)"])
            guard let part = range.part else {
                #expect(reply.status == 416)
                #expect(reply["Content-Range"] == "bytes */2048")
                return
            }
            #expect(reply.status == 206)
            #expect(reply.body == Array(bytes[part]))
            #expect(reply["Content-Length"] == "\(part.count)")
            #expect(
                reply["Content-Range"] == "bytes \(part.lowerBound)-\(part.upperBound - 1)/2048")
            #expect(reply["Docker-Content-Digest"] == digest.description)
        }
    }

    @Test func `a part is given only of the content that the client means`() async throws {
        try await withHub { hub in
            let digest = try await hub.client.push(sampleBytes(2048), to: "c/r").digest
            let path = "/v2/c/r/blobs/\(digest)"
            for (condition, status) in [
                ("\"\(digest)\"", 206), ("\"other\"", 200), ("W/\"\(digest)\"", 200),
                ("Wed, 21 Oct 2015 07:28:00 GMT", 200),
            ] {
                let reply = try await hub.client.send(
                    "GET", path, ["Range": "bytes=0-9", "If-Range": condition])
                #expect(reply.status == status, "\(condition)")
            }
            for method in ["GET", "HEAD"] {
                let fresh = try await hub.client.send(method, path, ["If-None-Match": "\"\(digest)\""])
                #expect(fresh.status == 304, "\(method)")
                #expect(fresh["ETag"] == "\"\(digest)\"")
            }
        }
    }
}
