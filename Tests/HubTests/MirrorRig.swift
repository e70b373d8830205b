// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Foundation
import Hub
import HubOutbound
import Logging
import LoopbackServer
import OCI
import OCIRegistry
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// A registry of the tests' own making with one image, which answers as it is told and counts what it is asked.
final class ScriptedUpstream: Sendable {
    let layer: [UInt8]
    let image: ManifestDocument
    private let server: LoopbackServer
    private let log: Log

    final class Log: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock(\.self) }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    var authority: String { server.authority }

    /// What it was asked, as method and the path behind `/v2/`.
    var requests: [String] { log.all }

    /// Breaks all connections.
    func stop() { server.stop() }

    /// Starts it.
    ///
    /// `answer` may answer a request itself, whose path behind `/v2/` it gets; it says whether it did.
    init(
        layer: [UInt8] = sampleBytes(100_000),
        _ answer: @escaping @Sendable (LoopbackExchange, String, [UInt8]) throws -> Bool = { _, _, _ in false
        }
    ) throws {
        let config = Array("{}".utf8)
        let image = try ManifestDocument(
            HubTests.image(
                config: Descriptor(of: config, mediaType: .imageConfig),
                layers: [Descriptor(of: layer, mediaType: .imageLayerTarGzip)]))
        let log = Log()
        self.layer = layer
        self.image = image
        self.log = log
        server = try LoopbackServer { exchange in
            let path = String(exchange.request.path.dropFirst(4))
            log.add("\(exchange.request.method) \(path)")
            if try answer(exchange, path, layer) { return }
            switch path {
            case "": try exchange.respond(200)
            case "a/manifests/v1", "a/manifests/\(image.digest)":
                try exchange.respond(
                    200,
                    headers: [
                        ("Content-Type", image.mediaType.rawValue),
                        ("Docker-Content-Digest", image.digest.description),
                    ], body: image.bytes)
            case "a/blobs/\(Digest(of: config))": try exchange.respond(200, body: config)
            case "a/blobs/\(Digest(of: layer))": try exchange.respond(200, body: layer)
            default: try exchange.respond(404)
            }
        }
    }
}

/// The mirror of a registry below "m", as the hub's configuration would make it.
func mirrors(
    of authority: String, maxAge: Int64 = 0, lifetime: Int64? = nil, isPublic: Bool = false
) throws -> Mirrors {
    let upstream = RegistryUpstream(
        host: try RegistryHost(authority), transport: CurlTransport(),
        options: RegistryOptions(plainHTTP: true), credentials: AnonymousCredentials())
    var logger = Logger(label: "hub-tests")
    logger.logLevel = .critical
    return Mirrors(
        [
            RegistryMirror(
                prefix: "m", upstream: upstream, upstreamPrefix: "", namespace: "example.org", maxAge: maxAge,
                lifetime: lifetime, isPublic: isPublic)
        ], logger: logger)
}

/// Pushes an image to any registry, with the requests that each of them takes.
@discardableResult
func pushAnywhere(
    _ authority: String, _ repository: String, _ tag: String, layer: [UInt8], subject: Descriptor? = nil
) async throws -> ManifestDocument {
    let client = RegistryClient(
        host: try RegistryHost(authority), transport: CurlTransport(),
        options: RegistryOptions(plainHTTP: true))
    let name = try Repository(repository)
    var blobs: [Descriptor] = []
    for bytes in [Array("{}".utf8), layer] {
        let descriptor = Descriptor(of: bytes, mediaType: .octetStream)
        _ = try await client.push(descriptor, HTTPBody(bytes), to: name)
        blobs.append(descriptor)
    }
    let document = try ManifestDocument(image(config: blobs[0], layers: [blobs[1]], subject: subject))
    try await client.push(document, to: name, as: .tag(try Tag(tag)))
    return document
}

/// Counts over several threads.
final class Counter: Sendable {
    private let count = Mutex(0)

    /// How many there are with this one.
    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}
