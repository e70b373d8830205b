// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI

/// A number in the statistics of the proxy; Envoy shows it as `wasmcustom.<name>`.
///
/// Define a metric while the plugin is being configured, not at global scope. Defining the same name again gives the
/// same metric.
public struct Metric: Sendable {
    /// How the values of a metric belong together.
    public enum Kind: UInt32, Sendable {
        /// A sum that only grows.
        case counter = 0
        /// A value that is set.
        case gauge = 1
        /// A distribution.
        case histogram = 2
    }

    private let id: UInt32

    /// Defines a metric.
    public init(_ kind: Kind, named name: Bytes) throws(HostError) {
        var id: UInt32 = 0
        let status = name.withUnsafeBytes {
            proxy_define_metric(kind.rawValue, $0.baseAddress, $0.count, &id)
        }
        try Host.check(status, "define metric")
        self.id = id
    }

    /// Adds to a counter or a gauge.
    public func increment(by offset: Int64 = 1) throws(HostError) {
        try Host.check(proxy_increment_metric(id, offset), "increment metric")
    }

    /// Sets a gauge, or adds a value to a histogram.
    public func record(_ value: UInt64) throws(HostError) {
        try Host.check(proxy_record_metric(id, value), "record metric")
    }

    /// The current value of a counter or a gauge.
    public var value: UInt64 {
        get throws(HostError) {
            var value: UInt64 = 0
            try Host.check(proxy_get_metric(id, &value), "read metric")
            return value
        }
    }
}
