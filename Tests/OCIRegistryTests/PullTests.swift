// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Diagnostics
import LoopbackServer
import OCI
import OCIRegistry
import Synchronization
import Testing

@Suite struct PullTests {
    private let bytes = sample(300_000)

    private func range(_ exchange: LoopbackExchange) -> Int? {
        exchange.request.header("Range").flatMap { Int($0.dropFirst(6).dropLast()) }
    }

    @Test func `a blob that breaks off is taken up where it broke`() async throws {
        let log = Log()
        let server = try LoopbackServer { exchange in
            let start = range(exchange) ?? 0
            log.add("\(start)")
            let rest = bytes[start...]
            let head =
                start == 0 ? "200 OK" : "206 Partial Content\r\nContent-Range: bytes \(start)-299999/300000"
            try exchange.write("HTTP/1.1 \(head)\r\nContent-Length: \(rest.count)\r\n\r\n")
            try exchange.write(rest.prefix(100_000))
            exchange.close()
        }
        let clock = TestClock()
        let sink = MemorySink(limit: 300_000)
        try await server.client(clock).blob(repository, blob(bytes), into: sink)
        #expect(Digest(of: sink.bytes) == blob(bytes).digest)
        #expect(log.all == ["0", "100000", "200000"])
        #expect(clock.sleeps == [.milliseconds(250), .milliseconds(500)])
    }

    @Test func `a server without ranges sends it all again, and the sink gets every byte once`() async throws
    {
        let log = Log()
        let server = try LoopbackServer { exchange in
            try exchange.write("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n")
            guard log.add("") < 3 else { return try exchange.write(bytes) }
            try exchange.write(bytes.prefix(100_000))
            exchange.close()
        }
        let sink = MemorySink(limit: 300_000)
        try await server.client().blob(repository, blob(bytes), into: sink)
        #expect(Digest(of: sink.bytes) == blob(bytes).digest)
    }

    @Test func `bytes from an earlier time are hashed and not fetched again`() async throws {
        let server = try LoopbackServer { exchange in
            let start = range(exchange) ?? 0
            try exchange.respond(
                206, headers: [("Content-Range", "bytes \(start)-299999/300000")], body: bytes[start...])
        }
        let client = try server.client()
        let sink = MemorySink(limit: 300_000)
        try await client.blob(
            repository, blob(bytes), into: sink, after: MemorySource(Array(bytes.prefix(123_456))))
        #expect(Digest(of: sink.bytes) == Digest(of: Array(bytes[123_456...])))
        let wrong = await failure {
            try await client.blob(
                repository, blob(bytes), into: MemorySink(limit: 300_000),
                after: MemorySource(sample(1000, seed: 5)))
        }
        #expect(wrong?.code == .contentMismatch)
        let whole = MemorySink(limit: 0)
        try await client.blob(repository, blob(bytes), into: whole, after: MemorySource(bytes))
        #expect(server.connectionCount == 1)
    }

    @Test func `a connection that keeps breaking is given up`() async throws {
        let server = try LoopbackServer { exchange in
            exchange.close()
        }
        let clock = TestClock()
        let error = await failure {
            try await server.client(clock).blob(repository, blob(bytes), into: MemorySink(limit: 300_000))
        }
        #expect(error?.code == .connectionLost)
        #expect(error?.category == .unreachable)
        #expect(clock.sleeps.count == 4)
    }

    @Test(arguments: [206, 416])
    func `a server that gives no such part is asked for the whole`(_ status: Int) async throws {
        let log = Log()
        let server = try LoopbackServer { exchange in
            log.add(exchange.request.header("Range") ?? "all")
            if exchange.request.header("Range") == nil { return try exchange.respond(200, body: bytes) }
            try exchange.respond(
                status, headers: [("Content-Range", "bytes 7-299999/300000")], body: bytes[7...])
        }
        let sink = MemorySink(limit: 300_000)
        try await server.client().blob(
            repository, blob(bytes), into: sink, after: MemorySource(Array(bytes.prefix(5))))
        #expect(sink.bytes == Array(bytes[5...]))
        #expect(log.all == ["bytes=5-", "all"])
    }

    @Test func `kept bytes that are too many, or of another blob, are a mismatch`() async throws {
        let server = try LoopbackServer { exchange in
            let start = range(exchange) ?? 0
            guard start < bytes.count else { return try exchange.respond(416) }
            try exchange.respond(
                206, headers: [("Content-Range", "bytes \(start)-299999/300000")], body: bytes[start...])
        }
        for kept in [bytes + [1], sample(1000, seed: 5), sample(300_000, seed: 5)] {
            let error = await failure {
                try await server.client().blob(
                    repository, blob(bytes), into: MemorySink(limit: 400_000), after: MemorySource(kept))
            }
            #expect(error?.code == .contentMismatch)
        }
    }

    @Test(arguments: [290_000, 310_000])
    func `a length that lies is seen through`(_ length: Int) async throws {
        let server = try LoopbackServer { exchange in
            let start = range(exchange) ?? 0
            let head =
                start == 0 ? "200 OK" : "206 Partial Content\r\nContent-Range: bytes \(start)-299999/300000"
            try exchange.write("HTTP/1.1 \(head)\r\nContent-Length: \(length - start)\r\n\r\n")
            try exchange.write(bytes[start...])
            exchange.close()
        }
        let sink = MemorySink(limit: 400_000)
        let error = await failure {
            try await server.client().blob(repository, blob(bytes), into: sink)
        }
        // Too long a promise is no harm: all came. Too short a one ends what is taken.
        #expect(error?.code == (length < bytes.count ? .contentMismatch : nil))
        if length > bytes.count { #expect(sink.bytes == bytes) }
    }

    @Test func `a wrong range is not put in the wrong place`() async throws {
        let server = try LoopbackServer { exchange in
            try exchange.respond(
                206, headers: [("Content-Range", "bytes 7-299999/300000")], body: bytes[7...])
        }
        let error = await failure {
            try await server.client().blob(
                repository, blob(bytes), into: MemorySink(limit: 300_000),
                after: MemorySource(Array(bytes.prefix(5))))
        }
        #expect(error?.code == .badAnswer)
        #expect(error?.message.contains("\"bytes 7-299999/300000\"") == true)
    }

    @Test(arguments: [-1, 0, 1])
    func `other bytes than promised are refused`(_ difference: Int) async throws {
        let sent = difference == 0 ? sample(300_000, seed: 1) : sample(300_000 + difference)
        let server = try LoopbackServer { try $0.respond(200, body: sent) }
        let error = try #require(
            await failure {
                try await server.client().blob(repository, blob(bytes), into: MemorySink(limit: 400_000))
            })
        #expect(error.code == .contentMismatch)
        #expect(error.description.contains("\(server.authority)/acme/auth@\(blob(bytes).digest)"))
        if difference == 0 { #expect(error.description.contains("content has digest \(Digest(of: sent))")) }
    }

    @Test func `an empty blob is a blob`() async throws {
        let server = try LoopbackServer { try $0.respond(200) }
        try await server.client().blob(repository, blob([]), into: MemorySink(limit: 0))
        #expect(server.connectionCount == 1)
    }

    @Test func `what a sink throws comes out and is not tried again`() async throws {
        struct DiskFull: Error {}
        final class FullSink: ByteSink {
            func write(_ bytes: UnsafeRawBufferPointer) throws { throw DiskFull() }
        }
        let server = try LoopbackServer { try $0.respond(200, body: bytes) }
        await #expect(throws: DiskFull.self) {
            try await server.client().blob(repository, blob(bytes), into: FullSink())
        }
        #expect(server.connectionCount == 1)
    }

    @Test func `a manifest with another digest than its tag's is refused`() async throws {
        let document = try manifest(config: blob([1]), layers: [blob([2])])
        let server = try LoopbackServer { exchange in
            try exchange.respond(
                200,
                headers: [
                    ("Content-Type", "application/vnd.oci.image.manifest.v1+json; charset=utf-8"),
                    ("Docker-Content-Digest", "\(Digest(of: [9]))"),
                ], body: document.bytes)
        }
        let client = try server.client()
        let byTag = await failure { _ = try await client.manifest(repository, tag) }
        #expect(byTag?.code == .contentMismatch)
        // Asked by digest, the question counts, not the header.
        let read = try await client.manifest(repository, .digest(document.digest))
        #expect(read.content == document.content && read.mediaType == .imageManifest)
        let byDigest = await failure {
            _ = try await client.manifest(repository, .digest(Digest(of: [9, 9])))
        }
        #expect(byDigest?.code == .contentMismatch)
    }

    @Test func `resolving asks with HEAD, and with GET if that says too little`() async throws {
        let document = try manifest(config: blob([1]), layers: [blob([2])])
        let log = Log()
        for complete in [true, false] {
            let server = try LoopbackServer { exchange in
                log.add(exchange.request.method)
                var headers = [("Content-Type", "\(MediaType.imageManifest)")]
                if complete { headers.append(("Docker-Content-Digest", "\(document.digest)")) }
                try exchange.respond(200, headers: headers, body: document.bytes)
            }
            #expect(try await server.client().resolve(repository, tag) == document.descriptor)
        }
        #expect(log.all == ["HEAD", "HEAD", "GET"])
    }

    @Test func `a manifest without end is cut off`() async throws {
        let server = try LoopbackServer { exchange in
            try exchange.write("HTTP/1.1 200 OK\r\n\r\n")
            while true { try exchange.write([UInt8](repeating: 0x20, count: 1 << 16)) }
        }
        let error = await failure { _ = try await server.client().manifest(repository, tag) }
        #expect(error?.code == .badAnswer)
        #expect(error?.message.contains("more than 4194304 bytes") == true)
    }

    @Test func `tags are read page by page`() async throws {
        let server = try LoopbackServer { exchange in
            switch exchange.request.target {
            case "/v2/acme/auth/tags/list?n=1000":
                try exchange.respond(
                    200, headers: [("Link", "</v2/acme/auth/tags/list?n=1000&last=b>; rel=\"next\"")],
                    text: #"{"name":"acme/auth","tags":["a","b"]}"#)
            case "/v2/acme/auth/tags/list?n=1000&last=b":
                try exchange.respond(
                    200, headers: [("Link", "<list?last=c>; rel=next")], text: #"{"tags":["c"]}"#)
            default: try exchange.respond(200, text: #"{"name":"acme/auth","tags":null}"#)
            }
        }
        #expect(try await server.client().tags(repository).map(\.name) == ["a", "b", "c"])
    }

    @Test func `tags in circles and tags without end are errors`() async throws {
        let circle = try LoopbackServer {
            try $0.respond(200, headers: [("Link", "</v2/acme/auth/tags/list?n=1000>; rel=next")], text: "{}")
        }
        #expect(
            await failure { _ = try await circle.client().tags(repository) }?.message.contains("circles")
                == true)
        let count = Log()
        let endless = try LoopbackServer {
            try $0.respond(
                200, headers: [("Link", "<list?page=\(count.add(""))>; rel=next")],
                text: #"{"tags":["a","b"]}"#)
        }
        let error = await failure { _ = try await endless.client { $0.tagLimit = 9 }.tags(repository) }
        #expect(error?.message.contains("more than 9 tags") == true)
    }
}
