// SPDX-License-Identifier: Apache-2.0

import FilterBench
import FilterProject

/// What was measured, for people and for programs; times are seconds, sizes are bytes.
struct BenchResult: CommandResult {
    /// One subject.
    struct Row: Encodable {
        let name: String
        let requestsPerSecond: Spread
        let p50: Spread
        let p90: Spread
        let p99: Spread
        let processorPerRequest: Spread
        let memory: Int64
        let requests: Int
        /// How many answers had which status.
        let statuses: [String: Int]
        let brokenConnections: Int
        /// What it costs more than no filter; nil for that.
        let cost: Cost?
    }

    /// What a subject costs more than another.
    struct Cost: Encodable {
        /// The requests a second, as a share of the other's.
        let rate: Spread
        let processorPerRequest: Spread
        let p50: Spread
        let p99: Spread
        let memory: Int64
        let memoryPerMachine: Int64

        init(_ cost: BenchCost, machines: Int) {
            rate = cost.rate
            processorPerRequest = cost.processor
            p50 = cost.p50
            p99 = cost.p99
            memory = cost.memory
            memoryPerMachine = cost.memory / Int64(machines)
        }
    }

    /// One limit of the project's budget.
    struct Limit: Encodable {
        let name: String
        let limit: Double
        let measured: Double
        let isKept: Bool
    }

    let envoy: String
    let workers: Int
    let connections: Int
    let rounds: Int
    let seconds: Double
    let subjects: [Row]
    /// What the filter costs more than what it is compared with; nil if with nothing.
    let comparison: Cost?
    let budget: [Limit]

    var isWithinBudget: Bool { budget.allSatisfy(\.isKept) }

    /// Takes the measurements of no filter, of the filter, and perhaps of what it is compared with, in this order.
    init(
        _ measurements: [BenchMeasurement], plan: BenchPlan, envoy: String, budget: ProjectManifest.Budget?
    ) {
        self.envoy = envoy
        workers = plan.workers
        connections = plan.load.connections
        rounds = plan.rounds
        seconds = plan.turn / .seconds(1)
        // Each worker has a VM, and so has the main thread; they are cloned from one more.
        let machines = plan.workers + 2
        let base = measurements.first
        let costs = measurements.dropFirst().map { $0.cost(over: base ?? $0) }
        subjects = measurements.enumerated().map { index, measurement in
            Row(
                name: measurement.name, requestsPerSecond: measurement.rate, p50: measurement.p50,
                p90: measurement.p90, p99: measurement.p99, processorPerRequest: measurement.processor,
                memory: measurement.memory, requests: measurement.requests,
                statuses: Dictionary(
                    uniqueKeysWithValues: measurement.statuses.map { ("\($0.key)", $0.value) }),
                brokenConnections: measurement.brokenConnections,
                cost: index == 0 ? nil : Cost(costs[index - 1], machines: machines))
        }
        comparison =
            measurements.count > 2
            ? Cost(measurements[1].cost(over: measurements[2]), machines: machines) : nil
        self.budget = costs.first.map { Self.limits(budget, $0) } ?? []
    }

    private static func limits(_ budget: ProjectManifest.Budget?, _ cost: BenchCost) -> [Limit] {
        guard let budget else { return [] }
        var limits: [Limit] = []
        func most(_ name: String, _ limit: Double?, _ measured: Double) {
            guard let limit else { return }
            limits.append(Limit(name: name, limit: limit, measured: measured, isKept: measured <= limit))
        }
        most("cpu", budget.processor.map { $0 / .seconds(1) }, cost.processor.median)
        most("p50", budget.p50.map { $0 / .seconds(1) }, cost.p50.median)
        most("p99", budget.p99.map { $0 / .seconds(1) }, cost.p99.median)
        most("memory", budget.memory.map(Double.init), Double(cost.memory))
        if let rate = budget.rate {
            limits.append(
                Limit(
                    name: "rate", limit: rate, measured: cost.rate.median,
                    isKept: cost.rate.median >= rate))
        }
        return limits
    }

    // MARK: For people

    var brief: String { budget.map(line).joined(separator: "\n") }

    var text: String {
        var parts = [
            "Envoy \(envoy), \(count(workers, "worker")), \(count(connections, "connection")), "
                + "\(count(rounds, "round")) of \(number(seconds, 2)) s each"
        ]
        let rows = subjects.map { row in
            [
                row.name, "\(number(row.requestsPerSecond.median, 0)) \(spread(row.requestsPerSecond))",
                time(row.p50.median), time(row.p90.median), time(row.p99.median),
                "\(time(row.processorPerRequest.median)) \(spread(row.processorPerRequest))",
                byteCount(row.memory),
            ]
        }
        parts.append(
            table(["", "requests/s", "p50", "p90", "p99", "CPU for a request", "memory"], rows))
        for row in subjects {
            if let cost = row.cost { parts.append(line(row.name, cost, over: "no filter")) }
            if let note = answers(row) { parts.append(note) }
        }
        if let comparison, subjects.count > 2 {
            parts.append(line(subjects[1].name, comparison, over: subjects[2].name))
        }
        if !budget.isEmpty { parts.append(budget.map(line).joined(separator: "\n")) }
        return parts.joined(separator: "\n\n")
    }

    private func line(_ name: String, _ cost: Cost, over base: String) -> String {
        let cpu = cost.processorPerRequest
        return """
            \(name) costs, next to \(base):
              CPU       \(signed(cpu.median)) for a request (\(signed(cpu.minimum)) to \(signed(cpu.maximum)))
              requests  \(number(cost.rate.median, 3)) times as many (\(number(cost.rate.minimum, 3)) to \
            \(number(cost.rate.maximum, 3)))
              latency   p50 \(signed(cost.p50.median)), p99 \(signed(cost.p99.median))
              memory    \(cost.memory < 0 ? "-" : "+")\(byteCount(abs(cost.memory))), \
            \(byteCount(max(cost.memoryPerMachine, 0))) for each of \(workers + 2) virtual machines
            """
    }

    /// What was answered, if it is not what one would expect.
    private func answers(_ row: Row) -> String? {
        let other = row.statuses.filter { !$0.key.hasPrefix("2") }
        guard !other.isEmpty || row.brokenConnections > 0 else { return nil }
        var parts = other.sorted { $0.key < $1.key }.map { "\($0.value) answers with status \($0.key)" }
        if row.brokenConnections > 0 {
            parts.append("\(count(row.brokenConnections, "connection")) ended without an answer")
        }
        return "note: \(row.name): \(parts.joined(separator: ", ")), of \(count(row.requests, "request"))"
    }

    private func line(_ limit: Limit) -> String {
        let isRate = limit.name == "rate"
        func show(_ value: Double) -> String {
            switch limit.name {
            case "rate": number(value, 3)
            case "memory": byteCount(Int64(max(value, 0)))
            default: time(value)
            }
        }
        return "budget \(limit.name): \(show(limit.measured)), \(isRate ? "at least" : "at most") "
            + "\(show(limit.limit)): \(limit.isKept ? "kept" : "exceeded")"
    }

    private func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }

    /// How far the turns are apart, as a share of their median.
    private func spread(_ value: Spread) -> String {
        guard value.median > 0 else { return "" }
        let share = max(value.maximum - value.median, value.median - value.minimum) / value.median
        return "±\(number(share * 100, 0)) %"
    }

    private func signed(_ seconds: Double) -> String { (seconds < 0 ? "-" : "+") + time(abs(seconds)) }

    private func time(_ seconds: Double) -> String {
        if abs(seconds) < 1e-3 { return "\(number(seconds * 1e6, 1)) us" }
        return abs(seconds) < 1 ? "\(number(seconds * 1e3, 2)) ms" : "\(number(seconds, 2)) s"
    }

    /// A number with so many digits after the point.
    private func number(_ value: Double, _ digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let rounded = (abs(value) * scale).rounded()
        let sign = value < 0 && rounded > 0 ? "-" : ""
        let whole = "\(Int(rounded / scale))"
        guard digits > 0 else { return sign + whole }
        let rest = "\(Int(rounded.truncatingRemainder(dividingBy: scale)))"
        return "\(sign)\(whole).\(String(repeating: "0", count: digits - rest.count))\(rest)"
    }
}
