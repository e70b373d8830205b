// SPDX-License-Identifier: Apache-2.0

import Files
import LoopbackServer
import OCI
import OCILayout
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// `wasme` is killed in the middle of a transfer, without a moment to tidy up; the next one goes on from there.
@Suite struct KilledTransferTests {
    private static let size = 24 << 20
    /// What comes twice at most: bytes that the receiver had not read from its socket when it ended, and a few requests.
    private static let slack = 8 << 20
    private let newcomer: Newcomer
    private let blob: Descriptor

    /// An image with one large layer, in the store.
    init() async throws {
        newcomer = try Newcomer()
        var generator = SystemRandomNumberGenerator()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.size)
        while bytes.count < Self.size {
            withUnsafeBytes(of: generator.next()) { bytes.append(contentsOf: $0) }
        }
        let store = try ImageStore(newcomer.home.appending("store"))
        blob = try await store.ingest { [bytes] ingest in
            let config = try ingest.add(Array("{}".utf8), mediaType: .imageConfig)
            let layer = try ingest.add(bytes, mediaType: .imageLayerTarGzip)
            try ingest.commit(
                ManifestDocument(Manifest(config: config, layers: [layer])), as: [Reference("large:v1")])
            return layer
        }
    }

    /// Runs `wasme` until the relay has let so much through that it holds it, and kills it then.
    private func killed(_ relay: CuttingRelay, _ arguments: [String]) async throws {
        let process = try BackgroundProcess(
            buildFolder.appending("wasme"), arguments, environment: newcomer.environment,
            in: newcomer.scratch.path)
        try process.start()
        while relay.cuts == 0 {
            try #require(process.isRunning, "\(process.stderr)")
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(await process.stop(9) == -9)
    }

    @Test(arguments: [1 << 20, 3 << 20, 11 << 20])
    func `a push goes on where the killed one was`(_ position: Int) async throws {
        try await RunningHub.run { hub in
            let gate = Gate()
            let relay = try gate.relay(to: hub.address, .toServer, position)
            let name = "\(relay.authority)/acme/large:v1"
            try await newcomer.does("tag", "large:v1", name)
            try await killed(relay, ["push", name])
            let sent = relay.toServer
            gate.open()
            let outcome = try await newcomer.wasme("push", name)
            #expect(outcome.status == 0, "\(outcome.stderr)")
            if position > Self.slack {
                #expect(outcome.stderr.contains("resumed at"), "\(outcome.stderr)")
            }
            let most = Self.size - sent + Self.slack
            let again = relay.toServer - sent
            #expect(again < most, "\(again) bytes after \(sent) of \(Self.size)")
            try await newcomer.does("pull", name, "--store", "elsewhere")
        }
    }

    @Test(.requires(.registry), arguments: [1 << 20, 11 << 20, 23 << 20])
    func `a pull goes on where the killed one was`(_ position: Int) async throws {
        try await DockerRegistry.run { registry in
            let name = "\(registry.address)/acme/large:v1"
            try await newcomer.does("tag", "large:v1", name)
            try await newcomer.does("push", name)
            // Another store, that has nothing.
            let gate = Gate()
            let relay = try gate.relay(to: registry.address, .toClient, position)
            let distant = "\(relay.authority)/acme/large:v1"
            try await killed(relay, ["pull", distant, "--store", "other"])
            let listed = try await newcomer.does("list", "--store", "other", "-q")
            #expect(listed.isEmpty, "nothing half is shown as whole: \(listed)")
            let received = relay.toClient
            gate.open()
            let outcome = try await newcomer.wasme("pull", distant, "--store", "other")
            #expect(outcome.status == 0, "\(outcome.stderr)")
            if position > Self.slack {
                #expect(outcome.stderr.contains("resumed at"), "\(outcome.stderr)")
            }
            let most = Self.size - received + Self.slack
            let again = relay.toClient - received
            #expect(again < most, "\(again) bytes after \(received) of \(Self.size)")
            try await newcomer.does("push", distant, "--store", "other")
        }
    }

    @Test(.requires(.registry), arguments: [true, false])
    func `a copy between registries goes on where the killed one was`(_ isReading: Bool) async throws {
        try await DockerRegistry.run { registry in
            try await RunningHub.run { hub in
                let name = "\(registry.address)/acme/large:v1"
                try await newcomer.does("tag", "large:v1", name)
                try await newcomer.does("push", name)
                try await newcomer.does("rm", "large:v1", name)
                try await newcomer.does("prune")
                let gate = Gate()
                let relay = try gate.relay(
                    to: isReading ? registry.address : hub.address, isReading ? .toClient : .toServer,
                    11 << 20)
                let arguments =
                    isReading
                    ? ["copy", "\(relay.authority)/acme/large:v1", "\(hub.address)/b/large:v1"]
                    : ["copy", name, "\(relay.authority)/b/large:v1"]
                try await killed(relay, arguments)
                let before = isReading ? relay.toClient : relay.toServer
                gate.open()
                let outcome = try await run(
                    buildFolder.appending("wasme"), arguments, environment: newcomer.environment,
                    in: newcomer.scratch.path)
                #expect(outcome.status == 0, "\(outcome.stderr)")
                let moved = (isReading ? relay.toClient : relay.toServer) - before
                let most = Self.size - (11 << 20) + Self.slack
                #expect(moved < most, "\(moved) bytes of \(Self.size)")
                try await newcomer.does("pull", "\(hub.address)/b/large:v1", "--store", "elsewhere")
            }
        }
    }
}

/// Holds connections in the middle, until it is opened.
private final class Gate: Sendable {
    private let isOpen = Mutex(false)

    func open() { isOpen.withLock { $0 = true } }

    func relay(
        to address: String, _ direction: CuttingRelay.Direction, _ position: Int
    ) throws -> CuttingRelay {
        let port = try #require(UInt16(address.split(separator: ":").last ?? ""))
        return try CuttingRelay(to: port) { [self] _ in
            isOpen.withLock { $0 } ? nil : .init(direction, at: position, stalls: true)
        }
    }
}
