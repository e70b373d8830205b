// SPDX-License-Identifier: Apache-2.0

import EnvoyControl
private import Foundation
import JSON

/// What a pod's proxy says about one filter.
package struct ProxyReport: Hashable, Sendable {
    /// How the filter is there.
    package enum State: Hashable, Sendable {
        /// Every worker runs it.
        case healthy
        /// The proxy has not been told of it: it is not selected, or the control plane is late.
        case absent
        /// The proxy waits for what it is to run, and serves nothing yet.
        case starting
        /// Envoy does not take it; what was there before goes on serving.
        case rejected
        /// The module could not be fetched: every request is answered with 403.
        case denying
        /// The module could not be fetched: requests pass without the filter.
        case bypassed
        /// It has trapped, and Envoy starts it again each time.
        case trapping
        /// Envoy has it, and not every worker runs it.
        case loading
        /// It runs from another image than was deployed.
        case outdated
        /// The proxy does not answer.
        case unreachable

        /// Whether waiting may change it.
        package var isPassing: Bool {
            switch self {
            case .absent, .starting, .loading, .outdated, .unreachable: true
            default: false
            }
        }
    }

    package let pod: Pod
    package var state: State
    /// What Envoy or the agent says about it, or what the state means for traffic.
    package var reason: String?
    /// The version of Envoy.
    package var envoy: String?
    package var workers = 0
    /// Wasm virtual machines that run in this Envoy.
    package var machines = 0
    /// The version of the resource that serves.
    package var version: String?
    /// The digest in the name of the module's file, which the agent writes: the image's, as it was pinned.
    package var digest: String?
    /// How often Envoy has started it again after a trap, since the proxy started.
    package var restarts = 0
    /// Fetches of modules by the agent since it started, by their results.
    package var fetches: [String: Int] = [:]

    package init(pod: Pod, state: State, reason: String? = nil) {
        self.pod = pod
        self.state = state
        self.reason = reason
    }
}

/// What an Envoy has been given by extension configuration discovery.
struct ReceivedExtension {
    enum Content: Equatable {
        case wasm(plugin: String, code: String)
        /// Access control that lets nobody in, or everybody.
        case stand(deniesAll: Bool)
        case other(String)
    }

    let name: String
    let version: String
    let content: Content

    /// Reads `/config_dump?resource=ecds_filters` (`envoy/admin/v3/config_dump_shared.proto`).
    static func read(_ dump: [UInt8]) throws(JSONError) -> [ReceivedExtension] {
        let configs = try JSONValue(parsing: dump).object?["configs"]?.array ?? []
        return configs.compactMap { config in
            guard let filter = config.object?["ecds_filter"]?.object, let name = filter["name"]?.string else {
                return nil
            }
            let typed = filter["typed_config"]?.object
            let type = typed?["@type"]?.string ?? ""
            let content: Content
            if type.hasSuffix(".wasm.v3.Wasm") {
                let plugin = typed?["config"]?.object
                let machine = plugin?["vm_config"]?.object
                let local = machine?["code"]?.object?["local"]?.object
                let code = local?["filename"]?.string ?? machine?["code"]?.description ?? ""
                content = .wasm(
                    plugin: plugin?["name"]?.string ?? "",
                    code: "\(machine?["vm_id"]?.string ?? "") \(code)")
            } else if type.hasSuffix(".rbac.v3.RBAC") {
                // No rules let everything through; rules without a policy let nothing through (rbac.proto).
                let rules = typed?["rules"]?.object
                content = .stand(deniesAll: rules != nil && rules?["policies"] == nil)
            } else {
                content = .other(type)
            }
            return ReceivedExtension(
                name: name, version: config.object?["version_info"]?.string ?? "", content: content)
        }
    }
}

extension PodAccess {
    /// What the proxy says about a filter.
    ///
    /// The dump shows what was received last, also if it was refused; the statistics tell which version was accepted.
    /// - Parameters:
    ///   - resource: the filter's name in the proxy.
    ///   - digest: the image that is to run, as hexadecimal digits; nil to take any.
    ///   - pod: whose proxy it is.
    /// - Returns: what it says.
    /// - Throws: `EnvoyError` if the proxy does not answer.
    package func report(
        on resource: IstioResource, digest: String? = nil, pod: Pod
    ) async throws -> ProxyReport {
        let info = try await admin.serverInfo()
        var report = ProxyReport(pod: pod, state: .absent)
        report.envoy = info.version
        report.workers = info.concurrency
        if let agent {
            let page = (try? await agent.answer(to: "/stats/prometheus")) ?? []
            for sample in PrometheusText(page, prefix: "istio_agent_wasm_remote_fetch_count").samples {
                if let result = sample.labels["result"] {
                    report.fetches[result, default: 0] += Int(sample.value)
                }
            }
        }
        let received: [ReceivedExtension]
        do {
            received = try ReceivedExtension.read(
                try await admin.answer(to: "/config_dump?resource=ecds_filters"))
        } catch let error as JSONError {
            report.state = .unreachable
            report.reason = "what answers is not Envoy's admin interface: \(error)"
            return report
        }
        guard let extensions = received.first(where: { resource.names.contains($0.name) }) else {
            report.state = info.state == "LIVE" ? .absent : .starting
            report.reason =
                info.state == "LIVE"
                ? "the control plane has sent no \"\(resource.names[0])\" to this proxy"
                : "the proxy is \(info.state) until the control plane has sent the filter"
            return report
        }
        try await judge(extensions, all: received, digest: digest, live: info.state == "LIVE", &report)
        return report
    }

    private func judge(
        _ received: ReceivedExtension, all: [ReceivedExtension], digest: String?, live: Bool,
        _ report: inout ProxyReport
    ) async throws {
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
            try await judge(plugin: plugin, all: all, digest: digest, live: live, &report)
        }
    }

    private func judge(
        plugin: String, all: [ReceivedExtension], digest: String?, live: Bool, _ report: inout ProxyReport
    ) async throws {
        let statistics = try await admin.statistics(matching: #"^wasm\."#)
        report.machines = Int(statistics["wasm.envoy.wasm.runtime.v8.active"] ?? 0)
        let prefix = "wasm.\(plugin).vm_reload"
        report.restarts = Int(statistics["\(prefix)_success"] ?? 0)
        let failed = statistics["\(prefix)_failure"] ?? 0
        let modules = Set(
            all.compactMap { other in
                if case .wasm(_, let code) = other.content { code } else { nil }
            }
        ).count
        let wanted = modules * (report.workers + 2)
        if failed > 0 || report.restarts > 0 {
            report.state = .trapping
            report.reason =
                "it has trapped: envoy started it again \(report.restarts) times, and could not \(failed) times"
        } else if let digest, let running = report.digest, running != digest {
            report.state = .outdated
            report.reason = "it runs from sha256:\(running)"
        } else if !live {
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
            guard let colon = line.lastRange(of: ": ") else { continue }
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

extension Substring {
    fileprivate func lastRange(of text: String) -> Range<Index>? { ranges(of: text).last }
}
