// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
@testable import HubHTTP
import Logging
import NIOCore
import OCI
import ServiceLifecycle
import Testing

/// The shorter way of reads must not be told from the longer one by anybody, and must not be behind the database by a
/// single commit.
@Suite struct HotPathTests {
    /// What is asked of a repository.
    static func targets(_ name: String, _ image: Digest, _ blob: Digest) -> [String] {
        let missing = Digest(of: Array("missing".utf8))
        return [
            "manifests/v1", "manifests/\(image)", "manifests/none", "manifests/\(missing)", "manifests/.x",
            "manifests/a%2fb", "manifests/sha256:12", "manifests/v1?x=1", "blobs/\(blob)", "blobs/\(missing)",
            "blobs/sha256:12", "blobs/md5:\(blob.hex)", "blobs/\(blob)?ns=docker.io", "tags/list",
            "tags/list?n=1", "tags/list?n=0", "tags/list?n=1&last=a", "tags/list?n=-1", "tags/list?last=%zz",
            "referrers/\(image)", "blobs/uploads/", "tags/list/", "",
        ].map { "/v2/\(name)/\($0)" }
    }

    /// What is asked of the modules of a repository.
    static func modules(_ name: String) -> [String] {
        let filters = [true, false].compactMap { try? FilterSketch(isLarge: $0).document.digest }
        return (["filter", "v1", "none", ".x", "a%2fb", "sha256:12"] + filters.map(\.description)).map {
            "/modules/\(name)/\($0).wasm"
        } + ["/modules/\(name)/filter", "/modules/\(name)/filter.wasm?ns=x", "/modules/\(name)/../x.wasm"]
    }

    static func conditions(_ image: Digest, _ blob: Digest) -> [[String: String]] {
        let module = Digest(of: FilterSketch.module(isLarge: true))
        return [
            ["If-None-Match": "\"\(module)\""], ["Range": "bytes=1-3", "If-Range": "\"\(module)\""],
            [:], ["If-None-Match": "\"\(image)\""], ["If-None-Match": "W/\"\(blob)\", \"x\""],
            ["If-None-Match": "*"], ["If-None-Match": "\"sha256:1\""], ["Range": "bytes=1-3"],
            ["Range": "bytes=-4"], ["Range": "bytes=5-"], ["Range": "bytes=99999999-"],
            ["Range": "bytes=3-1"], ["Range": "bytes=0-1,3-4"], ["Range": "lines=1"],
            ["Range": "bytes=1-3", "If-Range": "\"\(blob)\""],
            ["Range": "bytes=1-3", "If-Range": "\"old\""], ["Accept": "text/html"],
            ["Connection": "Keep-Alive"], ["Expect": "100-continue"], ["Content-Length": "0"],
        ]
    }

    @Test func `both ways answer every request to the letter alike`() async throws {
        try await withTown { town in
            let host = town.hub.registry.acting(for: .host)
            let open = try Repository("acme/open")
            let image = try await host.manifest(.tag(try Tag("v1")), in: open).digest
            let blob = Digest(of: Array("{}".utf8))
            let large = Digest(of: sampleBytes(40_000))
            let stream = AsyncThrowingStream<ByteBuffer, any Error> { continuation in
                continuation.yield(ByteBuffer(bytes: sampleBytes(40_000)))
                continuation.finish()
            }
            _ = try await host.pushBlob(stream, as: large, to: open)
            let administrator = Town.basic("root", "secret")
            for (name, isLarge) in [("acme/open", true), ("acme/secret", false)] {
                try await town.hub.client.push(
                    try FilterSketch(isLarge: isLarge), to: name, tag: "filter", administrator)
                _ = try await town.hub.client.facts("\(name)/filter", administrator)
            }
            let visitors = try await visitors(town)
            try await withServers(of: town.hub) { fast, slow, paths in
                var answered = 0
                for (visitor, headers) in visitors {
                    for method in ["GET", "HEAD"] {
                        for conditions in Self.conditions(image, blob)
                        where conditions.isEmpty || visitor == "reader" {
                            var targets = ["/v2/", "/v2", "/v2/_catalog", "/v2//", "/v2/./"]
                            for name in ["acme/open", "acme/secret", "acme/nothing", "ACME/x"]
                            where conditions.isEmpty || name == "acme/open" {
                                targets += Self.targets(name, image, blob)
                            }
                            targets.append("/v2/acme/open/blobs/\(large)")
                            for name in ["open", "secret", "nothing"] {
                                targets += Self.modules("acme/\(name)")
                            }
                            for target in targets {
                                let headers = headers.merging(conditions) { $1 }
                                    .merging(["X-Request-Id": "r-1"]) { $1 }
                                let before = paths.answered
                                let first = try await fast.send(method, target, headers)
                                answered += paths.answered - before
                                let second = try await slow.send(method, target, headers)
                                let name = "\(visitor) \(method) \(target) \(conditions)"
                                #expect(first.lines(fast.port) == second.lines(slow.port), "\(name)")
                                #expect(first.body == second.body, "\(name)")
                            }
                        }
                    }
                }
                // Otherwise the longer way was compared with itself.
                #expect(answered > 400, "\(answered)")
            }
        }
    }

    private func visitors(_ town: Town) async throws -> [(String, [String: String])] {
        let scope = ["repository:acme/open:pull repository:acme/secret:pull,push"]
        func session(_ name: String, _ scopes: [String]) async throws -> [String: String] {
            let session = try await town.hub.gatekeeper.openSession(
                for: try await town.principal(name), scopes: scopes)
            // A session is known from the second time on that it is shown.
            _ = try await town.hub.gatekeeper.identify(.bearer(session.token), from: nil)
            return ["Authorization": "Bearer \(session.token)"]
        }
        return [
            ("anonymous", [:]), ("reader", try await session("rea", scope)),
            ("stranger", try await session("eve", scope)), ("narrow", try await session("rea", [])),
            ("password", Town.basic("rea", "secret")),
            ("token", Town.basic("token", try await town.token("rea"))),
            (
                "scoped",
                [
                    "Authorization":
                        "Bearer \(try await town.token("ada", scopes: [try Scope(parsing: "acme/open:pull")]))"
                ]
            ),
            ("wrong", ["Authorization": "Bearer x.y.z"]),
            ("odd", ["Authorization": "Bearer"]),
        ]
    }

    @Test func `answers come in the order of the requests, whichever way they went`() async throws {
        try await withHub { hub in
            let small = sampleBytes(100, seed: 1)
            let middle = sampleBytes(200_000, seed: 2)
            let large = sampleBytes(3_000_000, seed: 3)
            for bytes in [small, middle, large] { try await hub.client.push(bytes, to: "a") }
            let image = try await hub.client.pushImage(to: "a", tag: "v1")
            let order: [(path: String, body: [UInt8]?)] = [
                ("blobs/\(Digest(of: large))", large), ("manifests/v1", image.bytes),
                ("blobs/\(Digest(of: middle))", middle), ("manifests/none", nil),
                ("blobs/\(Digest(of: small))", small), ("blobs/\(Digest(of: middle))", middle),
                ("referrers/\(image.digest)", nil), ("blobs/\(Digest(of: large))", large),
                ("manifests/v1", image.bytes),
            ]
            try await onThread { [port = hub.client.port] in
                for _ in 0..<5 {
                    let wire = try Wire(port: port)
                    try wire.send(order.map { "GET /v2/a/\($0.path) HTTP/1.1\r\nHost: h\r\n\r\n" }.joined())
                    for (path, body) in order {
                        let reply = try #require(try wire.reply(), "\(path)")
                        if let body { #expect(reply.body == body, "\(path)") }
                        #expect((reply.status == 404) == path.hasSuffix("none"), "\(path)")
                    }
                }
            }
        }
    }

    @Test func `a large blob comes whole and in parts, and its reader may go away`() async throws {
        try await withHub { hub in
            let bytes = sampleBytes(5_000_000)
            let digest = try await hub.client.push(bytes, to: "a").digest
            let path = "/v2/a/blobs/\(digest)"
            #expect(try await hub.client.send("GET", path).body == bytes)
            let part = try await hub.client.send("GET", path, ["Range": "bytes=1000000-3999999"])
            #expect(part.status == 206)
            #expect(part.body == Array(bytes[1_000_000...3_999_999]))
            try await onThread { [port = hub.client.port] in
                for _ in 0..<20 {
                    let wire = try Wire(port: port)
                    try wire.send("GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n")
                }
            }
            #expect(try await hub.client.send("GET", path).body == bytes)
        }
    }

    @Test func `a connection ends when nobody uses it, and not while it is used`() async throws {
        try await withHub { hub in
            try await hub.client.pushImage(to: "a", tag: "v1")
            var limits = ConnectionLimits()
            limits.idleTime = .milliseconds(400)
            limits.headTime = .milliseconds(300)
            try await withServer(of: hub, limits: limits) { client, _ in
                try await onThread {
                    let wire = try Wire(port: client.port)
                    let begin = ContinuousClock.now
                    while ContinuousClock.now - begin < .milliseconds(1500) {
                        try wire.send("GET /v2/a/manifests/v1 HTTP/1.1\r\nHost: h\r\n\r\n")
                        #expect(try wire.reply()?.status == 200)
                    }
                    #expect(try wire.isClosed())
                }
            }
        }
    }
}

extension Reply {
    /// The head, the same whichever port it came from.
    fileprivate func lines(_ port: Int) -> String {
        head.replacingOccurrences(of: ":\(port)", with: "")
    }
}

/// A hub's registry on another port.
func withServer<Result>(
    of hub: TestHub, usesHotPath: Bool = true, limits: ConnectionLimits = ConnectionLimits(),
    _ body: (Client, HotPaths) async throws -> Result
) async throws -> Result {
    let (ports, port) = AsyncStream<Int>.makeStream()
    var logger = Logger(label: "hub-tests")
    logger.logLevel = .critical
    var server = HubServer(
        hub.registry, gatekeeper: hub.gatekeeper, address: HubServer.Address(host: "127.0.0.1", port: 0),
        operation: HubOperation(limits: limits), logger: logger
    ) { port.yield($0.port) }
    server.usesHotPath = usesHotPath
    let services = server.group()
    let paths = server.hotPaths
    return try await withThrowingTaskGroup { group in
        group.addTask {
            defer { port.finish() }
            try await services.run()
        }
        var iterator = ports.makeAsyncIterator()
        let number = try #require(await iterator.next(), "the hub does not listen")
        let result: Swift.Result<Result, any Error>
        do {
            result = .success(try await body(Client(port: number), paths))
        } catch {
            result = .failure(error)
        }
        await services.triggerGracefulShutdown()
        try await group.waitForAll()
        return try result.get()
    }
}

private func withServers<Result>(
    of hub: TestHub, _ body: (Client, Client, HotPaths) async throws -> Result
) async throws -> Result {
    try await withServer(of: hub) { fast, paths in
        try await withServer(of: hub, usesHotPath: false) { slow, _ in try await body(fast, slow, paths) }
    }
}
