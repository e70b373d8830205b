// SPDX-License-Identifier: Apache-2.0

import ProxyWasm

/// Counts requests and logs them; made once for each configuration.
final class MetricsAndAccessLog: HTTPPlugin {
    static var rootID: Bytes { "metrics_and_access_log" }

    /// Goes into each line of the log.
    let service: Bytes
    /// Paths that are counted and not logged, such as those of health checks.
    let skipped: [Bytes]
    let metrics: RequestMetrics

    init(configuration: PluginConfiguration) throws(ConfigurationError) {
        let json = try configuration.json()
        try json.allow("service", "skip")
        service = try json["service"].string(default: "")
        var skipped: [Bytes] = []
        if json["skip"].exists {
            for element in try json["skip"].elements() {
                skipped.append(try element.string())
            }
        }
        self.skipped = skipped
        do throws(HostError) {
            metrics = try RequestMetrics()
        } catch {
            throw ConfigurationError(error.message)
        }
    }

    func makeFilter(for stream: HTTPStream) -> LoggingFilter {
        LoggingFilter(plugin: self)
    }
}

/// Watches one exchange, and writes it down when it is over.
final class LoggingFilter: HTTPFilter {
    private let plugin: MetricsAndAccessLog
    /// Whether the gauge counts this exchange: one that ends before its headers are complete is only logged.
    private var isInFlight = false

    init(plugin: MetricsAndAccessLog) {
        self.plugin = plugin
    }

    func onRequestHeaders(_ request: HTTPRequest) throws(HostError) -> Action {
        try plugin.metrics.inFlight.add(1)
        isInFlight = true
        return .continue
    }

    /// Whoever only watches must not stop a request.
    func onError(_ error: HostError, in stream: HTTPStream) -> Action {
        Log.error(error.message)
        return .continue
    }

    func onLog(_ stream: HTTPStream) throws(HostError) {
        if isInFlight { try plugin.metrics.inFlight.add(-1) }
        let route = try stream.attribute(.routeName) ?? ""
        let status = try stream.attribute(.responseCode) ?? 0
        let duration = try stream.attribute(.requestDuration).map { $0 / 1000 } ?? 0
        try plugin.metrics.count(route: route, status: status, microseconds: duration)
        let path = try stream.attribute(.requestURLPath) ?? ""
        if plugin.skipped.contains(path) { return }

        var line = JSONLine()
        line.add("service", plugin.service)
        line.add("method", try stream.attribute(.requestMethod))
        // Without the query, in which people put what does not belong into a log.
        line.add("path", path)
        line.add("status", status)
        line.add("details", try stream.attribute(.responseCodeDetails))
        line.add("route", route)
        line.add("user_agent", try stream.attribute(.requestUserAgent))
        line.add("client", try stream.attribute(.sourceAddress))
        line.add("server", try stream.attribute(.upstreamAddress))
        line.add("received_bytes", try stream.attribute(.requestTotalSize))
        line.add("sent_bytes", try stream.attribute(.responseTotalSize))
        line.add("duration_us", duration)
        line.add("request_id", try stream.attribute(.requestID))
        Log.info(line.finish())
    }
}
