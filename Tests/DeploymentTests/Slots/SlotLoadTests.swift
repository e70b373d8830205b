// SPDX-License-Identifier: Apache-2.0

import Deployment
import EnvoyControl
import FilterBench
import TestSupport
import Testing

/// Changes while many requests go through.
@Suite struct SlotLoadTests {
    @Test(.requires(.envoy), .timeLimit(.minutes(5)))
    func `no request fails through deploy, update, configuration, a bad module, undeploy and rollback`()
        async throws
    {
        let stage = try SlotStage()
        try await stage.run { (envoy: EnvoyProcess) async throws -> Void in
            let place = try #require(envoy.listeners.first { $0.name == "front" }).address
            var keepAlive = BenchLoad()
            keepAlive.connections = 8
            var fresh = BenchLoad()
            fresh.connections = 4
            fresh.headers = [.init("connection", "close")]
            let generators = [
                try LoadGenerator(keepAlive, to: place), try LoadGenerator(fresh, to: place),
            ]
            let loads = generators.map { generator in Task { try await generator.run(for: .seconds(240)) } }
            defer { for load in loads { load.cancel() } }
            let deployer = stage.deployer([envoy.admin.address]) { $0.watch = .zero }
            var requests: UInt64 = 0
            var round = 0
            // The whole sequence, as often as it takes to have had so many requests.
            while requests < 100_000 {
                round += 1
                for value in ["one-\(round)", "two-\(round)"] {
                    _ = try await deployer.deploy(
                        SlotStage.deployment(), module: TinyFilter(value: value).bytes)
                    #expect(try await envoy.greetings() == [value])
                }
                _ = try await deployer.deploy(
                    SlotStage.deployment(configuration: "{\"round\": \(round)}"),
                    module: TinyFilter(value: "two-\(round)").bytes)
                await #expect(throws: DeploymentError.self) {
                    _ = try await deployer.deploy(
                        SlotStage.deployment(), module: TinyFilter(flaw: .missingImport).bytes)
                }
                #expect(try await envoy.greetings() == ["two-\(round)"])
                _ = try await deployer.undeploy("tiny")
                #expect(try await envoy.greetings() == [])
                _ = try await deployer.rollback("tiny")
                #expect(try await envoy.greetings() == ["two-\(round)"])
                let counted = try await envoy.admin.statistics(
                    matching: "^http\\.front\\.downstream_rq_completed$")
                requests = counted["http.front.downstream_rq_completed"] ?? 0
            }
            for load in loads { load.cancel() }
            for load in loads {
                let outcome = try await load.value
                #expect(Set(outcome.statuses.keys) == [200], "\(outcome.statuses)")
                #expect(outcome.brokenConnections == 0)
                #expect(outcome.requests > 1000)
            }
        }
    }

    @Test(.requires(.envoy), .timeLimit(.minutes(5)))
    func `of a filter that traps only its own requests fail, and after it none`() async throws {
        let stage = try SlotStage()
        try await stage.run { (envoy: EnvoyProcess) async throws -> Void in
            let place = try #require(envoy.listeners.first { $0.name == "front" }).address
            let probe = try EnvoyProbe("GET / expect header hello: world")
            let deployer = stage.deployer([envoy.admin.address]) {
                $0.watch = .zero
                $0.probes = [probe]
            }
            _ = try await deployer.deploy(SlotStage.deployment(), module: TinyFilter().bytes)
            let load = Task { try await LoadGenerator(BenchLoad(), to: place).run(for: .seconds(240)) }
            var bad = TinyFilter()
            bad.traps = true
            let trapping = bad.bytes
            await #expect(throws: DeploymentError.self) {
                _ = try await deployer.deploy(SlotStage.deployment(), module: trapping)
            }
            load.cancel()
            let outcome = try await load.value
            // Envoy answers for the filter; no connection breaks.
            #expect(Set(outcome.statuses.keys).isSubset(of: [200, 503]), "\(outcome.statuses)")
            #expect(outcome.brokenConnections == 0)
            var after = BenchLoad()
            after.connections = 4
            let calm = try await LoadGenerator(after, to: place).run(for: .seconds(1))
            #expect(Set(calm.statuses.keys) == [200], "\(calm.statuses)")
        }
    }
}
