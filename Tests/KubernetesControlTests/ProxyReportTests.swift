// SPDX-License-Identifier: Apache-2.0

import EnvoyControl
import KubernetesControl
import TestSupport
import Testing

/// What is read from the proxies of pods, with real Envoys in their place.
@Suite struct ProxyReportTests {
    private let plugin = ProxyFilter.resource(.wasmPlugin("add-header", in: "shop"))

    private func pod(_ name: String = "web-0") -> Pod {
        Pod(namespace: "shop", name: name, containers: ["web", "istio-proxy"])
    }

    private func report(
        _ sidecar: Sidecar, digest: String? = nil, until state: ProxyReport.State
    ) async throws -> ProxyReport {
        let status = try await status([sidecar], digest: digest, until: [state])
        return try #require(status.reports.first)
    }

    /// Asks until each proxy is as it should be, or for a minute.
    private func status(
        _ sidecars: [Sidecar], digest: String? = nil, until states: [ProxyReport.State]
    ) async throws -> ProxyStatus {
        let named = Dictionary(
            uniqueKeysWithValues: sidecars.enumerated().map { ("web-\($0.offset)", $0.element) })
        let proof = ProxyProof(StandInPods(named), ports: ProxyFleet.istio.ports)
        let pods = named.keys.map { pod($0) }
        return try await settled {
            try await proof.status(of: plugin, digest: digest, in: pods)
        } until: {
            $0.reports.map(\.state) == states
        }
    }

    @Test(
        .requires(.envoy),
        arguments: [
            "extensions.istio.io/wasmplugin/shop.add-header",
            "extenstions.istio.io/wasmplugin/shop.add-header",
            "extensions.istio.io/trafficextension/shop.add-header~istio-translated-wasmplugin",
        ])
    func `a plugin that every worker runs is healthy, whatever Istio calls it`(name: String) async throws {
        let filter = TinyFilter()
        try await Sidecar.run(.plugin(filter), named: name) { sidecar in
            let report = try await report(sidecar, digest: Sidecar.digest(of: filter), until: .healthy)
            #expect(report.state == .healthy)
            #expect(report.workers == 2)
            #expect(report.machines == 4)
            #expect(report.digest == Sidecar.digest(of: filter))
            #expect(report.version == "1")
            #expect(report.restarts == 0)
            #expect(report.envoy?.hasPrefix("1.") == true)
        }
    }

    @Test(.requires(.envoy)) func `another image than was deployed is seen`() async throws {
        try await Sidecar.run(.plugin(TinyFilter())) { sidecar in
            let wanted = Sidecar.digest(of: TinyFilter(value: "new"))
            let report = try await report(sidecar, digest: wanted, until: .outdated)
            #expect(report.state == .outdated)
            #expect(report.reason?.contains(Sidecar.digest(of: TinyFilter())) == true)
            try sidecar.give(.plugin(TinyFilter(value: "new")), version: "2")
            #expect(try await self.report(sidecar, digest: wanted, until: .healthy).state == .healthy)
        }
    }

    @Test(.requires(.envoy))
    func `a plugin that Envoy refuses is told with Envoy's reason, although its dump shows it`()
        async throws
    {
        try await Sidecar.run(.plugin(TinyFilter())) { sidecar in
            try sidecar.give(.plugin(TinyFilter(flaw: .missingImport)), version: "2")
            let report = try await report(sidecar, until: .rejected)
            #expect(report.state == .rejected)
            #expect(report.version == "1")
            #expect(report.reason?.contains("version 1 goes on serving") == true)
            #expect(report.reason?.contains("missing import: env.no_such_hostcall") == true, "\(report)")
            #expect(try await sidecar.get() == 200)
            // What comes after it is judged by itself.
            try sidecar.give(.plugin(TinyFilter(value: "good")), version: "3")
            let next = try await self.report(sidecar, until: .healthy)
            #expect(next.state == .healthy)
            #expect(next.version == "3")
        }
    }

    @Test(.requires(.envoy)) func `a module that was not fetched is told by what the agent put in its place`()
        async throws
    {
        try await Sidecar.run(.denyAll) { sidecar in
            #expect(try await report(sidecar, until: .denying).state == .denying)
            #expect(try await sidecar.get() == 403)
            try sidecar.give(.allowAll, version: "2")
            #expect(try await report(sidecar, until: .bypassed).state == .bypassed)
            #expect(try await sidecar.get() == 200)
        }
    }

    @Test(.requires(.envoy)) func `a plugin that traps is told with how often Envoy started it again`()
        async throws
    {
        var filter = TinyFilter()
        filter.traps = true
        try await Sidecar.run(.plugin(filter)) { [filter] sidecar in
            #expect(
                try await report(sidecar, digest: Sidecar.digest(of: filter), until: .healthy).state
                    == .healthy)
            #expect(try await sidecar.get() == 503)
            let report: ProxyReport = try await settled {
                _ = try await sidecar.get()
                return try #require(
                    try await ProxyProof(StandInPods(["web-0": sidecar]), ports: ProxyFleet.istio.ports)
                        .status(of: plugin, in: [pod()]).reports.first)
            } until: {
                $0.state == .trapping
            }
            #expect(report.state == .trapping)
            #expect(report.restarts >= 1)
            #expect(report.reason?.contains("unreachable") == true, "\(report)")
        }
    }

    @Test(.requires(.envoy)) func `a proxy that was not told of it, and pods without one`() async throws {
        try await Sidecar.run(.allowAll, named: "extensions.istio.io/wasmplugin/shop.other") { sidecar in
            let proof = ProxyProof(StandInPods(["web-0": sidecar]), ports: ProxyFleet.istio.ports)
            let plain = Pod(namespace: "shop", name: "web-1", containers: ["web"])
            let pending = Pod(namespace: "shop", name: "web-2", phase: "Pending", containers: ["istio-proxy"])
            let status = try await proof.status(of: plugin, in: [plain, pod(), pending])
            #expect(status.reports.map(\.state) == [.absent])
            #expect(status.others.map(\.name) == ["web-1", "web-2"])
            #expect(!status.isProved)
            #expect(!status.isFinal)
        }
    }

    @Test(.requires(.envoy)) func `of two proxies one that refuses keeps the whole from being proved`()
        async throws
    {
        try await Sidecar.run(.plugin(TinyFilter())) { good in
            try await Sidecar.run(.plugin(TinyFilter())) { bad in
                try bad.give(.plugin(TinyFilter(flaw: .refusesItsConfiguration)), version: "2")
                _ = try await status([good, bad], until: [.healthy, .rejected])
                let proof = ProxyProof(
                    StandInPods(["web-0": good, "web-1": bad]), ports: ProxyFleet.istio.ports)
                let status = try await proof.prove(
                    plugin, in: [pod("web-0"), pod("web-1")], within: .seconds(60))
                #expect(status.reports.map(\.state) == [.healthy, .rejected])
                #expect(!status.isProved)
                #expect(status.isFinal)
                #expect(status.reports[1].reason?.contains("Failed to configure base Wasm plugin") == true)
            }
        }
    }

    @Test(.requires(.envoy)) func `an agent that is gone is told as a proxy that does not answer`()
        async throws
    {
        var kept: Sidecar?
        try await Sidecar.run(.allowAll) { sidecar in
            await Holder.shared.set(sidecar)
        }
        kept = await Holder.shared.sidecar
        let gone = try #require(kept)
        let status = try await ProxyProof(StandInPods(["web-0": gone]), ports: ProxyFleet.istio.ports)
            .status(
                of: plugin, in: [pod()])
        #expect(status.reports.map(\.state) == [.unreachable])
        #expect(status.reports[0].reason?.contains("does not answer") == true)
    }

    private actor Holder {
        static let shared = Holder()
        var sidecar: Sidecar?
        func set(_ sidecar: Sidecar) { self.sidecar = sidecar }
    }

    @Test func `an agent's counts are told where they say something`() {
        var report = ProxyReport(pod: pod(), state: .healthy)
        report.digest = String(repeating: "a", count: 64)
        #expect(report.fetchTrouble == nil)
        report.hasAgentMetrics = true
        #expect(report.fetchTrouble == "its agent counts no fetch that succeeded")
        report.fetches = ["success": 1]
        #expect(report.fetchTrouble == nil)
        report.fetches = ["success": 1, "manifest_failure": 1, "download_failure": 3]
        #expect(
            report.fetchTrouble
                == "its agent counts fetches that failed: 3 download_failure, 1 manifest_failure")
        report.fetches = [:]
        report.digest = nil
        #expect(report.fetchTrouble == nil)
    }

    @Test func `an agent's metrics are read`() {
        let page = """
            # HELP istio_agent_wasm_remote_fetch_count number of Wasm remote fetches and results
            # TYPE istio_agent_wasm_remote_fetch_count counter
            istio_agent_wasm_remote_fetch_count{result="download_failure"} 3
            istio_agent_wasm_remote_fetch_count{result="success",note="a \\"b\\", c"} 1e0 1395066363000
            istio_agent_wasm_cache_entries 2
            istio_agent_wasm_cache_lookup_count{hit="true"} NaN
            broken{a="b
            """
        let metrics = PrometheusText(page.utf8, prefix: "istio_agent_wasm_")
        #expect(metrics.samples.count == 4)
        #expect(metrics.sum("istio_agent_wasm_remote_fetch_count") == 4)
        #expect(metrics.sum("istio_agent_wasm_remote_fetch_count", ["result": "download_failure"]) == 3)
        #expect(metrics.samples[1].labels["note"] == "a \"b\", c")
        #expect(metrics.sum("istio_agent_wasm_cache_entries") == 2)
        #expect(PrometheusText(page.utf8, prefix: "other").samples.isEmpty)
    }
}
