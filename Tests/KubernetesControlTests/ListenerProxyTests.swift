// SPDX-License-Identifier: Apache-2.0

import EnvoyControl
import JSON
import KubernetesControl
import TestSupport
import Testing

/// What is read from proxies that have the filter in their listeners, with real Envoys in their place.
@Suite struct ListenerProxyTests {
    /// The filter as the object of Envoy Gateway says it.
    private var wanted: ListenerFilter {
        var filter = ListenerFilter(plugin: "add-header")
        filter.machine = "envoyextensionpolicy/shop/add-header/wasm/"
        filter.configuration = .object(["a": .integer(1)])
        return filter
    }

    @Test(.requires(.envoy), arguments: [false, true], [false, true])
    func
        `a filter that every worker runs is healthy, in a listener that was sent or in the bootstrap, also if routes switch it on`(
            isStatic: Bool, isSwitchedByRoute: Bool
        ) async throws
    {
        var filter = ListenerProxy.Filter()
        filter.isSwitchedByRoute = isSwitchedByRoute
        try await ListenerProxy.run(filter, isStatic: isStatic) { proxy in
            let report = try await proxy.report(on: wanted, until: .healthy)
            #expect(report.state == .healthy, "\(report)")
            #expect(report.workers == 2)
            #expect(report.machines == 4)
            #expect(report.module == nil)
            #expect(try await proxy.get() == 200)
        }
    }

    @Test(.requires(.envoy)) func `a listener without the filter, or with one of another policy, has it not`()
        async throws
    {
        try await ListenerProxy.run { proxy in
            let report = try await proxy.report(on: wanted, until: .absent)
            #expect(report.state == .absent)
            #expect(report.reason?.contains("no listener with \"add-header\"") == true, "\(report)")
            try proxy.give(ListenerProxy.Filter(), version: "2")
            #expect(try await proxy.report(on: wanted, until: .healthy).state == .healthy)
            var other = wanted
            other.machine = "envoyextensionpolicy/cart/add-header/wasm/"
            #expect(try await proxy.report(on: other, until: .absent).state == .absent)
            try proxy.give(nil, version: "3")
            #expect(try await proxy.report(on: wanted, until: .absent).state == .absent)
        }
    }

    @Test(.requires(.envoy))
    func `a listener that Envoy refuses is told with Envoy's words, and what serves`()
        async throws
    {
        try await ListenerProxy.run(ListenerProxy.Filter()) { proxy in
            #expect(try await proxy.report(on: wanted, until: .healthy).state == .healthy)
            var bad = ListenerProxy.Filter()
            bad.module = TinyFilter(flaw: .missingImport)
            try proxy.give(bad, version: "2")
            let report = try await proxy.report(on: wanted, until: .rejected)
            #expect(report.state == .rejected)
            #expect(report.reason?.contains("refused the listener \"shop/edge/http\"") == true, "\(report)")
            #expect(report.reason?.contains("the version before goes on serving") == true, "\(report)")
            #expect(try await proxy.get() == 200)
            let pod = Pod(namespace: "shop", name: "edge-0", containers: ["envoy"])
            let proof = ProxyProof(
                StandInPods(["edge-0": proxy]), ports: ProxyFleet.envoyGateway.ports)
            let status = try await proof.prove(.listener(wanted), in: [pod], within: .seconds(60))
            #expect(status.isFinal)
            #expect(
                status.reports.first?.reason?.contains("missing import: env.no_such_hostcall") == true,
                "\(status)")
            // What comes after it is judged by itself.
            var good = ListenerProxy.Filter()
            good.module = TinyFilter(value: "good")
            try proxy.give(good, version: "3")
            #expect(try await proxy.report(on: wanted, until: .healthy).state == .healthy)
        }
    }

    @Test(.requires(.envoy)) func `a first listener that is refused leaves nothing that serves`() async throws
    {
        var bad = ListenerProxy.Filter()
        bad.module = TinyFilter(flaw: .refusesItsConfiguration)
        try await ListenerProxy.run(bad) { proxy in
            let report = try await proxy.report(on: wanted, until: .rejected)
            #expect(report.state == .rejected)
            #expect(report.reason?.contains("nothing serves in its place") == true, "\(report)")
        }
    }

    @Test(.requires(.envoy)) func `another configuration or module than was deployed is seen`() async throws {
        try await ListenerProxy.run { proxy in
            var filter = ListenerProxy.Filter()
            filter.isFetched = true
            try proxy.give(filter, version: "2")
            var wanted = wanted
            wanted.module = filter.digest
            let report = try await proxy.report(on: wanted, until: .healthy)
            #expect(report.state == .healthy, "\(report)")
            #expect(report.module == filter.digest)
            wanted.configuration = .object(["a": .integer(2)])
            let configured = try await proxy.report(on: wanted, until: .outdated)
            #expect(configured.state == .outdated)
            #expect(configured.reason == "it runs with another configuration")
            filter.configuration = #"{ "a" : 2.0 }"#
            try proxy.give(filter, version: "3")
            #expect(try await proxy.report(on: wanted, until: .healthy).state == .healthy)
            wanted.module = TinyFilter(value: "new").digest
            let other = try await proxy.report(on: wanted, until: .outdated)
            #expect(other.reason == "it runs the module sha256:\(filter.digest)")
        }
    }

    @Test(.requires(.envoy), arguments: [("FAIL_CLOSED", 503), ("FAIL_OPEN", 200)])
    func `a module that Envoy could not fetch is told with what becomes of requests`(
        policy: String, answer: Int
    ) async throws {
        try await ListenerProxy.run { proxy in
            var filter = ListenerProxy.Filter()
            filter.isFetched = true
            filter.claimedDigest = String(repeating: "1", count: 64)
            filter.policy = policy
            try proxy.give(filter, version: "2")
            let state: ProxyReport.State = policy == "FAIL_OPEN" ? .bypassed : .denying
            let report = try await proxy.report(on: wanted, until: state)
            #expect(report.state == state, "\(report)")
            #expect(!report.state.isPassing)
            #expect(try await proxy.get() == answer)
        }
    }

    @Test(.requires(.envoy))
    func `a listener that waits for its module is loading, and the one before serves`()
        async throws
    {
        try await ListenerProxy.run { proxy in
            var filter = ListenerProxy.Filter()
            filter.isFetched = true
            filter.isSlow = true
            try proxy.give(filter, version: "2")
            let report = try await proxy.report(on: wanted, until: .loading)
            #expect(report.state == .loading)
            #expect(report.reason == "its listener waits for the module")
            #expect(try await proxy.get() == 200)
        }
    }

    @Test(.requires(.envoy))
    func `a filter in a listener that traps is told with how often Envoy started it again`()
        async throws
    {
        var filter = ListenerProxy.Filter()
        filter.module.traps = true
        try await ListenerProxy.run(filter) { proxy in
            #expect(try await proxy.report(on: wanted, until: .healthy).state == .healthy)
            #expect(try await proxy.get() == 503)
            let report: ProxyReport = try await settled {
                _ = try await proxy.get()
                return try await proxy.access.report(
                    on: .listener(wanted), pod: Pod(namespace: "shop", name: "edge-0"))
            } until: {
                $0.state == .trapping
            }
            #expect(report.state == .trapping)
            #expect(report.restarts >= 1)
        }
    }
}

extension TinyFilter {
    fileprivate var digest: String { ListenerProxy.Filter(module: self).digest }
}
