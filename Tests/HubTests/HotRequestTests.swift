// SPDX-License-Identifier: Apache-2.0

import Hub
@testable import HubHTTP
import NIOCore
import NIOHTTP1
import OCI
import Testing

/// What the shorter way takes, and the parts that it is made of.
@Suite struct HotRequestTests {
    private static func request(
        _ uri: String = "/v2/acme/proxy/manifests/v1", _ method: HTTPMethod = .GET,
        _ headers: [(String, String)] = [], _ version: HTTPVersion = .http1_1
    ) -> HotRequest? {
        HotRequest(
            HTTPRequestHead(version: version, method: method, uri: uri, headers: HTTPHeaders(headers)),
            target: { HotTarget($0) })
    }

    @Test func `a plain read is taken, with what it says about the content`() throws {
        let request = try #require(
            Self.request(
                "/v2/acme/proxy/manifests/v1", .HEAD,
                [
                    ("Host", "h"), ("accept", "*/*"), ("IF-NONE-MATCH", "*"), ("range", "bytes=0-"),
                    ("If-Range", "x"), ("authorization", "Bearer x"), ("Connection", "Keep-Alive"),
                ]))
        #expect(request.conditions.isHead)
        #expect(request.conditions.ifNoneMatch == "*")
        #expect(request.conditions.range == "bytes=0-")
        #expect(request.conditions.ifRange == "x")
        #expect(request.authorization == "Bearer x")
    }

    @Test(arguments: [
        ("Connection", "close"), ("connection", "keep-alive, upgrade"), ("Expect", "100-continue"),
        ("Upgrade", "h2c"), ("Content-Length", "0"), ("transfer-encoding", "chunked"),
    ]) func `what asks for more than a plain answer is left alone`(_ header: (String, String)) {
        #expect(Self.request() != nil)
        #expect(Self.request("/v2/a/manifests/v1", .GET, [header]) == nil)
    }

    @Test func `other methods, versions, targets and headers given twice are left alone`() {
        for method in [HTTPMethod.POST, .PUT, .DELETE, .OPTIONS, .RAW(value: "get")] {
            #expect(Self.request("/v2/a/manifests/v1", method) == nil)
        }
        #expect(Self.request("/v2/a/manifests/v1", .GET, [], .http1_0) == nil)
        for target in [
            "/", "/v2", "/v2/_catalog", "v2/a/manifests/v1", "http://h/v2/a/manifests/v1",
            "/v2/A/manifests/v1",
            "/v2/a/../b/manifests/v1", "/v2/a%2fb/manifests/v1", "/v2/a/manifests/.v1",
            "/v2/a/blobs/sha256:1",
            "/v2/a/blobs/uploads/", "/v2/a/manifests/v1?ns=docker.io", "/v2/a/tags/list?n=x",
            "/v2/a/manifests/\(String(repeating: "v", count: 2000))",
        ] { #expect(Self.request(target) == nil, "\(target)") }
        for name in ["Range", "If-Range", "If-None-Match", "Authorization", "X-Request-Id"] {
            #expect(Self.request("/v2/a/manifests/v1", .GET, [(name, "x")]) != nil)
            #expect(Self.request("/v2/a/manifests/v1", .GET, [(name, "x"), (name.lowercased(), "x")]) == nil)
        }
    }

    @Test func `the time is written as HTTP has it`() {
        // The example of RFC 9110 §5.6.7, a leap day, and the end of a year.
        #expect(HTTPDate.text(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(HTTPDate.text(1_709_208_000) == "Thu, 29 Feb 2024 12:00:00 GMT")
        #expect(HTTPDate.text(1_767_225_599) == "Wed, 31 Dec 2025 23:59:59 GMT")
    }

    @Test func `a list of tags is the document that an encoder would write`() throws {
        struct List: Encodable {
            let name: String
            let tags: [String]
        }
        for tags in [[], ["v1"], ["V_1.0-x", "latest", "v1"]] {
            let list = TagList.json(try Repository("acme/proxy"), tags)
            #expect(
                Array(list.readableBytesView) == (try canonicalJSON(List(name: "acme/proxy", tags: tags))))
        }
    }

    @Test func `the memory keeps what is used, and never more than it may`() {
        let cache = ContentCache(capacity: 1000, largest: 100)
        let digests = (0..<200).map { Digest(of: Array("\($0)".utf8)) }
        let used = digests[0]
        for digest in digests {
            // Memory for them is there in powers of two, and counts whole.
            cache.insert(ByteBuffer(repeating: 7, count: 66), for: digest)
            #expect(cache[used]?.readableBytes == 66)
            #expect(digests.reduce(0) { $0 + (cache.peek($1)?.storageCapacity ?? 0) } <= 1000)
        }
        #expect(cache.peek(digests[1]) == nil)
        cache.insert(ByteBuffer(repeating: 7, count: 101), for: digests[1])
        #expect(cache[digests[1]] == nil)
    }
}

extension ContentCache {
    /// What is kept, without using it.
    fileprivate func peek(_ digest: Digest) -> ByteBuffer? { content.first { $0.key == digest }?.value }
}
