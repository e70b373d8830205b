// SPDX-License-Identifier: Apache-2.0

public import ProxyWasm

/// The metrics of a module; those of the same name and kind are one, as in Envoy.
struct MetricStore {
    final class Metric {
        let name: Bytes
        var value: UInt64 = 0
        var recorded: [UInt64] = []

        init(_ name: Bytes) {
            self.name = name
        }
    }

    private(set) var named: [[Metric]] = [[], [], []]
    /// By kind, in the order in which they were defined.
    private var defined: [[Metric]] = [[], [], []]

    /// The low bits of the id tell the kind, as in Envoy.
    mutating func define(_ kind: UInt32, _ name: Bytes) -> UInt32? {
        guard kind < 3 else { return nil }
        let kind = Int(kind)
        let metric = named[kind].first { $0.name == name } ?? Metric(name)
        if metric === named[kind].first(where: { $0.name == name }) {} else { named[kind].append(metric) }
        defined[kind].append(metric)
        return UInt32(kind + defined[kind].count * 4)
    }

    private func find(_ id: UInt32) -> (kind: UInt32, metric: Metric?) {
        let kind = id & 3
        guard kind < 3 else { return (kind, nil) }
        let index = Int(id >> 2) - 1
        return (kind, defined[Int(kind)].indices.contains(index) ? defined[Int(kind)][index] : nil)
    }

    func increment(_ id: UInt32, _ offset: Int64) -> Status {
        let (kind, metric) = find(id)
        guard kind < 2 else { return .badArgument }
        guard let metric else { return .notFound }
        if kind == 0, offset <= 0 { return .badArgument }
        metric.value &+= UInt64(bitPattern: offset)
        return .ok
    }

    func record(_ id: UInt32, _ value: UInt64) -> Status {
        let (kind, metric) = find(id)
        guard let metric else { return .notFound }
        switch kind {
        case 0: metric.value &+= value
        case 1: metric.value = value
        default: metric.recorded.append(value)
        }
        return .ok
    }

    func value(_ id: UInt32) -> (Status, UInt64) {
        let (kind, metric) = find(id)
        guard kind < 2 else { return (.badArgument, 0) }
        return metric.map { (.ok, $0.value) } ?? (.notFound, 0)
    }
}

extension HostEmulator {
    /// The value of a counter, or nil if the module has defined none of this name.
    public func counter(_ name: Bytes) -> UInt64? {
        metrics.named[0].first { $0.name == name }?.value
    }

    /// The value of a gauge, or nil if the module has defined none of this name.
    public func gauge(_ name: Bytes) -> UInt64? {
        metrics.named[1].first { $0.name == name }?.value
    }

    /// The values that a histogram has recorded, in order, or nil if the module has defined none of this name.
    public func histogram(_ name: Bytes) -> [UInt64]? {
        metrics.named[2].first { $0.name == name }?.recorded
    }

    /// The value of a counter or gauge, or what a histogram has recorded last.
    public func metric(_ name: Bytes) -> UInt64? {
        counter(name) ?? gauge(name) ?? histogram(name)?.last
    }

    /// The names of all metrics that the module has defined.
    public var metricNames: [Bytes] {
        metrics.named.flatMap { $0.map(\.name) }
    }
}
