// SPDX-License-Identifier: Apache-2.0

package import EnvoyControl
private import Foundation
private import Synchronization

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// Sends requests as fast as the answers come, from one thread.
package struct LoadGenerator: Sendable {
    private let address: HostPort
    private let load: BenchLoad
    private let message: [UInt8]

    /// - Throws: `BenchError` if the load cannot be sent.
    package init(_ load: BenchLoad, to address: HostPort) throws {
        self.address = address
        self.load = load
        message = try load.message(to: address)
    }

    /// More broken connections than this in one run are no measurement.
    private static let patience = 1000

    /// Sends requests for a time, or until the task is cancelled.
    /// - Parameter limit: how long.
    /// - Returns: what was answered, and how fast.
    /// - Throws: `BenchError` if nothing answers.
    package func run(for limit: Duration) async throws -> LoadOutcome {
        let stop = StopFlag()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                Thread.detachNewThread {
                    continuation.resume(with: Result { try send(for: limit, stop) })
                }
            }
        } onCancel: {
            stop.set()
        }
    }

    private func send(for limit: Duration, _ stop: StopFlag) throws -> LoadOutcome {
        var outcome = LoadOutcome()
        outcome.latencies.reserveCapacity(1 << 18)
        var connections: [LoadConnection] = []
        defer { for connection in connections { close(connection.descriptor) } }
        for _ in 0..<load.connections { connections.append(try connect()) }
        var descriptors = connections.map { pollfd(fd: $0.descriptor, events: $0.events, revents: 0) }
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let start = LoadConnection.now()
        let end = start + limit.nanoseconds
        var now = start
        while now < end, !stop.isSet {
            let ready = poll(&descriptors, nfds_t(descriptors.count), 100)
            now = LoadConnection.now()
            guard ready > 0 else { continue }
            for index in descriptors.indices where descriptors[index].revents != 0 {
                switch connections[index].turn(&buffer) {
                case .waiting: break
                case .answered(let status, let nanoseconds):
                    outcome.latencies.append(nanoseconds)
                    outcome.statuses[status, default: 0] += 1
                    if connections[index].isLast { try replace(index, &connections, &descriptors) }
                case .ended:
                    outcome.brokenConnections += 1
                    guard outcome.brokenConnections < Self.patience else { return finish(outcome, start) }
                    try replace(index, &connections, &descriptors)
                }
                descriptors[index].events = connections[index].events
            }
        }
        return finish(outcome, start)
    }

    private func finish(_ outcome: LoadOutcome, _ start: UInt64) -> LoadOutcome {
        var outcome = outcome
        outcome.seconds = Double(LoadConnection.now() - start) / 1e9
        outcome.latencies.sort()
        return outcome
    }

    private func replace(
        _ index: Int, _ connections: inout [LoadConnection], _ descriptors: inout [pollfd]
    ) throws {
        let next = try connect()
        close(connections[index].descriptor)
        connections[index] = next
        descriptors[index] = pollfd(fd: next.descriptor, events: next.events, revents: 0)
    }

    private func connect() throws -> LoadConnection {
        do {
            return try LoadConnection(to: address, request: message, method: load.method)
        } catch {
            throw BenchError(
                .unanswered, "nothing answers at \(address)", cause: error,
                hint: "envoy may have ended; 'wasme run' shows what it says")
        }
    }
}

/// Tells a thread to end.
private final class StopFlag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { value.load(ordering: .relaxed) }
    func set() { value.store(true, ordering: .relaxed) }
}

extension Duration {
    /// As a whole number, none below zero.
    var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        return UInt64(max(0, seconds)) * 1_000_000_000 + UInt64(max(0, attoseconds) / 1_000_000_000)
    }

    var inSeconds: Double { Double(nanoseconds) / 1e9 }
}
