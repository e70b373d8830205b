// SPDX-License-Identifier: Apache-2.0

private import Synchronization

/// Wakes those who wait for something that comes now and then; what comes while they are busy is not missed.
final class Arrivals: Sendable {
    private let listeners = Mutex<[AsyncStream<Void>.Continuation]>([])

    func stream() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        listeners.withLock { $0.append(continuation) }
        return stream
    }

    func announce() {
        listeners.withLock { listeners in
            listeners.removeAll { listener in
                if case .terminated = listener.yield() { true } else { false }
            }
        }
    }
}
