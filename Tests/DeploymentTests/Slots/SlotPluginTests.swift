// SPDX-License-Identifier: Apache-2.0

import Deployment
import EnvoyControl
import Files
import SystemPackage
import TestSupport
import Testing

/// What of a deployment reaches the module in a real Envoy.
@Suite struct SlotPluginTests {
    /// Says its environment in the header "hello".
    private static let tellsEnvironment = """
        (module (import "env" "proxy_add_header_map_value" (func $add (param i32 i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "environ_get" (func $get (param i32 i32) (result i32)))
          (memory (export "memory") 1) (data (i32.const 64) "hello")
          (func (export "proxy_abi_version_0_2_1"))
          (func (export "malloc") (param i32) (result i32) i32.const 1024)
          (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
            (drop (call $sizes (i32.const 200) (i32.const 204)))
            (drop (call $get (i32.const 300) (i32.const 400)))
            (drop (call $add (i32.const 2) (i32.const 64) (i32.const 5)
              (i32.const 400) (i32.sub (i32.load (i32.const 204)) (i32.const 1))))
            i32.const 0))
        """

    @Test(.requires(.envoy), .requires(.wabt))
    func `environment and machine reach the module, and are kept by a rollback`()
        async throws
    {
        let stage = try SlotStage()
        let source = try stage.scratch.write("module.wat", Self.tellsEnvironment)
        let file = stage.scratch.appending("module.wasm")
        let outcome = try await TestSupport.run(
            try #require(Tool.wabt.path), [source.string, "-o", file.string])
        #expect(outcome.status == 0, "\(outcome)")
        let module = try Files.read(file)
        try await stage.run { (envoy: EnvoyProcess) async throws -> Void in
            let deployer = stage.deployer([envoy.admin.address])
            var deployment = SlotStage.deployment()
            deployment.environment = ["MODE": .value("one")]
            deployment.vmID = "own"
            _ = try await deployer.deploy(deployment, module: module)
            #expect(try await envoy.greetings() == ["MODE=one"])
            let resource = String(decoding: try Files.read(stage.slot.places[0].file), as: UTF8.self)
            #expect(resource.contains("vm_id: own"))
            deployment.environment = ["MODE": .value("two")]
            _ = try await deployer.deploy(deployment, module: module)
            #expect(try await envoy.greetings() == ["MODE=two"])
            _ = try await deployer.rollback("tiny")
            #expect(try await envoy.greetings() == ["MODE=one"])
        }
    }

    @Test(.requires(.envoy)) func `a restriction keeps the module from what it does not name`() async throws {
        let stage = try SlotStage()
        try await stage.run { (envoy: EnvoyProcess) async throws -> Void in
            let deployer = stage.deployer([envoy.admin.address])
            let module = TinyFilter().bytes
            var deployment = SlotStage.deployment()
            let callbacks = ["proxy_on_vm_start", "proxy_on_configure", "proxy_on_response_headers"]
            deployment.capabilities = callbacks
            _ = try await deployer.deploy(deployment, module: module)
            #expect(try await envoy.greetings() == [])
            deployment.capabilities = callbacks + ["proxy_add_header_map_value"]
            _ = try await deployer.deploy(deployment, module: module)
            #expect(try await envoy.greetings() == ["world"])
            deployment.capabilities = []
            await #expect(throws: DeploymentError.self) {
                _ = try await deployer.deploy(deployment, module: module)
            }
            // A name that no host has would leave the module without what was meant.
            for (name, near) in [
                ("proxy_nope", "proxy_"), ("proxy_on_request_header", "proxy_on_request_headers"),
            ] {
                deployment.capabilities = callbacks + [name]
                let error = await #expect(throws: DeploymentError.self) {
                    _ = try await deployer.deploy(deployment, module: module)
                }
                #expect(error?.code == .invalid)
                #expect(error?.message.contains("\"\(name)\"") ?? false)
                #expect(error?.hint?.contains("near it are: \(near)") ?? false, "\(error as Any)")
            }
            #expect(try await envoy.greetings() == ["world"])
            deployment.capabilities = ["none"]
            _ = try await deployer.deploy(deployment, module: module)
            #expect(try await envoy.greetings() == [])
        }
    }

    @Test(.requires(.envoy))
    func `a module inside its resource needs no other file, and its history brings it back`()
        async throws
    {
        let stage = try SlotStage()
        try await stage.run { (envoy: EnvoyProcess) async throws -> Void in
            let deployer = stage.deployer([envoy.admin.address]) { $0.isInline = true }
            _ = try await deployer.deploy(SlotStage.deployment(), module: TinyFilter(value: "one").bytes)
            _ = try await deployer.deploy(SlotStage.deployment(), module: TinyFilter(value: "two").bytes)
            #expect(try await envoy.greetings() == ["two"])
            _ = try await stage.deployer([envoy.admin.address]).rollback("tiny")
            #expect(try await envoy.greetings() == ["one"])
            let resource = try SlotResource(
                parsing: Files.read(stage.slot.places[0].file), of: stage.slot.places[0].file)
            #expect(resource.modulePath == nil)
            #expect(resource.inlineModule != nil)
            #expect(try await deployer.status()[0].isSound)
        }
    }

    @Test(.requires(.envoy)) func `status names what was changed by hand, and difference what would change`()
        async throws
    {
        let stage = try SlotStage()
        try await stage.run { (envoy: EnvoyProcess) async throws -> Void in
            let deployer = stage.deployer([envoy.admin.address])
            let module = TinyFilter().bytes
            let deployment = SlotStage.deployment()
            let first = try deployer.difference(deployment, module: module)[0].changes
            #expect(first.map(\.place) == [nil, 1])
            #expect(first[0].moduleSize == module.count)
            _ = try await deployer.deploy(deployment, module: module)
            #expect(try deployer.difference(deployment, module: module)[0].changes == [])
            let other = try deployer.difference(
                SlotStage.deployment(configuration: "{\"a\": 1}"), module: module)[0].changes
            #expect(other.count == 1)
            #expect(other[0].new?.contains("{\"a\": 1}") ?? false)
            #expect(other[0].old?.contains("{\"a\": 1}") == false)

            let file = stage.slot.places[0].file
            let text = String(decoding: try Files.read(file), as: UTF8.self)
            try Files.replace(file, with: Array(text.replacing("FAIL_RELOAD", with: "FAIL_OPEN").utf8))
            #expect(
                try await deployer.status()[0].places[0].drift
                    == "the file was changed since \"tiny\" was deployed")
            try Files.replace(file, with: Array(text.utf8))
            for name in try Files.contents(stage.slot.modulesFolder) {
                try Files.remove(stage.slot.modulesFolder.appending(name))
            }
            let drift = try await deployer.status()[0].places[0].drift
            #expect(drift?.contains("is missing") ?? false)
            _ = try await deployer.deploy(deployment, module: module)
            #expect(try await deployer.status()[0].isSound)
            // What others put there is not overwritten.
            try stage.slot.places[1].write(
                EnvoyPlugin(name: "theirs", modulePath: "/their.wasm"), version: "1")
            let error = await #expect(throws: DeploymentError.self) {
                _ = try await deployer.deploy(deployment, module: module)
            }
            #expect(error?.code == .foreign)
            let replacing = stage.deployer([envoy.admin.address]) { $0.replacesForeign = true }
            _ = try await replacing.deploy(SlotStage.deployment("second"), module: module)
            #expect(try stage.contents() == [.plugin("tiny"), .plugin("second"), .nothing])
        }
    }
}
