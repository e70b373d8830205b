// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
@testable import HubHTTP
import OCI
import Testing

/// What was acknowledged counts from the next request on: the shorter way keeps bytes in memory, and no decision.
@Suite struct HotPathRaceTests {
    /// Seconds that the readers and writers are at each other.
    private static let duration = Duration.seconds(4)

    /// One connection that is kept open, for many requests.
    private final class KeptConnection {
        private let wire: Wire

        init(_ client: Client) throws { wire = try Wire(port: client.port) }

        func send(
            _ method: String, _ path: String, _ headers: [String: String] = [:], body: [UInt8] = []
        ) throws -> Reply {
            var head = "\(method) \(path) HTTP/1.1\r\nHost: h\r\n"
            if method != "GET", method != "HEAD" { head += "Content-Length: \(body.count)\r\n" }
            for (name, value) in headers { head += "\(name): \(value)\r\n" }
            try wire.send(Array((head + "\r\n").utf8) + body)
            return try #require(try wire.reply(toHead: method == "HEAD"))
        }
    }

    @Test func `nothing that was deleted is served, while others push the same and the collector runs`()
        async throws
    {
        var limits = Registry.Limits()
        limits.blobLease = 0
        try await withHub(limits: limits) { hub in
            let layer = sampleBytes(60_000, seed: 7)
            let digest = Digest(of: layer)
            try await withServer(of: hub) { client, paths in
                try await withThrowingTaskGroup { group in
                    for worker in 0..<4 {
                        group.addTask { try await Self.deleteAndRead(client, "r\(worker)", layer) }
                    }
                    group.addTask {
                        let end = ContinuousClock.now + Self.duration
                        while ContinuousClock.now < end { try await hub.registry.collect() }
                    }
                    group.addTask {
                        // Reads what the others delete, and must get it whole or not at all.
                        try await onThread {
                            let connection = try KeptConnection(client)
                            let end = ContinuousClock.now + Self.duration
                            while ContinuousClock.now < end {
                                let reply = try connection.send("GET", "/v2/r0/blobs/\(digest)")
                                #expect(reply.status == 404 || reply.body == layer, "\(reply.status)")
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(paths.answered > 50, "\(paths.answered)")
            }
        }
    }

    /// Pushes, reads, deletes, reads again; all in a repository that nobody else writes to.
    private static func deleteAndRead(_ client: Client, _ name: String, _ layer: [UInt8]) async throws {
        let blob = "/v2/\(name)/blobs/\(Digest(of: layer))"
        try await onThread {
            let writer = try KeptConnection(client)
            let reader = try KeptConnection(client)
            let end = ContinuousClock.now + duration
            while ContinuousClock.now < end {
                let pushed = try writer.send(
                    "POST", "/v2/\(name)/blobs/uploads/?digest=\(Digest(of: layer))", body: layer)
                #expect(pushed.status == 201, "\(pushed.text)")
                let read = try reader.send("GET", blob)
                // Nothing keeps it but a lease of no seconds: the collector may have been first.
                #expect(read.status == 404 || read.body == layer, "\(read.status)")
                let deleted = try writer.send("DELETE", blob)
                #expect(deleted.status == 202 || deleted.status == 404, "\(deleted.status)")
                for connection in [reader, writer] {
                    #expect(try connection.send("GET", blob).status == 404)
                    #expect(try connection.send("HEAD", blob).status == 404)
                }
            }
        }
    }

    @Test func `a tag that was moved or deleted is so for everybody at once`() async throws {
        try await withHub { hub in
            let config = try await hub.client.push(Array("{}".utf8), to: "a")
            let documents = try (0..<2).map { number in
                var manifest = image(config: config, layers: [])
                manifest.annotations = ["number": "\(number)"]
                return try ManifestDocument(manifest)
            }
            try await withServer(of: hub) { client, paths in
                try await withThrowingTaskGroup { group in
                    for worker in 0..<4 {
                        group.addTask {
                            try await onThread {
                                let path = "/v2/a/manifests/t\(worker)"
                                let writer = try KeptConnection(client)
                                let reader = try KeptConnection(client)
                                let end = ContinuousClock.now + Self.duration
                                while ContinuousClock.now < end {
                                    for document in documents {
                                        let type = ["Content-Type": document.mediaType.rawValue]
                                        let reply = try writer.send("PUT", path, type, body: document.bytes)
                                        #expect(reply.status == 201, "\(reply.text)")
                                        #expect(try reader.send("GET", path).body == document.bytes)
                                    }
                                    #expect(try writer.send("DELETE", path).status == 202)
                                    #expect(try reader.send("GET", path).status == 404)
                                }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(paths.answered > 50, "\(paths.answered)")
            }
        }
    }

    @Test func `a right that was taken is gone with the answer that says so`() async throws {
        try await withTown { town in
            let store = town.hub.gatekeeper.directory(for: .host).store
            let session = try await town.hub.gatekeeper.openSession(
                for: try await town.principal("rea"), scopes: ["repository:acme/secret:pull"])
            let headers = ["Authorization": "Bearer \(session.token)"]
            let rea = try AccountName("rea")
            let acme = try AccountName("acme")
            let secret = try Repository("acme/secret")
            try await withServer(of: town.hub) { client, paths in
                func status(_ headers: [String: String]) async throws -> Int {
                    try await client.send("GET", "/v2/acme/secret/manifests/v1", headers).status
                }
                #expect(try await status(headers) == 200)
                for _ in 0..<30 {
                    #expect(try await status(headers) == 200)
                    try await store.setRole(nil, of: rea, in: .organisation(acme))
                    #expect(try await status(headers) == 404)
                    try await store.setRole(.read, of: rea, in: .organisation(acme))
                    #expect(try await status(headers) == 200)
                    try await store.changeAccount(rea, .isDisabled(true))
                    #expect(try await status(headers) == 401)
                    try await store.changeAccount(rea, .isDisabled(false))
                    #expect(try await status([:]) == 401)
                    try await store.setPublic(true, secret)
                    #expect(try await status([:]) == 200)
                    try await store.setPublic(false, secret)
                }
                #expect(paths.answered > 50, "\(paths.answered)")
            }
        }
    }
}
