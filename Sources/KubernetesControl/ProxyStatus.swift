// SPDX-License-Identifier: Apache-2.0

import EnvoyControl

/// What all selected proxies say about one filter.
package struct ProxyStatus: Hashable, Sendable {
    /// A report of each proxy, by namespace and name of the pod.
    package let reports: [ProxyReport]
    /// Selected pods that have no proxy, or do not run.
    package let others: [Pod]

    /// Whether it is proved that every selected proxy runs it; no proxy proves nothing.
    package var isProved: Bool { !reports.isEmpty && reports.allSatisfy { $0.state == .healthy } }
    /// Whether waiting longer can only help if somebody does something.
    package var isFinal: Bool { reports.allSatisfy { !$0.state.isPassing } }
}

/// Asks the proxies of pods about a filter.
package struct ProxyProof: Sendable {
    private let proxy: any PodProxy
    private let ports: ProxyPorts
    /// How many proxies are asked at a time: each needs a kubectl of its own.
    package var width = 8
    /// How long one proxy may take to answer.
    package var patience: Duration = .seconds(20)

    package init(_ proxy: any PodProxy, ports: ProxyPorts) {
        self.proxy = proxy
        self.ports = ports
    }

    /// Asks each selected pod's proxy once.
    /// - Parameters:
    ///   - filter: what it is called in the proxies.
    ///   - digest: the image that is to run, as hexadecimal digits; nil to take any.
    ///   - pods: the selected pods.
    /// - Returns: what they say.
    /// - Throws: `KubernetesError` if no proxy may be asked.
    package func status(
        of filter: ProxyFilter, digest: String? = nil, in pods: [Pod]
    ) async throws -> ProxyStatus {
        let proxied = pods.filter { $0.phase == "Running" && $0.containers.contains(ports.container) }
        let reports = try await withThrowingTaskGroup(of: (Int, ProxyReport).self) { group in
            var reports: [Int: ProxyReport] = [:]
            var next = 0
            func add() {
                guard next < proxied.count else { return }
                let index = next
                next += 1
                group.addTask { (index, try await report(proxied[index], filter, digest)) }
            }
            for _ in 0..<width { add() }
            while let (index, report) = try await group.next() {
                reports[index] = report
                add()
            }
            return proxied.indices.compactMap { reports[$0] }
        }
        let asked = Set(proxied)
        return ProxyStatus(
            reports: reports.sorted { ($0.pod.namespace, $0.pod.name) < ($1.pod.namespace, $1.pod.name) },
            others: pods.filter { !asked.contains($0) })
    }

    /// Asks until every proxy runs it, one of them says that it will not, or the time is over.
    /// - Parameters:
    ///   - filter: what it is called in the proxies.
    ///   - digest: the image that is to run, as hexadecimal digits; nil to take any.
    ///   - pods: the selected pods.
    ///   - limit: how long to wait.
    /// - Returns: what they said last.
    /// - Throws: `KubernetesError` if no proxy may be asked.
    package func prove(
        _ filter: ProxyFilter, digest: String? = nil, in pods: [Pod], within limit: Duration
    ) async throws -> ProxyStatus {
        let deadline = ContinuousClock.now + limit
        var pause = Duration.milliseconds(100)
        while true {
            let status = try await status(of: filter, digest: digest, in: pods)
            if status.isProved || status.isFinal || ContinuousClock.now + pause > deadline { return status }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(2))
        }
    }

    private func report(_ pod: Pod, _ filter: ProxyFilter, _ digest: String?) async throws -> ProxyReport {
        do {
            var report = try await withThrowingTaskGroup(of: ProxyReport?.self) { group in
                group.addTask {
                    try await proxy.reach(pod) { try await $0.report(on: filter, digest: digest, pod: pod) }
                }
                group.addTask {
                    try await Task.sleep(for: patience)
                    return nil
                }
                defer { group.cancelAll() }
                guard let report = try await group.next() ?? nil else {
                    return ProxyReport(
                        pod: pod, state: .unreachable,
                        reason: "no answer within \(patience.components.seconds) s")
                }
                return report
            }
            if [.rejected, .denying, .bypassed, .trapping].contains(report.state),
                let reason = try? await proxy.log(of: pod),
                let words = ProxyLog(reason).reason(for: report.state)
            {
                report.reason = report.reason.map { "\($0): \(words)" } ?? words
            }
            return report
        } catch let error as CancellationError {
            throw error
        } catch let error as KubernetesError where error.code == .denied || error.code == .unauthorized {
            // It will be the same for every other pod.
            throw error
        } catch {
            try Task.checkCancellation()
            return ProxyReport(pod: pod, state: .unreachable, reason: "\(error)")
        }
    }
}

/// The log of a proxy and its agent.
struct ProxyLog {
    private let messages: [EnvoyLogMessage]

    /// Reads both forms: Envoy's own, and the agent's lines of fields between tabs, which have Envoy's messages too, as in
    /// `TIME<tab>error<tab>envoy wasm external/…/wasm.cc:479<tab>text<tab>thread=23`.
    init(_ log: String) {
        messages = log.split(whereSeparator: \.isNewline).flatMap { line in
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard fields.count >= 4 else { return EnvoyLogMessage.parse(String(line)) }
            let words = fields[2].split(separator: " ")
            let logger = words.first == "envoy" ? String(words.dropFirst().first ?? "") : "agent \(fields[2])"
            let level = fields[1] == "warn" ? "warning" : String(fields[1])
            return [EnvoyLogMessage(level: level, logger: logger, text: String(fields[3]))]
        }
    }

    /// Why it is as it is, in the words of who knows: the agent for what it cannot fetch, else Envoy; the latest counts.
    func reason(for state: ProxyReport.State) -> String? {
        switch state {
        case .denying, .bypassed:
            return messages.last { message in
                message.logger == "agent wasm" && ["error", "warning"].contains(message.level)
            }?.text
        default:
            let wasm = messages.filter { $0.logger == "wasm" && ["error", "critical"].contains($0.level) }
            let reasons = EnvoyReason(Array(wasm.suffix(6))).reasons
            return reasons.isEmpty ? nil : reasons.joined(separator: "; ")
        }
    }
}
