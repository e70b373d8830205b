// SPDX-License-Identifier: Apache-2.0

private import NIOPosix
private import Synchronization

/// Blocking calls that go on, each on a thread of its own, beside the task that began them.
///
/// Whoever begins them has to wait for them, also when it gives up: they use what it holds.
final class BesideWork: Sendable {
    private struct State {
        var left: Int
        var failure: (any Error)?
        var waiting: CheckedContinuation<Void, any Error>?
        var result: Result<Void, any Error> { failure.map { .failure($0) } ?? .success(()) }
    }

    private let state: Mutex<State>

    /// Begins the calls.
    init(_ folder: DataFolder, _ calls: [@Sendable () throws -> Void]) {
        state = Mutex(State(left: calls.count))
        for call in calls {
            folder.threads.submit { [self] state in
                // Threads that were stopped run nothing any more; what waits for them must not wait for ever.
                end(
                    Result {
                        guard case .active = state else { throw CancellationError() }
                        try call()
                    })
            }
        }
    }

    private func end(_ result: Result<Void, any Error>) {
        let ended = state.withLock { state -> State? in
            state.left -= 1
            if case .failure(let error) = result { state.failure = state.failure ?? error }
            guard state.left == 0 else { return nil }
            defer { state.waiting = nil }
            return state
        }
        if let ended { ended.waiting?.resume(with: ended.result) }
    }

    /// Returns when all calls have, and throws what the first that failed threw.
    func wait() async throws {
        try await withCheckedThrowingContinuation { continuation in
            let result = state.withLock { state -> Result<Void, any Error>? in
                guard state.left == 0 else {
                    state.waiting = continuation
                    return nil
                }
                return state.result
            }
            if let result { continuation.resume(with: result) }
        }
    }
}
