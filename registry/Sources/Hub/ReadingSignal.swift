// SPDX-License-Identifier: Apache-2.0

private import Synchronization

/// Between those who push or ask, and the one who reads manifests.
final class ReadingSignal: Sendable {
    private struct State {
        var isAwake = false
        var sleeper: CheckedContinuation<Void, Never>?
        /// Whom somebody waits for.
        var waiting: [ManifestID: [CheckedContinuation<Void, Never>]] = [:]
    }

    private let state = Mutex(State())

    /// Says that there is something to read.
    func wake() {
        let sleeper = state.withLock { state in
            state.isAwake = true
            defer { state.sleeper = nil }
            return state.sleeper
        }
        sleeper?.resume()
    }

    /// Waits for `wake`, and for no longer than a time; for the one reader.
    func sleep(atMost time: Duration) async {
        let alarm = Task {
            // One that is taken back must not wake the next sleep.
            guard (try? await Task.sleep(for: time)) != nil else { return }
            wake()
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isAwake = state.withLock { state in
                    guard !state.isAwake, !Task.isCancelled else { return true }
                    state.sleeper = continuation
                    return false
                }
                if isAwake { continuation.resume() }
            }
        } onCancel: {
            wake()
        }
        alarm.cancel()
        state.withLock { $0.isAwake = false }
    }

    /// Manifests that somebody waits for.
    var wanted: [ManifestID] { state.withLock { Array($0.waiting.keys) } }

    /// Waits until a manifest was read, and for no longer than a time.
    func finish(of id: ManifestID, atMost time: Duration) async {
        wake()
        await withCheckedContinuation { continuation in
            state.withLock { $0.waiting[id, default: []].append(continuation) }
            // Whom it wakes too early looks again.
            Task {
                try? await Task.sleep(for: time)
                finished(id)
            }
        }
    }

    /// Says that a manifest was read.
    func finished(_ id: ManifestID) {
        let waiting = state.withLock { $0.waiting.removeValue(forKey: id) ?? [] }
        for continuation in waiting { continuation.resume() }
    }
}
