// SPDX-License-Identifier: Apache-2.0

import OCI
import Testing

/// Bytes that are not quite HTTP: refused at once, and the connection is closed, since a proxy in front may have
/// read them otherwise.
@Suite struct MalformedHTTPTests {
    struct Malformed: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let text: String
        let statuses: [Int]

        init(_ name: String, _ text: String, _ statuses: Int...) {
            testDescription = name
            self.text = text
            self.statuses = statuses
        }
    }

    static let requests: [Malformed] = [
        Malformed(
            "length and chunks",
            "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400),
        Malformed(
            "two lengths",
            "POST /v2/ HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        Malformed("bad length", "POST /v2/ HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400),
        Malformed("bare line feeds", "GET /v2/ HTTP/1.1\nHost: h\n\n", 400),
        Malformed("no HTTP", "hello\r\n\r\n", 400),
        Malformed(
            "bad chunk", "POST /v2/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400,
            405),
        Malformed("space in a header name", "GET /v2/ HTTP/1.1\r\nHost: h\r\nA B: c\r\n\r\n", 400),
        Malformed("NUL in a header", "GET /v2/ HTTP/1.1\r\nHost: h\r\nA: b\0c\r\n\r\n", 400),
        Malformed("CONNECT", "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 400, 405),
        Malformed(
            "a long header",
            "GET /v2/ HTTP/1.1\r\nHost: h\r\nA: \(String(repeating: "a", count: 200_000))\r\n\r\n", 431),
        Malformed(
            "a long path", "GET /\(String(repeating: "a", count: 200_000)) HTTP/1.1\r\nHost: h\r\n\r\n", 414,
            431),
        Malformed(
            "many headers",
            "GET /v2/ HTTP/1.1\r\nHost: h\r\n\((0..<10_000).map { "A\($0): b\r\n" }.joined())\r\n", 431),
    ]

    @Test(arguments: requests)
    func `is refused`(_ malformed: Malformed) async throws {
        try await withHub { hub in
            let reply = try await hub.client.exchange(Array(malformed.text.utf8), finish: true)
            #expect(malformed.statuses.contains(reply?.status ?? 0), "\(reply?.status ?? 0)")
            #expect(try await hub.client.send("GET", "/v2/").status == 200)
        }
    }

    @Test func `nothing is read after what was not understood`() async throws {
        try await withHub { hub in
            let closed = try await onThread { [port = hub.client.port] in
                let wire = try Wire(port: port)
                try wire.send(
                    "GET /v2/ HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"
                        + "GET /v2/ HTTP/1.1\r\nHost: h\r\n\r\n")
                let reply = try wire.reply()
                #expect(reply?.status == 400)
                return try wire.isClosed()
            }
            #expect(closed)
        }
    }

    @Test func `a compressed upload is stored as it came`() async throws {
        try await withHub { hub in
            let bytes: [UInt8] = [0x1F, 0x8B] + sampleBytes(100)
            let digest = Digest(of: bytes)
            let reply = try await hub.client.send(
                "POST", "/v2/a/blobs/uploads/?digest=\(digest)", ["Content-Encoding": "gzip"], body: bytes)
            #expect(reply.status == 201)
            #expect(try await hub.client.send("GET", "/v2/a/blobs/\(digest)").body == bytes)
        }
    }

    @Test func `connections stay open between requests`() async throws {
        try await withHub { hub in
            try await onThread { [port = hub.client.port] in
                let wire = try Wire(port: port)
                for _ in 0..<3 {
                    try wire.send("GET /v2/ HTTP/1.1\r\nHost: h\r\n\r\n")
                    #expect(try wire.reply()?.status == 200)
                    // An answer before the body was read must not confuse what follows.
                    try wire.send(
                        "POST /v2/a/tags/list HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
                    #expect(try wire.reply()?.status == 405)
                }
            }
        }
    }
}
