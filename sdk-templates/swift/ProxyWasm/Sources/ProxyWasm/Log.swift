// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI

/// How much a log line matters.
public enum LogLevel: UInt32, Comparable, Sendable {
    /// Every step.
    case trace = 0
    /// For whoever is debugging the filter.
    case debug = 1
    /// Worth knowing.
    case info = 2
    /// Worth looking at.
    case warning = 3
    /// Something failed.
    case error = 4
    /// The filter cannot do its work.
    case critical = 5

    /// Whether one level matters less than another.
    public static func < (left: LogLevel, right: LogLevel) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// Writes to the log of the proxy, which adds the time and the root id.
public enum Log {
    /// Logs every step.
    public static func trace(_ message: Bytes) { Host.log(.trace, message) }

    /// Logs for whoever is debugging the filter.
    public static func debug(_ message: Bytes) { Host.log(.debug, message) }

    /// Logs what is worth knowing.
    public static func info(_ message: Bytes) { Host.log(.info, message) }

    /// Logs what is worth looking at.
    public static func warning(_ message: Bytes) { Host.log(.warning, message) }

    /// Logs a failure.
    public static func error(_ message: Bytes) { Host.log(.error, message) }

    /// Logs that the filter cannot do its work.
    public static func critical(_ message: Bytes) { Host.log(.critical, message) }

    /// The level below which the proxy discards messages: ask before composing a costly one.
    public static var level: LogLevel {
        get throws(HostError) {
            var level: UInt32 = 0
            try Host.check(proxy_get_log_level(&level), "read log level")
            return LogLevel(rawValue: level) ?? .critical
        }
    }
}
