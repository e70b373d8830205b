// SPDX-License-Identifier: Apache-2.0

import EnvoyControl
private import Foundation
import JSON

/// A filter as the control plane of a target hands it to its proxies.
package enum ProxyFilter: Hashable, Sendable {
    /// By extension configuration discovery, under a name of its own, as Istio does.
    case resource(IstioResource)
    /// Inside a listener, as all others do.
    case listener(ListenerFilter)
}

extension PodAccess {
    /// What the proxy says about a filter.
    /// - Parameters:
    ///   - filter: what it is called in the proxy.
    ///   - digest: the image that is to run, as hexadecimal digits; nil to take any.
    ///   - pod: whose proxy it is.
    /// - Returns: what it says.
    /// - Throws: `EnvoyError` if the proxy does not answer.
    package func report(
        on filter: ProxyFilter, digest: String? = nil, pod: Pod
    ) async throws -> ProxyReport {
        let info = try await admin.serverInfo()
        var report = ProxyReport(pod: pod, state: .absent)
        report.envoy = info.version
        report.workers = info.concurrency
        if let agent, let page = try? await agent.answer(to: "/stats/prometheus") {
            report.hasAgentMetrics = true
            for sample in PrometheusText(page, prefix: "istio_agent_wasm_remote_fetch_count").samples {
                if let result = sample.labels["result"] {
                    report.fetches[result, default: 0] += Int(sample.value)
                }
            }
        }
        do {
            let received = try ReceivedExtension.read(
                try await admin.dump(of: "ecds_filters"))
            switch filter {
            case .resource(let resource):
                try await judge(resource, received, digest: digest, info, &report)
            case .listener(let filter):
                try await judge(filter, received, info, &report)
            }
        } catch let error as JSONError {
            report.state = .unreachable
            report.reason = "what answers is not Envoy's admin interface: \(error)"
        }
        return report
    }

    /// A proxy that has not been told of the filter.
    func missing(_ what: String, _ info: EnvoyServerInfo, _ report: inout ProxyReport) {
        let live = info.state == "LIVE"
        report.state = live ? .absent : .starting
        report.reason =
            live
            ? "the control plane has sent no \(what) to this proxy"
            : "the proxy is \(info.state) until the control plane has sent the filter"
    }

    /// The dump shows what was received last, also if it was refused; the statistics tell which version was accepted.
    private func judge(
        _ resource: IstioResource, _ all: [ReceivedExtension], digest: String?,
        _ info: EnvoyServerInfo, _ report: inout ProxyReport
    ) async throws {
        guard let received = all.first(where: { resource.names.contains($0.name) }) else {
            return missing("\"\(resource.names[0])\"", info, &report)
        }
        let accepted = try await acceptedVersion(of: received.name)
        report.version = accepted.version
        if accepted.version != received.version, accepted.refusals > 0 {
            report.state = .rejected
            report.reason =
                accepted.version == nil
                ? "envoy refused it and has nothing to run in its place"
                : "envoy refused version \(received.version); version \(accepted.version ?? "") goes on serving"
            return
        }
        switch received.content {
        case .stand(let deniesAll):
            report.state = deniesAll ? .denying : .bypassed
            report.reason =
                deniesAll
                ? "the agent could not fetch the module: every request gets 403"
                : "the agent could not fetch the module: requests pass without the filter"
        case .other(let type):
            report.state = .absent
            report.reason = "something else stands in its place: \(type)"
        case .wasm(let plugin, let code):
            report.digest = Self.digest(inFile: code)
            var outdated: String?
            if let digest, let running = report.digest, running != digest {
                outdated = "it runs from sha256:\(running)"
            }
            let statistics = try await admin.statistics(matching: #"^wasm\."#)
            let modules = Set(all.compactMap(\.code)).count
            judge(
                plugin: plugin, by: statistics, modules: modules, outdated: outdated, info, &report)
        }
    }

    /// What Envoy's statistics say of a filter that it has accepted.
    /// - Parameters:
    ///   - plugin: its name in the statistics.
    ///   - statistics: those of Wasm.
    ///   - modules: how many distinct modules this Envoy runs at least: each has a virtual machine for each worker, one
    ///     for the main thread, and one that they are cloned from.
    ///   - outdated: in what it is not what was deployed; nil if it is.
    ///   - info: the proxy.
    ///   - report: gets the result.
    func judge(
        plugin: String, by statistics: [String: UInt64], modules: Int, outdated: String?,
        _ info: EnvoyServerInfo, _ report: inout ProxyReport
    ) {
        report.machines = Int(statistics["wasm.envoy.wasm.runtime.v8.active"] ?? 0)
        let prefix = "wasm.\(plugin).vm_reload"
        report.restarts = Int(statistics["\(prefix)_success"] ?? 0)
        let failed = statistics["\(prefix)_failure"] ?? 0
        let wanted = modules * (report.workers + 2)
        if failed > 0 || report.restarts > 0 {
            report.state = .trapping
            report.reason =
                "it has trapped: envoy started it again \(report.restarts) times, and could not \(failed) times"
        } else if let outdated {
            report.state = .outdated
            report.reason = outdated
        } else if info.state != "LIVE" {
            report.state = .starting
            report.reason = "the proxy is not live yet"
        } else if report.machines < wanted {
            report.state = .loading
            report.reason = "\(report.machines) of \(wanted) virtual machines run"
        } else {
            report.state = .healthy
        }
    }

    /// The version that Envoy took last, and how much it has refused since it started.
    private func acceptedVersion(of name: String) async throws -> (version: String?, refusals: Int) {
        let page = try await admin.answer(
            to: "/stats?filter=\(Self.escaped("^extension_config_discovery\\..*\(Self.pattern(name))\\."))")
        var version: String?
        var refusals = 0
        for line in String(decoding: page, as: UTF8.self).split(separator: "\n") {
            // Text readouts are quoted.
            guard let colon = line.ranges(of: ": ").last else { continue }
            let key = line[..<colon.lowerBound]
            let value = line[colon.upperBound...]
            if key.hasSuffix(".version_text") {
                let text = value.drop { $0 == "\"" }.reversed().drop { $0 == "\"" }.reversed()
                if !text.isEmpty { version = String(text) }
            } else if key.hasSuffix(".config_fail") || key.hasSuffix(".update_rejected") {
                refusals += Int(value) ?? 0
            }
        }
        return (version, refusals)
    }

    private static func pattern(_ text: String) -> String {
        text.map {
            $0.isLetter || $0.isNumber || $0 == "/" || $0 == "-" || $0 == "_" || $0 == "~"
                ? "\($0)" : "\\\($0)"
        }
        .joined()
    }

    private static func escaped(_ pattern: String) -> String {
        let allowed = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-._~"))
        return pattern.addingPercentEncoding(withAllowedCharacters: allowed) ?? pattern
    }

    /// The agent's file is `<folder>/<name>/<checksum>.wasm`, the checksum being the pinned one (istio, pkg/wasm/cache.go).
    private static func digest(inFile code: String) -> String? {
        guard let match = code.firstMatch(of: /\/([0-9a-f]{64})\.wasm$/) else { return nil }
        return String(match.1)
    }
}
