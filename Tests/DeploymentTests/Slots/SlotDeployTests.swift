// SPDX-License-Identifier: Apache-2.0

import Deployment
import EnvoyControl
import Files
import SystemPackage
import TestSupport
import Testing

/// Changes in the slot of a real Envoy.
@Suite struct SlotDeployTests {
    @Test(.requires(.envoy)) func `a filter comes, changes, is configured, goes, and comes back`()
        async throws
    {
        let stage = try SlotStage()
        try await stage.run { envoy in
            let deployer = stage.deployer([envoy.admin.address])
            #expect(try await envoy.greetings() == [])
            let first = try await deployer.deploy(
                SlotStage.deployment(), module: TinyFilter(value: "one").bytes)
            #expect(first.isProved)
            let proof = try #require(first.members[0].proofs.first)
            #expect(proof.workers == 2)
            #expect(proof.virtualMachines >= proof.expectedMachines && proof.expectedMachines == 4)
            #expect(!proof.wasRestarted)
            #expect(try await envoy.greetings() == ["one"])
            #expect(try await envoy.greetings("side") == ["one"])

            _ = try await deployer.deploy(SlotStage.deployment(), module: TinyFilter(value: "two").bytes)
            #expect(try await envoy.greetings() == ["two"])
            let third = try await deployer.deploy(
                SlotStage.deployment(configuration: "{}"), module: TinyFilter(value: "two").bytes)
            #expect(third.members[0].revision.number == 3)
            #expect(try await envoy.greetings() == ["two"])

            let end = try await deployer.undeploy("tiny")
            #expect(end.isProved)
            #expect(try await envoy.greetings() == [])
            #expect(try stage.contents() == [.nothing, .nothing, .nothing])

            let back = try await deployer.rollback("tiny", to: 1)
            #expect(back.members[0].revision.source == 1)
            #expect(try await envoy.greetings() == ["one"])
        }
        let history = try stage.history()
        #expect(history.revisions.map(\.action) == [.deploy, .deploy, .deploy, .undeploy, .rollback])
        #expect(history.revisions.allSatisfy { $0.outcome == .proved && $0.who == "tester@here" })
    }

    @Test(.requires(.envoy)) func `the same again is seen by Envoy without loading the module anew`()
        async throws
    {
        let stage = try SlotStage()
        try await stage.run { envoy in
            let deployer = stage.deployer([envoy.admin.address])
            let module = TinyFilter().bytes
            for _ in 0..<3 { _ = try await deployer.deploy(SlotStage.deployment(), module: module) }
            let numbers = try await envoy.admin.statistics(matching: "^(wasm|extension_config)")
            #expect(numbers["extension_config_discovery.http_filter.wasme.1.config_reload"] == 4)
            // The five of a module, and a trial one for each time after.
            #expect(numbers["wasm.envoy.wasm.runtime.v8.created"] == 7)
        }
    }

    @Test(
        .requires(.envoy),
        arguments: [TinyFilter.Flaw.missingImport, .noABIVersion, .refusesItsConfiguration])
    func `what Envoy refuses leaves what was there, and says why`(_ flaw: TinyFilter.Flaw) async throws {
        let stage = try SlotStage()
        try await stage.run { envoy in
            // Without a trial beforehand: the running Envoy is what refuses.
            let deployer = stage.deployer([envoy.admin.address])
            _ = try await deployer.deploy(SlotStage.deployment(), module: TinyFilter().bytes)
            let before = try Files.read(stage.slot.places[0].file)
            let error = await #expect(throws: DeploymentError.self) {
                _ = try await deployer.deploy(SlotStage.deployment(), module: TinyFilter(flaw: flaw).bytes)
            }
            #expect(error?.code == .rejected)
            #expect(error?.message.contains("what stood before serves again") ?? false, "\(error as Any)")
            #expect(try Files.read(stage.slot.places[0].file) == before)
            #expect(try await envoy.greetings() == ["world"])
            // A good one is taken afterwards, and the bad one refused again.
            await #expect(throws: DeploymentError.self) {
                _ = try await deployer.deploy(SlotStage.deployment(), module: TinyFilter(flaw: flaw).bytes)
            }
            _ = try await deployer.deploy(SlotStage.deployment(), module: TinyFilter(value: "new").bytes)
            #expect(try await envoy.greetings() == ["new"])
        }
        let outcomes = try stage.history().revisions.map(\.outcome.name)
        #expect(outcomes == ["proved", "failed", "failed", "proved"])
    }

    @Test(.requires(.envoy)) func `a filter that the local Envoy refuses never gets into the slot`()
        async throws
    {
        let stage = try SlotStage()
        let binary = try envoyUnderTest()
        try await stage.run { envoy in
            let deployer = stage.deployer([envoy.admin.address]) { $0.binary = binary }
            let error = await #expect(throws: DeploymentError.self) {
                _ = try await deployer.deploy(
                    SlotStage.deployment(), module: TinyFilter(flaw: .missingImport).bytes)
            }
            #expect(
                error?.message.contains("missing import: env.no_such_hostcall; nothing was changed") ?? false,
                "\(error as Any)")
            #expect(try stage.history().revisions.isEmpty)
            _ = try await deployer.deploy(SlotStage.deployment(), module: TinyFilter().bytes)
            #expect(stage.events.all.contains(.validated(version: try await binary.version(), isSame: true)))
        }
    }

    @Test(.requires(.envoy)) func `a filter that traps is found by a probe, and taken back`() async throws {
        let stage = try SlotStage()
        try await stage.run { envoy in
            let probe = try EnvoyProbe("GET / expect status 200 expect header hello: world")
            let deployer = stage.deployer([envoy.admin.address]) { $0.probes = [probe] }
            let good = try await deployer.deploy(SlotStage.deployment(), module: TinyFilter().bytes)
            // Both listeners, once for each worker.
            #expect(good.members[0].proofs.first?.probes == 4)
            var bad = TinyFilter()
            bad.traps = true
            let trapping = bad.bytes
            for policy in EnvoyPlugin.FailurePolicy.allCases {
                var deployment = SlotStage.deployment()
                deployment.failurePolicy = policy
                let error = await #expect(throws: DeploymentError.self) {
                    _ = try await deployer.deploy(deployment, module: trapping)
                }
                #expect(error?.code == .notProved)
                #expect(error?.message.contains("fails the probe") ?? false, "\(error as Any)")
                #expect(try await envoy.greetings() == ["world"])
            }
        }
    }

    @Test(.requires(.envoy)) func `without an admin address it is written, and said to be unproved`()
        async throws
    {
        let stage = try SlotStage()
        let outcome = try await stage.deployer([]).deploy(
            SlotStage.deployment(), module: TinyFilter().bytes)
        #expect(!outcome.isProved)
        #expect(
            outcome.members[0].revision.outcome
                == .unproved(because: "no admin address was given, so no envoy was asked"))
        // An Envoy that starts with it has it.
        let greetings = try await stage.run { envoy in try await envoy.greetings() }
        #expect(greetings == ["world"])
    }
}
