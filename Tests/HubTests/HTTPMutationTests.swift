// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCI
import SystemPackage
import TestSupport
import Testing

/// Damaged HTTP over the wire, at the real process.
@Suite struct HTTPMutationTests {
    @Test func `whatever comes over the wire, nothing fails within, and the hub goes on`() async throws {
        let scratch = try ScratchDirectory("http")
        let hub = try await HubProcess(data: scratch.path.appending("data"))
        let image = try await hub.client.pushImage(to: "a/b", tag: "v1", layer: sampleBytes(20_000))
        let upload = try await hub.client.startUpload(in: "a/b")
        let fuzzer = Fuzzer(
            "http", corpus: try Self.corpus(image, upload: upload),
            mutations: [Self.changeNumber, Self.changeMethod, Self.repeatLine, Self.addHeader])
        let report = try await onThread { [port = hub.client.port] in
            try fuzzer.run { bytes in
                let wire = try Wire(port: port)
                // The hub may refuse and close before it has read all.
                try? wire.send(bytes)
                let answer = String(decoding: wire.rest(patience: 40), as: UTF8.self)
                return answer.split(separator: "\n").first { $0.hasPrefix("HTTP/1.1 5") }.map(String.init)
            }
        }
        #expect(report.rounds > 20)
        #expect(try await hub.client.send("GET", "/v2/").status == 200)
        // Some damaged requests are sound ones, such as a delete; a digest is not hit by chance.
        let again = try await hub.client.pushImage(to: "a/b", tag: "v1", layer: sampleBytes(20_000))
        #expect(try await hub.client.send("GET", "/v2/a/b/manifests/v1").body == again.bytes)
        let complaints = hub.errorText.split(separator: "\n").filter { $0.contains("error") }
        #expect(complaints.isEmpty, "\(complaints.prefix(5))")
        #expect(await hub.stop(SIGTERM) == 0)
        let scrub = try await HubProcess.run(["scrub", "--data", scratch.path.appending("data").string])
        #expect(scrub.status == 0, "\(scrub.stdout)")
    }

    /// One request of each kind, and some in a row.
    private static func corpus(_ image: ManifestDocument, upload: String) throws -> [[UInt8]] {
        let layer = try #require(image.blobs.last).digest
        let small = Array("hello".utf8)
        var requests = [
            request("GET", "/v2/"), request("GET", "/v2/_catalog?n=10&last=a"),
            request("GET", "/v2/a/b/tags/list?n=2"), request("HEAD", "/v2/a/b/manifests/v1"),
            request("GET", "/v2/a/b/manifests/\(image.digest)", ["Accept: \(image.mediaType.rawValue)"]),
            request("GET", "/v2/a/b/blobs/\(layer)", ["Range: bytes=10-99", "If-Range: \"\(layer)\""]),
            request("HEAD", "/v2/a/b/blobs/\(layer)", ["If-None-Match: \"\(layer)\""]),
            request("GET", "/v2/a/b/referrers/\(image.digest)?artifactType=x"),
            request("POST", "/v2/a/b/blobs/uploads/", ["Content-Length: 0"]),
            request("POST", "/v2/c/blobs/uploads/?mount=\(layer)&from=a/b", ["Content-Length: 0"]),
            request("POST", "/v2/c/blobs/uploads/?digest=\(Digest(of: small))", body: small),
            request("PATCH", upload, ["Content-Range: 0-4"], body: small),
            request("GET", upload),
            request(
                "PUT", "/v2/a/b/manifests/v2", ["Content-Type: \(image.mediaType.rawValue)"],
                body: image.bytes),
            request("DELETE", "/v2/c/manifests/v9"),
            request("GET", "/api/v1/search?q=a", ["Authorization: Basic bWU6cGFzcw=="]),
            request(
                "GET", "/token?service=x&scope=repository:a/b:pull", ["Authorization: Bearer aaaa.bbbb.cccc"]),
            request("GET", "/"), request("GET", "/healthz"), request("GET", "/metrics"),
            request("PATCH", upload, ["Transfer-Encoding: chunked"]) + chunked([small, small]),
        ]
        requests.append(requests[0] + requests[3] + requests[5])
        requests.append(requests[10] + requests[1])
        return requests
    }

    private static func request(
        _ method: String, _ path: String, _ headers: [String] = [], body: [UInt8]? = nil
    ) -> [UInt8] {
        let length = body.map { ["Content-Length: \($0.count)"] } ?? []
        let lines = ["\(method) \(path) HTTP/1.1", "Host: hub"] + headers + length
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + (body ?? [])
    }

    // MARK: - What is worth changing

    private static let changeNumber: Fuzzer.Mutation = { bytes, generator in
        let digits = bytes.indices.filter { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[$0]) }
        guard let place = digits.randomElement(using: &generator) else { return }
        let number = [
            "0", "-1", "+1", "1e9", "18446744073709551616", "9223372036854775807", "4294967296", " 1", "0x1",
        ]
        bytes.replaceSubrange(
            place...place, with: Array((number.randomElement(using: &generator) ?? "").utf8))
    }

    private static let changeMethod: Fuzzer.Mutation = { bytes, generator in
        guard let space = bytes.firstIndex(of: UInt8(ascii: " ")) else { return }
        let methods = [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PRI", "get", "",
        ]
        bytes.replaceSubrange(..<space, with: Array((methods.randomElement(using: &generator) ?? "").utf8))
    }

    private static let repeatLine: Fuzzer.Mutation = { bytes, generator in
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard let line = lines.randomElement(using: &generator) else { return }
        let count = Int.random(in: 1...300, using: &generator)
        let copies = Array(repeating: Array(line) + [UInt8(ascii: "\n")], count: count).joined()
        bytes.insert(contentsOf: copies, at: line.startIndex)
    }

    private static let addHeader: Fuzzer.Mutation = { bytes, generator in
        let headers = [
            "Content-Length: 5", "Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked",
            "Expect: 100-continue", "Connection: close", "Connection: upgrade\r\nUpgrade: h2c",
            "Range: bytes=-1",
            "Range: bytes=0-0,2-2,4-4", "Content-Range: bytes 0-4/5", "If-Match: *", "Authorization: Bearer",
            "X-Forwarded-For: \u{0}", "Host: other", "Content-Encoding: gzip",
        ]
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return }
        let header = (headers.randomElement(using: &generator) ?? "") + "\r\n"
        bytes.insert(contentsOf: Array(header.utf8), at: end + 1)
    }
}
