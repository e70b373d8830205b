// SPDX-License-Identifier: Apache-2.0

package import Logging
import OCI
private import Synchronization

/// Reads manifests that were pushed, one at a time and after they were acknowledged.
///
/// What is to be read stands in the database, so that nothing is forgotten by a crash; a signal only says that it is
/// worth looking there.
package final class FactIndexer: Sendable {
    /// How often a manifest is begun that this process or ones before it did not come to the end of.
    private static let mostAttempts = 3
    /// Manifests that are marked as begun together, and so are read again together after a crash.
    private static let batch = 20
    /// Seconds after which something is tried again that the storage did not let be read.
    private static let retry: Int64 = 60

    private let registry: Registry
    private let reader: any FactReader
    private let logger: Logger
    /// When to try again what the storage failed on, in seconds since 1970.
    private let postponed = Mutex<[ManifestID: Int64]>([:])

    package init(_ registry: Registry, _ reader: any FactReader, logger: Logger) {
        self.registry = registry.acting(for: .host)
        self.reader = reader
        self.logger = logger
    }

    /// Reads what is pending, then what is pushed, until the task is cancelled.
    ///
    /// Another process may make manifests pending too, which `interval` finds.
    package func run(interval: Duration = .seconds(5)) async {
        await attempt { try await registry.metadata.expectFacts(of: reader.revision) }
        while !Task.isCancelled {
            await attempt { _ = try await readPending() }
            await registry.reading.sleep(atMost: interval)
        }
    }

    /// Reads every manifest anew.
    /// - Returns: how many there were.
    package func readEverything() async throws -> Int {
        try await registry.metadata.expectFacts(of: reader.revision)
        try await registry.metadata.forgetFacts()
        return try await readPending()
    }

    private func attempt(_ work: () async throws -> Void) async {
        do {
            try await work()
        } catch {
            // A stop in the middle harms nothing: what was not read is pending still.
            guard !Task.isCancelled else { return }
            logger.error("cannot read what was pushed", metadata: ["error": "\(error)"])
        }
    }

    /// Goes once through all that is pending, the newest first.
    /// - Returns: how many manifests were read.
    package func readPending() async throws -> Int {
        var count = 0
        var last: ManifestID?
        while true {
            try Task.checkCancellation()
            let wanted = registry.reading.wanted
            if !wanted.isEmpty {
                count += try await read(try await registry.metadata.pendingManifests(wanted))
            }
            let page = try await registry.metadata.pendingManifests(before: last, limit: Self.batch)
            guard let final = page.last else { return count }
            last = final.id
            count += try await read(page)
        }
    }

    private func read(_ manifests: [PendingManifest]) async throws -> Int {
        let now = registry.now()
        let due = manifests.filter { manifest in
            postponed.withLock { $0[manifest.id].map { $0 <= now } ?? true }
        }
        let fresh = due.filter { $0.attempts == 0 }
        if !fresh.isEmpty { try await registry.metadata.beginReading(fresh.map(\.id)) }
        for manifest in due {
            try Task.checkCancellation()
            // One that was not finished before is marked by itself: if it ends this process, no other is blamed.
            if manifest.attempts > 0 { try await registry.metadata.beginReading([manifest.id]) }
            do {
                try await read(manifest)
                postponed.withLock { _ = $0.removeValue(forKey: manifest.id) }
            } catch {
                try Task.checkCancellation()
                postponed.withLock { postponed in
                    if postponed.count > 10_000 { postponed = [:] }
                    postponed[manifest.id] = now + Self.retry
                }
                logger.error(
                    "cannot read a manifest, and will try again",
                    metadata: ["repository": "\(manifest.repository)", "error": "\(error)"])
            }
            registry.reading.finished(manifest.id)
        }
        return due.count
    }

    private func read(_ pending: PendingManifest) async throws {
        guard let manifest = try await registry.metadata.manifest(pending.id) else { return }
        guard pending.attempts < Self.mostAttempts else {
            let facts = ManifestFacts(
                .unreadable,
                reason:
                    "the hub ended \(pending.attempts) times while it read this; 'wasme-hub reindex' tries again"
            )
            return try await registry.metadata.keep(facts, of: pending.id, extracted: nil)
        }
        let document = try ManifestDocument(
            bytes: manifest.bytes, mediaType: manifest.mediaType, algorithm: manifest.digest.algorithm)
        let (facts, module) = try await reader.read(
            document, from: registry.access(to: pending.repository))
        if let module {
            try await registry.keepModule(module, facts, of: pending.id)
        } else {
            try await registry.metadata.keep(facts, of: pending.id, extracted: nil)
        }
    }
}
