// SPDX-License-Identifier: Apache-2.0

private import Synchronization

/// How many connections and requests there may be, how large a request's head, and how slow.
package struct ConnectionLimits: Hashable, Sendable {
    /// Connections in all, and of one address; 0 for any number.
    package var connections = 8192
    package var connectionsPerAddress = 1024
    /// Requests that are answered at once; 0 for any number.
    package var requests = 1024
    /// Bytes of a request's line and headers, and how many headers.
    package var headerBytes = 64 << 10
    package var headerCount = 100
    /// From the first byte of a head to its last.
    package var headTime = Duration.seconds(15)
    /// Between two parts of a body.
    package var bodyTime = Duration.seconds(60)
    /// Until a client takes what was sent to it.
    package var sendTime = Duration.seconds(60)
    /// Between two requests.
    package var idleTime = Duration.seconds(60)

    package init() {}
}

/// The connections that are open.
final class ConnectionTable: Sendable {
    private struct State {
        var total = 0
        var perAddress: [String: Int] = [:]
    }

    private let state = Mutex(State())
    private let limits: ConnectionLimits

    init(_ limits: ConnectionLimits) { self.limits = limits }

    /// Takes a connection in; says why if it may not be.
    ///
    /// Either way it is to be removed when it ends.
    ///
    /// `isProxy` is whether it speaks for others: then their number says nothing.
    func add(_ address: String, isProxy: Bool) -> HubMetrics.ConnectionRefusal? {
        state.withLock { state in
            state.total += 1
            state.perAddress[address, default: 0] += 1
            if limits.connections > 0, state.total > limits.connections { return .total }
            if !isProxy, limits.connectionsPerAddress > 0,
                state.perAddress[address, default: 0] > limits.connectionsPerAddress
            {
                return .address
            }
            return nil
        }
    }

    func remove(_ address: String) {
        state.withLock { state in
            state.total -= 1
            let left = state.perAddress[address, default: 0] - 1
            state.perAddress[address] = left > 0 ? left : nil
        }
    }
}
