// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import HubFacts
import HubHTTP
import HubOutbound
import HubStorage
import Logging
import OCI
import Secrets
import ServiceLifecycle
import SystemPackage
import TestSupport
import Testing

/// A real hub in this process, on a port of its own.
struct TestHub: Sendable {
    let client: Client
    let folder: FilePath
    let registry: Registry
    let metadata: MetadataDatabase
    let gatekeeper: Gatekeeper

    /// Paths of all files below a folder of the hub's data.
    func files(_ name: String) -> [String] {
        let base = folder.appending(name).string
        let all = FileManager.default.enumerator(atPath: base)?.allObjects as? [String] ?? []
        return all.filter { path in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: base + "/" + path, isDirectory: &isFolder)
                && !isFolder.boolValue
        }
    }
}

/// Runs a hub for the time of a closure.
///
/// `reads` is whether it finds out what was pushed, as `wasme-hub serve` does.
func withHub<Result>(
    limits: Registry.Limits = Registry.Limits(), policy: AccessPolicy = .open, mirrors: Mirrors? = nil,
    folder: FilePath? = nil,
    operation: HubOperation = HubOperation(webhookRules: AllowedReceivers(hosts: ["*.example.com"])),
    reads: Bool = true,
    now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) },
    _ body: (TestHub) async throws -> Result
) async throws -> Result {
    await HubSlots.shared.take()
    do {
        let result = try await runHub(
            limits: limits, policy: policy, mirrors: mirrors, folder: folder, operation: operation,
            reads: reads, now: now, body)
        await HubSlots.shared.give()
        return result
    } catch {
        await HubSlots.shared.give()
        throw error
    }
}

/// What `wasme-hub serve` does beside its requests.
private struct Indexing: Service {
    let indexer: FactIndexer

    func run() async throws { await cancelWhenGracefulShutdown { await indexer.run() } }
}

private struct Collecting: Service {
    let registry: Registry

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in registry.collections.requests { _ = try? await registry.collect(isDeep: true) }
        }
    }
}

private func runHub<Result>(
    limits: Registry.Limits, policy: AccessPolicy, mirrors: Mirrors?, folder: FilePath?,
    operation: HubOperation, reads: Bool,
    now: @escaping @Sendable () -> Int64,
    _ body: (TestHub) async throws -> Result
) async throws -> Result {
    let scratch = try ScratchDirectory("hub")
    let path = folder ?? scratch.path.appending("data")
    let data = try await openFolder(path)
    let metadata = try await MetadataDatabase(data, policy: policy, now: now)
    let registry = Registry(
        metadata: metadata, blobs: FileBlobStore(data), uploads: FileUploadStore(data), limits: limits,
        mirrors: mirrors ?? Mirrors([], logger: Logger(label: "hub-tests")), now: now)
    try await registry.recover()
    let (ports, port) = AsyncStream<Int>.makeStream()
    var logger = Logger(label: "hub-tests")
    logger.logLevel = .critical
    let gatekeeper = Gatekeeper(
        metadata, policy: policy, passwordCost: PasswordHash.Cost(logN: 4, r: 1, p: 1), now: now)
    let server = HubServer(
        registry, gatekeeper: gatekeeper, address: HubServer.Address(host: "127.0.0.1", port: 0),
        operation: operation, logger: logger
    ) { port.yield($0.port) }
    let indexing = Indexing(indexer: FactIndexer(registry, FilterReader(), logger: logger))
    let services = server.group(beside: (reads ? [indexing] : []) + [Collecting(registry: registry)])
    return try await withThrowingTaskGroup { group in
        group.addTask {
            defer { port.finish() }
            try await services.run()
        }
        var iterator = ports.makeAsyncIterator()
        let number = try #require(await iterator.next(), "the hub does not listen")
        let hub = TestHub(
            client: Client(port: number), folder: path, registry: registry, metadata: metadata,
            gatekeeper: gatekeeper)
        let result: Swift.Result<Result, any Error>
        do {
            result = .success(try await body(hub))
        } catch {
            result = .failure(error)
        }
        await services.triggerGracefulShutdown()
        try await group.waitForAll()
        try metadata.close()
        return try result.get()
    }
}

/// Bytes that look like nothing in particular, the same each time.
func sampleBytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    return (0..<count).map { _ in
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return UInt8(truncatingIfNeeded: state)
    }
}

extension Client {
    /// Pushes a blob in one request.
    @discardableResult
    func push(_ bytes: [UInt8], to repository: String) async throws -> Descriptor {
        let descriptor = Descriptor(of: bytes, mediaType: .octetStream)
        let reply = try await send(
            "POST", "/v2/\(repository)/blobs/uploads/?digest=\(descriptor.digest)", body: bytes)
        try #require(reply.status == 201, "\(reply.text)")
        return descriptor
    }

    /// Begins an upload and returns its path.
    func startUpload(in repository: String) async throws -> String {
        let reply = try await send("POST", "/v2/\(repository)/blobs/uploads/", body: [])
        try #require(reply.status == 202, "\(reply.text)")
        return try #require(reply["Location"])
    }

    /// Pushes an image with one layer.
    @discardableResult
    func pushImage(
        to repository: String, tag: String, layer: [UInt8] = sampleBytes(2000)
    ) async throws -> ManifestDocument {
        let config = try await push(Array("{}".utf8), to: repository)
        let layer = try await push(layer, to: repository)
        let document = try ManifestDocument(image(config: config, layers: [layer]))
        let reply = try await putManifest(document, to: repository, as: tag)
        try #require(reply.status == 201, "\(reply.text)")
        return document
    }

    func putManifest(
        _ document: ManifestDocument, to repository: String, as name: String
    ) async throws -> Reply {
        try await send(
            "PUT", "/v2/\(repository)/manifests/\(name)", ["Content-Type": document.mediaType.rawValue],
            body: document.bytes)
    }
}

/// An image manifest over blobs that are there.
func image(config: Descriptor, layers: [Descriptor], subject: Descriptor? = nil) -> Manifest {
    var config = config
    config.mediaType = .imageConfig
    return Manifest(
        config: config,
        layers: layers.map { layer in
            var layer = layer
            layer.mediaType = .imageLayerTarGzip
            return layer
        }, subject: subject)
}

/// Opens a folder that a hub of this process used a moment ago.
///
/// A program that another test starts just then shares its lock from `fork` to `exec`: that is waited out.
private func openFolder(_ path: FilePath) async throws -> DataFolder {
    let deadline = ContinuousClock.now + .seconds(10)
    while true {
        do {
            return try DataFolder(path)
        } catch let error as HubError where error.code == .folderInUse {
            guard ContinuousClock.now < deadline else { throw error }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
