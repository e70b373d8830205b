// SPDX-License-Identifier: Apache-2.0

private import Synchronization

/// How far the hub's collections are, for whoever asks; and the way to ask for one.
package final class CollectionProgress: Sendable {
    /// What a collection does, in this order.
    package enum Step: String, Hashable, Sendable, Codable, CaseIterable {
        case uploads, tags, links, blobs, strays
    }

    package struct State: Hashable, Sendable {
        /// What the collection that is under way does at this moment; nil if none is.
        package fileprivate(set) var step: Step?
        /// Whether one was asked for that has not begun.
        package fileprivate(set) var isRequested = false
        /// When the last one began and ended, in seconds since 1970.
        package fileprivate(set) var startedAt: Int64?
        package fileprivate(set) var endedAt: Int64?
        /// What it has removed so far.
        package fileprivate(set) var collected = Registry.Collected()
        /// Whether the last one broke off; the hub's log says why.
        package fileprivate(set) var hasFailed = false
        fileprivate var number = 0
    }

    private let current = Mutex(State())
    /// One entry for each time that a collection was asked for, or several times at once.
    package let requests: AsyncStream<Void>
    private let ask: AsyncStream<Void>.Continuation

    init() { (requests, ask) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    package var state: State { current.withLock { $0 } }

    /// Asks for a collection, as soon as whoever runs them gets to it.
    package func request() {
        current.withLock { $0.isRequested = true }
        ask.yield()
    }

    /// Notes that one begins.
    /// - Returns: its number.
    func begin(at time: Int64) -> Int {
        current.withLock { state in
            state = State(
                step: .uploads, isRequested: false, startedAt: time, endedAt: nil,
                collected: Registry.Collected(), hasFailed: false, number: state.number + 1)
            return state.number
        }
    }

    /// Notes what one does next; one that began before another is no longer shown.
    func note(_ number: Int, _ step: Step, _ collected: Registry.Collected) {
        current.withLock { state in
            guard state.number == number else { return }
            state.step = step
            state.collected = collected
        }
    }

    /// Notes that one has ended; nil for one that broke off.
    func end(_ number: Int, at time: Int64, _ collected: Registry.Collected?) {
        current.withLock { state in
            guard state.number == number else { return }
            state.step = nil
            state.endedAt = time
            state.hasFailed = collected == nil
            if let collected { state.collected = collected }
        }
    }
}
