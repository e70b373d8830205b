// SPDX-License-Identifier: Apache-2.0

/// How scenarios are run.
package struct ScenarioOptions: Sendable {
    /// Whether to find out which callbacks are never entered; Envoy then writes a trace.
    package var coverage = false
    /// From which level on the filter's log counts: `trace`, `debug`, `info`, `warning`, `error` or `critical`.
    package var logLevel = "info"
    /// How long Envoy may take to start and configure the filter; large modules get more.
    package var startLimit: Duration = .seconds(30)
    /// How long a response, or the other end of a TCP connection, may take before the filter is said not to answer.
    package var stepLimit: Duration = .seconds(10)
    /// How long to wait for what may show only after the client has its answer: calls, lines of the log, metrics.
    package var patience: Duration = .seconds(5)

    package init() {}
}
