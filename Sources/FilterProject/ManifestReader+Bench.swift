// SPDX-License-Identifier: Apache-2.0

import YAML

extension ProjectManifest {
    /// What the filter may cost; `wasme bench` fails if it costs more.
    package struct Budget: Sendable, Hashable {
        /// Processor time that it adds to a request.
        package var processor: Duration?
        /// What it adds to the latency that half of the requests do not exceed.
        package var p50: Duration?
        /// What it adds to the latency that 99 of 100 requests do not exceed.
        package var p99: Duration?
        /// Bytes of memory that it adds to an Envoy with one worker.
        package var memory: Int64?
        /// The requests a second with it, as a share of those without.
        package var rate: Double?

        package init() {}

        package var isEmpty: Bool { self == Budget() }
    }
}

extension ManifestReader {
    /// Reads the part `bench`.
    func bench(_ node: YAMLNode?) throws(ProjectError) -> ProjectManifest.Budget {
        var budget = ProjectManifest.Budget()
        guard let node else { return budget }
        let outer = try map(node, "\"bench\"", keys: ["budget"])
        let map = try map(
            try outer.required("budget"), "\"budget\"", keys: ["cpu", "p50", "p99", "memory", "rate"])
        budget.processor = try duration(map, "cpu")
        budget.p50 = try duration(map, "p50")
        budget.p99 = try duration(map, "p99")
        if let node = map["memory"] { budget.memory = try size(node) }
        if let node = map["rate"] {
            guard let share = Double(try text(node, "rate")), share > 0, share <= 1 else {
                throw error(
                    node, "\"rate\" must be a number above 0 and at most 1",
                    hint: "0.7 means: with the filter at least 70 % of the requests a second without it")
            }
            budget.rate = share
        }
        return budget
    }

    /// A time such as `20us`.
    private func duration(_ map: Map, _ key: String) throws(ProjectError) -> Duration? {
        guard let node = map[key] else { return nil }
        let text = try text(node, key)
        for (unit, nanoseconds) in [("us", 1e3), ("ms", 1e6), ("s", 1e9)] where text.hasSuffix(unit) {
            guard let number = Double(text.dropLast(unit.count)), number >= 0, number < 1e6 else { break }
            return .nanoseconds(Int64(number * nanoseconds))
        }
        throw error(
            node, "\"\(key)\" is \(quoted(text)), which is not a time",
            hint: "write a number and us, ms or s, as in 20us")
    }

    /// A number of bytes such as `20MB`.
    private func size(_ node: YAMLNode) throws(ProjectError) -> Int64 {
        let text = try text(node, "memory")
        for (unit, bytes) in [("KB", 1e3), ("MB", 1e6), ("GB", 1e9)] where text.hasSuffix(unit) {
            guard let number = Double(text.dropLast(2)), number >= 0, number < 1e6 else { break }
            return Int64(number * bytes)
        }
        throw error(
            node, "\"memory\" is \(quoted(text)), which is not a size",
            hint: "write a number and KB, MB or GB, as in 20MB")
    }
}
