// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import LoopbackServer
import OCI
import OCIRegistry
import Synchronization

/// Time that passes only when somebody sleeps.
final class TestClock: Sendable {
    private let state = Mutex((now: Duration.zero, sleeps: [Duration]()))

    var sleeps: [Duration] { state.withLock { $0.sleeps } }

    func advance(by duration: Duration) { state.withLock { $0.now += duration } }

    var clock: RegistryClock {
        RegistryClock(
            now: { [self] in state.withLock { $0.now } },
            sleep: { [self] duration in
                try Task.checkCancellation()
                state.withLock {
                    $0.now += duration
                    $0.sleeps.append(duration)
                }
            }, jitter: { 1 })
    }
}

extension LoopbackServer {
    var host: RegistryHost {
        get throws { try RegistryHost(authority) }
    }

    /// A client that takes the server for a plain-HTTP registry and never waits.
    func client(
        _ clock: TestClock = TestClock(), credentials: any CredentialProvider = AnonymousCredentials(),
        _ change: (inout RegistryOptions) -> Void = { _ in }
    ) throws -> RegistryClient {
        var options = RegistryOptions(plainHTTP: true)
        options.clock = clock.clock
        change(&options)
        return RegistryClient(
            host: try host, transport: CurlTransport(), options: options, credentials: credentials)
    }
}

/// Counts and collects what a server's threads saw.
final class Log: Sendable {
    private let entries = Mutex<[String]>([])
    var all: [String] { entries.withLock { $0 } }
    @discardableResult
    func add(_ entry: String) -> Int {
        entries.withLock {
            $0.append(entry)
            return $0.count
        }
    }
}

// swift-format-ignore: NeverUseForceTry
let repository = try! Repository("acme/auth")
// swift-format-ignore: NeverUseForceTry
let tag = Reference.Target.tag(try! Tag("v1"))

/// A prime number of bytes, so that no round offset meets the same bytes again.
private let pattern: [UInt8] = (0..<65_521).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ $0 >> 8) }

/// Bytes that differ from place to place.
func sample(_ count: Int, seed: Int = 0) -> [UInt8] {
    var bytes = Array(pattern[seed...])
    while bytes.count < count { bytes += pattern }
    return Array(bytes.prefix(count))
}

func blob(_ bytes: [UInt8]) -> Descriptor { Descriptor(of: bytes, mediaType: .octetStream) }

/// A small image manifest whose blobs are given.
func manifest(config: Descriptor, layers: [Descriptor]) throws -> ManifestDocument {
    var config = config
    config.mediaType = .imageConfig
    return try ManifestDocument(Manifest(config: config, layers: layers))
}

/// The `RegistryError` that some work fails with.
func failure(_ work: () async throws -> Void) async -> RegistryError? {
    do {
        try await work()
        return nil
    } catch {
        return error as? RegistryError
    }
}
