// SPDX-License-Identifier: Apache-2.0

import OCI
private import Synchronization

/// Keeps the collector away from content that is being stored, and a push away from content that is being removed.
///
/// A push puts bytes in place before the transaction that names them, the collector removes them after the transaction
/// that forgets them. Between the two steps the store and the database disagree on purpose; the gate lets only one of
/// the two be there. What is referenced is decided by transactions alone.
final class BlobGate: Sendable {
    private let state = Mutex(State())

    private struct State {
        /// Pushes under way, by what they store.
        var pushes: [Digest: Int] = [:]
        var condemned: Set<Digest> = []
        var waiting: [Digest: [CheckedContinuation<Void, Never>]] = [:]
    }

    /// Stores content; waits until nobody removes the same.
    func storing<Result>(_ digest: Digest, _ work: () async throws -> Result) async rethrows -> Result {
        while true {
            let isOurs = state.withLock { state in
                guard !state.condemned.contains(digest) else { return false }
                state.pushes[digest, default: 0] += 1
                return true
            }
            if isOurs { break }
            await waitUntilSpared(digest)
        }
        defer { leave(digest) }
        return try await work()
    }

    private func leave(_ digest: Digest) {
        state.withLock { state in
            let others = state.pushes[digest, default: 1] - 1
            state.pushes[digest] = others > 0 ? others : nil
        }
    }

    private func waitUntilSpared(_ digest: Digest) async {
        await withCheckedContinuation { continuation in
            let isSpared = state.withLock { state in
                guard state.condemned.contains(digest) else { return true }
                state.waiting[digest, default: []].append(continuation)
                return false
            }
            if isSpared { continuation.resume() }
        }
    }

    /// Removes content, as much of it as nobody stores at this moment.
    func removing<Result>(
        _ digests: [Digest], _ work: ([Digest]) async throws -> Result
    ) async rethrows -> Result {
        let condemned = state.withLock { state in
            let free = digests.filter { state.pushes[$0] == nil && !state.condemned.contains($0) }
            state.condemned.formUnion(free)
            return free
        }
        defer { spare(condemned) }
        return try await work(condemned)
    }

    private func spare(_ digests: [Digest]) {
        let waiting = state.withLock { state in
            state.condemned.subtract(digests)
            return digests.flatMap { state.waiting.removeValue(forKey: $0) ?? [] }
        }
        for continuation in waiting { continuation.resume() }
    }
}
