// SPDX-License-Identifier: Apache-2.0

import Deployment
import EnvoyControl
import Files
import SystemPackage
import TestSupport
import Testing

/// What shows that it is this filter which runs, on every worker, whatever else the Envoy runs.
@Suite(.serialized) struct SlotCrowdTests {
    @Test(.requires(.envoy), .requires(.wabt))
    func `the gauge of the very build and deployment proves it, and no other`()
        async throws
    {
        let stage = try SlotStage()
        let module = try await SlotModules.compile(
            SlotModules.marking("plugin_build.tiny.c86471f0566f"), stage)
        try await stage.run { (envoy: EnvoyProcess) async throws -> Void in
            let deployer = stage.deployer([envoy.admin.address])
            let marked = try await deployer.deploy(
                SlotStage.deployment(), module: module, build: "c86471f0566f")
            #expect(
                marked.members[0].proofs[0].marker == "wasmcustom.plugin_build.tiny.c86471f0566f")
            #expect(
                try await deployer.status()[0].envoys[0].filters[0].marker
                    == "wasmcustom.plugin_build.tiny.c86471f0566f")
            // Another build, and another deployment beside it that does not set one of its own.
            for (id, build) in [("tiny", "000000000000"), ("other", "c86471f0566f"), ("tiny", "0566f")] {
                let outcome = try await deployer.deploy(
                    SlotStage.deployment(id), module: module, build: build)
                #expect(outcome.isProved)
                #expect(outcome.members[0].proofs[0].marker == nil, "\(id) \(build)")
            }
            _ = try await deployer.undeploy("other")
            // It goes with the module.
            let next = try await deployer.deploy(
                SlotStage.deployment(), module: TinyFilter().bytes, build: "c86471f0566f")
            #expect(next.members[0].proofs[0].marker == nil)
        }
    }

    @Test(.requires(.envoy), arguments: [1, 8])
    func `a new module is proved when every worker has it, although others of the Envoy count as well`(
        _ concurrency: Int
    ) async throws {
        let stage = try SlotStage()
        let same = TinyFilter(value: "same")
        let file = stage.scratch.appending("static.wasm")
        try Files.replace(file, with: same.bytes)
        let plugin = EnvoyPlugin(name: "static", modulePath: file)
        let item: ConfigValue = ["name": "static", "typed_config": plugin.typedConfig]
        let each = concurrency + 2
        try await stage.run(concurrency: concurrency, behind: [item]) {
            (envoy: EnvoyProcess) async throws -> Void in
            let deployer = stage.deployer([envoy.admin.address]) { $0.watch = .zero }
            #expect(try await envoy.greetings() == ["same"])
            // The module of the filter that the bootstrap has: both use one machine on each thread.
            let shared = try await deployer.deploy(SlotStage.deployment(), module: same.bytes)
            #expect(shared.members[0].proofs[0].virtualMachines == each)
            #expect(try await envoy.greetings() == ["same", "same"])
            // Each of these has its own, beside those of the static filter, at the moment of its proof.
            for number in 0..<5 {
                let outcome = try await deployer.deploy(
                    SlotStage.deployment(), module: TinyFilter(value: "\(number)").bytes)
                let proof = outcome.members[0].proofs[0]
                #expect(proof.workers == concurrency)
                #expect(proof.virtualMachines >= 2 * each, "\(number): \(proof)")
                #expect(try await envoy.greetings() == ["\(number)", "same"])
            }
            _ = try await deployer.rollback("tiny", to: 1)
            #expect(try await envoy.greetings() == ["same", "same"])
            _ = try await deployer.undeploy("tiny")
            #expect(try await envoy.greetings() == ["same"])
            #expect(try await deployer.status()[0].isSound)
        }
    }

    @Test(.requires(.envoy), .requires(.wabt), arguments: [1, 3])
    func `the same again heals workers whose module has trapped for good`(_ concurrency: Int) async throws {
        let stage = try SlotStage()
        let module = try await SlotModules.compile(SlotModules.trapping, stage)
        for policy in [EnvoyPlugin.FailurePolicy.closed, .open] {
            try await stage.run(concurrency: concurrency) { (envoy: EnvoyProcess) async throws -> Void in
                let deployer = stage.deployer([envoy.admin.address])
                var deployment = SlotStage.deployment()
                deployment.failurePolicy = policy
                _ = try await deployer.deploy(deployment, module: module)
                let place = try #require(envoy.listeners.first { $0.name == "front" }).address
                /// Whether this many connections, one after the other, have the filter, or none has.
                func greeted(_ count: Int) async throws -> Int {
                    var greeted = 0
                    for _ in 0..<count {
                        let answer = try await envoy.admin.ask("GET", "/", at: place)
                        if answer.values(of: "hello") == ["world"] { greeted += 1 }
                    }
                    return greeted
                }
                #expect(try await greeted(20) == 20)
                for _ in 0..<60 * concurrency {
                    _ = try await envoy.admin.ask("GET", "/", at: place, host: "trap")
                }
                #expect(try await greeted(60) == 0)
                _ = try await deployer.deploy(deployment, module: module)
                #expect(try await greeted(60) == 60, "\(policy)")
                _ = try await deployer.undeploy("tiny")
            }
        }
    }

    @Test(.requires(.envoy), .requires(.wabt))
    func `a module of six megabytes is proved within the usual time`()
        async throws
    {
        let stage = try SlotStage()
        let module = try await SlotModules.compile(SlotModules.large(6_100_000), stage)
        #expect(module.count > 6_000_000)
        try await stage.run { (envoy: EnvoyProcess) async throws -> Void in
            let usual = EnvoyDeployer.Options(who: "").timeout
            let deployer = stage.deployer([envoy.admin.address]) { $0.timeout = usual }
            for isInline in [false, true] {
                let outcome = try await stage.deployer([envoy.admin.address]) {
                    $0.timeout = usual
                    $0.isInline = isInline
                }.deploy(SlotStage.deployment(), module: module)
                #expect(outcome.isProved)
                #expect(try await envoy.greetings() == ["world"])
            }
            _ = try await deployer.undeploy("tiny")
            #expect(try await envoy.greetings() == [])
        }
    }
}
