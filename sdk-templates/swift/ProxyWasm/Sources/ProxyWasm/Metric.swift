// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI

/// How the values of a metric belong together (Proxy-Wasm 0.2.1, "Metric types").
package enum MetricKind: UInt32, Sendable {
    case counter = 0
    case gauge = 1
    case histogram = 2

    func define(_ name: Bytes) throws(HostError) -> UInt32 {
        var id: UInt32 = 0
        let status = name.withUnsafeBytes { proxy_define_metric(rawValue, $0.baseAddress, $0.count, &id) }
        try Host.check(status, "define metric")
        return id
    }
}

/// A sum that only grows, in the statistics of the proxy; Envoy shows it as `wasmcustom.<name>`.
///
/// Define metrics while the plugin is made, not at global scope. Defining the same name again gives the same metric.
public struct Counter: Sendable {
    private let id: UInt32

    /// Defines a counter.
    public init(_ name: Bytes) throws(HostError) {
        id = try MetricKind.counter.define(name)
    }

    /// Adds to the sum; adding 0 does nothing.
    public func increment(by amount: UInt64 = 1) throws(HostError) {
        guard amount > 0 else { return }
        try Host.check(proxy_increment_metric(id, Int64(clamping: amount)), "increment counter")
    }

    /// The sum so far.
    public var value: UInt64 {
        get throws(HostError) { try readMetric(id) }
    }
}

/// A value that goes up and down, in the statistics of the proxy.
public struct Gauge: Sendable {
    private let id: UInt32

    /// Defines a gauge.
    public init(_ name: Bytes) throws(HostError) {
        id = try MetricKind.gauge.define(name)
    }

    /// Sets the value.
    public func record(_ value: UInt64) throws(HostError) {
        try Host.check(proxy_record_metric(id, value), "set gauge")
    }

    /// Adds to the value, or subtracts what is negative.
    public func add(_ offset: Int64) throws(HostError) {
        try Host.check(proxy_increment_metric(id, offset), "change gauge")
    }

    /// The value now.
    public var value: UInt64 {
        get throws(HostError) { try readMetric(id) }
    }
}

/// A distribution of values, in the statistics of the proxy.
public struct Histogram: Sendable {
    private let id: UInt32

    /// Defines a histogram.
    public init(_ name: Bytes) throws(HostError) {
        id = try MetricKind.histogram.define(name)
    }

    /// Adds a value.
    public func record(_ value: UInt64) throws(HostError) {
        try Host.check(proxy_record_metric(id, value), "record value")
    }
}

private func readMetric(_ id: UInt32) throws(HostError) -> UInt64 {
    var value: UInt64 = 0
    try Host.check(proxy_get_metric(id, &value), "read metric")
    return value
}
