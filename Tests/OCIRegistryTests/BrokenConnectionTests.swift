// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Files
import ImageTransfer
import LoopbackServer
import OCI
import OCIRegistry
import SystemPackage
import TestSupport
import Testing

/// Connections to real registries that break at a byte by chance.
@Suite struct BrokenConnectionTests {
    private static let size = 24 << 20
    private static let bytes = sample(size)
    private var descriptor: Descriptor { blob(Self.bytes) }
    private let scratch: ScratchDirectory

    init() throws { scratch = try ScratchDirectory("broken") }

    /// A client of its own, as each run of the program has.
    private func client(_ relay: CuttingRelay, attempts: Int = 5) throws -> RegistryClient {
        var options = RegistryOptions(plainHTTP: true)
        options.clock = TestClock().clock
        options.chunkSize = 2 << 20
        options.retry.attempts = attempts
        return RegistryClient(
            host: try RegistryHost(relay.authority), transport: CurlTransport(), options: options)
    }

    private func port(_ address: String) throws -> UInt16 {
        try #require(UInt16(address.split(separator: ":").last ?? ""))
    }

    private func push(_ client: RegistryClient, journal: FileUploadJournal? = nil) async throws {
        try await client.push(
            descriptor, HTTPBody(Self.bytes), to: repository, journal: journal)
    }

    /// Pushes in runs that may each fail, until one does not.
    /// - Returns: how many runs it took.
    private func pushInRuns(_ relay: CuttingRelay, attempts: Int) async throws -> Int {
        let journal = FileUploadJournal(scratch.appending("uploads"))
        for run in 1...40 {
            do {
                try await push(client(relay, attempts: attempts), journal: journal)
                return run
            } catch let error as RegistryError {
                try #require(error.code == .connectionLost, "\(error)")
            }
        }
        Issue.record("40 runs were not enough")
        return 0
    }

    @Test(.requires(.registry), .requires(.nginx), arguments: [1, 5])
    func `a push through breaks sends no more than a chunk for each again`(_ attempts: Int) async throws {
        try await DockerRegistry.run { registry in
            // A proxy that hands on what came whole, as nginx does unless told otherwise: what broke off never reaches
            // the registry, which would drop the upload.
            try await NginxFront.run(before: registry.address) { nginx in
                let relay = try CuttingRelay(to: nginx.port) { number in
                    // Room for one chunk at least, so that each connection gets on.
                    number > 8 ? nil : .init(.toServer, at: .random(in: (2 << 20) + 4_000...(9 << 20)))
                }
                let runs = try await pushInRuns(relay, attempts: attempts)
                #expect(attempts > 1 ? runs == 1 : runs > 1)
                #expect(relay.cuts > 0)
                #expect(try await client(relay).hasBlob(repository, descriptor.digest))
                let most = Self.size + relay.cuts * (2 << 20) + 100_000
                #expect(relay.toServer < most, "\(relay.toServer) bytes for \(Self.size), \(relay.cuts) cuts")
                let began = try nginx.requests.filter { $0.hasPrefix("POST") }
                #expect(began.count == 1)
            }
        }
    }

    @Test(arguments: [1, 5])
    func `a push to our hub is taken up at the very byte`(_ attempts: Int) async throws {
        try await RunningHub.run { hub in
            let relay = try CuttingRelay(to: port(hub.address)) { number in
                let place: ClosedRange<Int> = number == 1 ? 4_000...(1 << 20) : (4 << 20)...(10 << 20)
                return number > 8 ? nil : .init(.toServer, at: .random(in: place))
            }
            let runs = try await pushInRuns(relay, attempts: attempts)
            #expect(relay.cuts > 0 && runs > 0)
            let sink = DigestSink()
            try await client(relay).blob(repository, descriptor, into: sink)
            // What the hub had not yet read when a connection broke is lost with it, and may be much on a busy machine. But
            // what it had read is not sent again: the connection that stays has less to carry than all of the blob.
            let rest = relay.toServer - relay.cutBytes
            #expect(rest < Self.size, "\(rest) bytes of \(Self.size) after \(relay.cuts) cuts")
        }
    }

    @Test(.requires(.registry)) func `a push to a bare registry ends well, too`() async throws {
        try await DockerRegistry.run { registry in
            // This registry drops an upload that broke off in a chunk: then it starts over.
            let relay = try CuttingRelay(to: port(registry.address)) { number in
                number > 2 ? nil : .init(.toServer, at: .random(in: 4_000..<Self.size))
            }
            try await push(client(relay))
            // The second connection may have less to carry than the bytes at which it breaks.
            #expect(relay.cuts > 0)
            let sink = DigestSink()
            try await client(relay).blob(repository, descriptor, into: sink)
        }
    }

    @Test(.requires(.registry)) func `a pull through breaks reads each byte once`() async throws {
        try await DockerRegistry.run { registry in
            let direct = try CuttingRelay(to: port(registry.address)) { _ in nil }
            try await push(client(direct))
            let relay = try CuttingRelay(to: port(registry.address)) { number in
                number > 4 ? nil : .init(.toClient, at: .random(in: 10_000...(5 << 20)))
            }
            let sink = DigestSink()
            try await client(relay).blob(repository, descriptor, into: sink)
            #expect(relay.cuts == 4)
            #expect(sink.digest == descriptor.digest)
            #expect(relay.toClient < Self.size + relay.cuts * (64 << 10) + 10_000)
        }
    }
}

/// Hashes what it is given; used by one transfer, and read by its owner afterwards.
private final class DigestSink: ByteSink {
    private let hasher = DigestHasher()
    var digest: Digest { hasher.finalize() }
    func write(_ bytes: UnsafeRawBufferPointer) { hasher.update(bytes) }
}
