// SPDX-License-Identifier: Apache-2.0

/// A figure that was taken several times.
package struct Spread: Hashable, Sendable, Encodable {
    package let median: Double
    package let minimum: Double
    package let maximum: Double

    /// - Parameter values: at least one.
    init(_ values: [Double]) {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        minimum = sorted.first ?? 0
        maximum = sorted.last ?? 0
        median =
            sorted.isEmpty
            ? 0 : sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }
}

/// What was seen of one subject.
package struct BenchMeasurement: Sendable {
    package let name: String
    /// Requests that were answered within a second.
    package let rate: Spread
    /// Seconds, of each turn's requests.
    package let p50: Spread
    package let p90: Spread
    package let p99: Spread
    /// Seconds of processor time that Envoy used for a request.
    package let processor: Spread
    /// Bytes that Envoy has in use in the end.
    package let memory: Int64
    package let requests: Int
    /// How many answers had which status.
    package let statuses: [Int: Int]
    package let brokenConnections: Int
    private let turns: [BenchRun.Turn]

    init(name: String, turns: [BenchRun.Turn], memory: Int64) {
        self.name = name
        self.turns = turns
        self.memory = memory
        rate = Spread(turns.map(\.outcome.rate))
        p50 = Spread(turns.map { $0.outcome.quantile(0.5) })
        p90 = Spread(turns.map { $0.outcome.quantile(0.9) })
        p99 = Spread(turns.map { $0.outcome.quantile(0.99) })
        processor = Spread(turns.map(Self.processor))
        requests = turns.map(\.outcome.requests).reduce(0, +)
        statuses = turns.reduce(into: [:]) { sum, turn in
            sum.merge(turn.outcome.statuses, uniquingKeysWith: +)
        }
        brokenConnections = turns.map(\.outcome.brokenConnections).reduce(0, +)
    }

    private static func processor(_ turn: BenchRun.Turn) -> Double {
        turn.processor / Double(max(turn.outcome.requests, 1))
    }

    /// What this one costs more than another, round by round: neighbours in time are compared with each other.
    package func cost(over base: BenchMeasurement) -> BenchCost {
        let pairs = Array(zip(turns, base.turns))
        return BenchCost(
            processor: Spread(pairs.map { Self.processor($0) - Self.processor($1) }),
            rate: Spread(pairs.map { $0.outcome.rate / max($1.outcome.rate, 1e-9) }),
            p50: Spread(pairs.map { $0.outcome.quantile(0.5) - $1.outcome.quantile(0.5) }),
            p99: Spread(pairs.map { $0.outcome.quantile(0.99) - $1.outcome.quantile(0.99) }),
            memory: memory - base.memory)
    }
}

/// What one subject costs more than another.
package struct BenchCost: Hashable, Sendable {
    /// Seconds of processor time for a request.
    package let processor: Spread
    /// Its requests a second, as a share of the other's.
    package let rate: Spread
    /// Seconds.
    package let p50: Spread
    package let p99: Spread
    /// Bytes.
    package let memory: Int64
}
