// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import FilterImage
import FilterInspection
import HTTPTypes
import HostProfiles
import ImageTransfer
import LoopbackServer
import OCI
import OCIRegistry
import Synchronization
import SystemPackage
import TestSupport
import Testing
import WasmBinary

/// Images in registries are checked without their code coming over the wire.
@Suite struct RemoteReadingTests {
    /// A module of four megabytes, most of it code that does not compress, with the names of its functions at the end.
    static let large: [UInt8] = {
        var generator = SeededGenerator(seed: 1)
        var sketch = ModuleSketch(
            imports: [.init("env", "proxy_log", "iii:i")],
            functions: [.init("proxy_on_request_headers", "iii:i")])
        sketch.custom = [("name", [])]
        var bytes = sketch.bytes
        // A data section in its place, before the custom sections: one passive segment of noise.
        let noise = (0..<(4 << 20)).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let segment = [0x01, 0x01] + leb(noise.count) + noise
        let section = [0x0b] + leb(segment.count) + segment
        let names = 1 + 1 + 1 + 4
        bytes.insert(contentsOf: section, at: bytes.count - names)
        return bytes
    }()

    private static func leb(_ number: Int) -> [UInt8] {
        var rest = number
        var bytes: [UInt8] = []
        repeat {
            bytes.append(UInt8(rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
            rest >>= 7
        } while rest > 0
        return bytes
    }

    @Test func `the large module is one`() throws {
        #expect(try WasmModule(Self.large).customSections.map(\.name) == ["name"])
    }

    /// Pushes an image to a registry and reads it back over a wire that is measured.
    private func inspect(
        _ sketch: ImageSketch, at address: String
    ) async throws -> (found: ImageInspection, received: Int64) {
        let host = try RegistryHost(address)
        let repository = try Repository("check/\(sketch.layers.count)-\(UInt32.random(in: 0 ... .max))")
        let counter = CountingTransport(CurlTransport())
        let client = RegistryClient(
            host: host, transport: counter, options: RegistryOptions(plainHTTP: true))
        for (descriptor, bytes) in sketch.layers + [(sketch.config, Array("{}".utf8))] {
            _ = try await client.push(descriptor, HTTPBody(bytes), to: repository)
        }
        let document = try sketch.document
        let tag = Reference.Target.tag(try Tag("v1"))
        try await client.push(document, to: repository, as: tag)
        counter.reset()
        let found = try await ImageInspection.read(
            try await client.manifest(repository, tag), from: RegistryBlobs(client, repository))
        return (found, counter.received)
    }

    private var raw: ImageSketch {
        var sketch = ImageSketch()
        sketch.add(Self.large, "application/vnd.module.wasm.content.layer.v1+wasm")
        sketch.add(Array("{}".utf8), "application/vnd.module.wasm.config.v1+json")
        return sketch
    }

    private func archive() throws -> ImageSketch {
        var sketch = ImageSketch()
        sketch.add(
            try tarGzip([("plugin.wasm", Self.large), ("runtime-config.json", Array("{}".utf8))]),
            MediaType.imageLayerTarGzip.rawValue)
        return sketch
    }

    @Test(.requires(.registry)) func `docker-registry gives ranges, and the code stays there`() async throws {
        try await DockerRegistry.run { registry in
            let (found, received) = try await inspect(raw, at: registry.address)
            #expect(found.extent == .sections)
            let module = try #require(found.module.whole)
            #expect(module.size == Self.large.count)
            #expect(module.customSections.map(\.name) == ["name"])
            #expect(received < 600 << 10, "\(received) bytes came for a module of \(Self.large.count)")
            #expect(found.bytesRead < 300 << 10)
        }
    }

    @Test(.requires(.registry)) func `of an archive comes the beginning`() async throws {
        try await DockerRegistry.run { registry in
            let (found, received) = try await inspect(try archive(), at: registry.address)
            #expect(found.extent == .declarations)
            #expect(found.files == ["plugin.wasm"])
            #expect(found.moduleSize == Int64(Self.large.count))
            let module = try #require(found.module.declarations)
            #expect(module.imports.map(\.name) == ["proxy_log"])
            #expect(module.exports.count == 4)
            // What is on its way in buffers when the transfer is broken off is not counted by anyone.
            #expect(received < 600 << 10, "\(received) bytes came for a layer of \(Self.large.count)")
            let report = try HostCatalog.bundled().report(found.subject, for: HostCatalog.usualTargets)
            #expect(report.isTaken)
            #expect(!report.entries.contains { $0.finding.rule == .noNames })
        }
    }

    @Test(.requires(.registry)) func `a small layer is read whole, and held against its digest`() async throws
    {
        try await DockerRegistry.run { registry in
            var sketch = ImageSketch()
            sketch.add(
                try tarGzip([("plugin.wasm", TinyFilter().bytes)]), MediaType.imageLayerTarGzip.rawValue)
            let (found, _) = try await inspect(sketch, at: registry.address)
            #expect(found.extent == .declarations || found.extent == .whole)
            #expect(found.module.whole?.bytes == TinyFilter().bytes)
        }
    }

    @Test func `our own hub gives ranges, too`() async throws {
        let scratch = try ScratchDirectory("hub")
        let hub = try BackgroundProcess(
            buildFolder.appending("wasme-hub"),
            ["serve", "--data", scratch.path.string, "--listen", "127.0.0.1:0"])
        try hub.start()
        let address = try await hub.line { $0.split(separator: "listening on http://").last.map(String.init) }
        let (found, received) = try await inspect(raw, at: address)
        #expect(found.extent == .sections)
        #expect(received < 600 << 10, "\(received) bytes came for a module of \(Self.large.count)")
        let (archived, less) = try await inspect(try archive(), at: address)
        #expect(archived.extent == .declarations)
        #expect(less < 600 << 10, "\(less) bytes came for a layer of \(Self.large.count)")
        await hub.stop()
    }

    @Test func `a registry without ranges is broken off at the code`() async throws {
        let sketch = raw
        let document = try sketch.document
        let server = try LoopbackServer { exchange in
            let layer = sketch.layers[0]
            if exchange.request.path.hasSuffix(layer.descriptor.digest.description) {
                // Range is read and ignored (RFC 9110 §14.2 allows that).
                try exchange.respond(200, body: layer.bytes)
            } else {
                try exchange.respond(404)
            }
        }
        let counter = CountingTransport(CurlTransport())
        let client = RegistryClient(
            host: try RegistryHost(server.authority), transport: counter,
            options: RegistryOptions(plainHTTP: true))
        let found = try await ImageInspection.read(
            document, from: RegistryBlobs(client, try Repository("a/b")))
        #expect(found.extent == .declarations)
        #expect(found.module.declarations?.imports.count == 1)
        #expect(counter.received < 1 << 20)
    }

    @Test func `a registry that answers with another range is not believed`() async throws {
        let sketch = raw
        let server = try LoopbackServer { exchange in
            try exchange.respond(
                206, headers: [("Content-Range", "bytes 7-8/9")], body: [UInt8](repeating: 0, count: 2))
        }
        let client = RegistryClient(
            host: try RegistryHost(server.authority), transport: CurlTransport(),
            options: RegistryOptions(plainHTTP: true))
        await #expect(throws: RegistryError.self) {
            try await ImageInspection.read(
                sketch.document, from: RegistryBlobs(client, Repository("a/b")))
        }
    }
}

/// Counts the bytes of the bodies that come in.
final class CountingTransport: HTTPTransport {
    private let next: any HTTPTransport
    private let count = Mutex<Int64>(0)

    init(_ next: any HTTPTransport) { self.next = next }

    var received: Int64 { count.withLock { $0 } }
    func reset() { count.withLock { $0 = 0 } }

    func send(
        _ request: HTTPRequest, body: HTTPBody?, options: HTTPTransportOptions,
        receive: @escaping @Sendable (HTTPResponse) throws -> (any ByteSink)?
    ) async throws -> HTTPResponse {
        try await next.send(request, body: body, options: options) { head in
            try receive(head).map { Counter(self, $0) }
        }
    }

    private final class Counter: ByteSink {
        let transport: CountingTransport
        let next: any ByteSink

        init(_ transport: CountingTransport, _ next: any ByteSink) {
            self.transport = transport
            self.next = next
        }

        func write(_ bytes: UnsafeRawBufferPointer) throws {
            transport.count.withLock { $0 += Int64(bytes.count) }
            try next.write(bytes)
        }
    }
}
