// SPDX-License-Identifier: Apache-2.0

import Deployment
import EnvoyControl
import Files
import SystemPackage
import TestSupport
import Testing

/// What people and disks do to the files of a slot.
@Suite(.serialized) struct SlotDamageTests {
    @Test(.requires(.envoy)) func `a module that was deleted by hand is in no one's way`() async throws {
        let stage = try SlotStage()
        try await stage.run { (envoy: EnvoyProcess) async throws -> Void in
            let deployer = stage.deployer([envoy.admin.address])
            func lose() throws {
                for name in try Files.contents(stage.slot.modulesFolder) {
                    try Files.remove(stage.slot.modulesFolder.appending(name))
                }
            }
            _ = try await deployer.deploy(SlotStage.deployment(), module: TinyFilter(value: "one").bytes)
            try lose()
            _ = try await deployer.deploy(SlotStage.deployment(), module: TinyFilter(value: "two").bytes)
            #expect(try await envoy.greetings() == ["two"])
            let gone = await #expect(throws: DeploymentError.self) {
                _ = try await deployer.rollback("tiny", to: 1)
            }
            #expect(gone?.code == .unknown)
            #expect(gone?.message.contains("is no longer at") ?? false, "\(gone as Any)")
            // What stood before cannot be loaded again, and serves all the same: Envoy has it.
            try lose()
            let stuck = await #expect(throws: DeploymentError.self) {
                _ = try await deployer.deploy(
                    SlotStage.deployment(), module: TinyFilter(flaw: .missingImport).bytes)
            }
            #expect(stuck?.code == .rejected, "\(stuck as Any)")
            #expect(try await envoy.greetings() == ["two"])
            _ = try await deployer.deploy(SlotStage.deployment(), module: TinyFilter(value: "new").bytes)
            #expect(try await envoy.greetings() == ["new"])
            try lose()
            _ = try await deployer.undeploy("tiny")
            #expect(try await envoy.greetings() == [])
        }
    }

    @Test(.requires(.envoy)) func `a history that is damaged in its middle costs what those lines said`()
        async throws
    {
        let stage = try SlotStage()
        try await stage.run { (envoy: EnvoyProcess) async throws -> Void in
            let deployer = stage.deployer([envoy.admin.address])
            for id in ["a", "b"] {
                _ = try await deployer.deploy(
                    SlotStage.deployment(id), module: TinyFilter(value: id).bytes)
            }
            // The two lines of "a", and a third that is none.
            var lines = try Files.read(stage.slot.historyFile).split(separator: UInt8(ascii: "\n"))
            #expect(lines.count == 4)
            lines[0] = lines[0].dropLast(20)
            lines[1] = Array("\0\0\0\u{fffd}{".utf8)[...]
            try Files.replace(stage.slot.historyFile, with: Array(lines.joined(separator: [0x0a])) + [0x0a])
            let status = try await deployer.status()[0]
            #expect(status.notes.contains { $0.hasPrefix("2 lines of ") }, "\(status.notes)")
            #expect(status.places[0].drift == "it holds \"a\", which wasme has not put there")
            // Nothing that stands there is lost for want of a line that says whose it is.
            let foreign = await #expect(throws: DeploymentError.self) {
                _ = try await deployer.deploy(
                    SlotStage.deployment("b"), module: TinyFilter(value: "b2").bytes)
            }
            #expect(foreign?.code == .foreign)
            #expect(foreign?.hint?.contains("deploy \"a\" again first") ?? false, "\(foreign as Any)")
            #expect(try await envoy.greetings() == ["b", "a"])
            _ = try await deployer.deploy(SlotStage.deployment("a"), module: TinyFilter(value: "a2").bytes)
            _ = try await deployer.deploy(SlotStage.deployment("b"), module: TinyFilter(value: "b2").bytes)
            #expect(Set(try await envoy.greetings()) == ["b2", "a2"])
            #expect(try stage.contents().filter { $0 != .nothing }.count == 2)
        }
    }

    @Test(.requires(.envoy)) func `a damaged description, and a folder where a resource was, change nothing`()
        async throws
    {
        let stage = try SlotStage()
        let description = stage.slot.path.appending("slot.json")
        try await stage.run { (envoy: EnvoyProcess) async throws -> Void in
            let deployer = stage.deployer([envoy.admin.address])
            _ = try await deployer.deploy(SlotStage.deployment(), module: TinyFilter(value: "one").bytes)
            let whole = try Files.read(description)
            let next = TinyFilter(value: "two").bytes
            for bytes in [Array(whole.dropLast(9)), [], Array("[]".utf8), [0xff, 0xfe]] {
                try Files.replace(description, with: bytes)
                let error = await #expect(throws: DeploymentError.self) {
                    _ = try await deployer.deploy(SlotStage.deployment(), module: next)
                }
                #expect(error?.code == .damaged)
                #expect(error?.hint?.contains("remove it, and prepare the slot again") ?? false)
                await #expect(throws: DeploymentError.self) { _ = try await deployer.status() }
            }
            // As the hint has it: once it is away, the same name and places bring it back, with what stands there.
            try Files.remove(description)
            try SlotFolder.create(at: stage.slot.path, places: 3)
            #expect(try Files.read(description) == whole)
            #expect(try stage.contents()[0] == .plugin("tiny"))

            let file = stage.slot.places[1].file
            try Files.remove(file)
            try Files.createDirectory(file)
            for _ in 0..<2 {
                let error = await #expect(throws: DeploymentError.self) {
                    _ = try await deployer.deploy(SlotStage.deployment(), module: next)
                }
                #expect(error?.code == .damaged)
                #expect(error?.message.contains("\"\(file)\" is a folder") ?? false, "\(error as Any)")
            }
            #expect(
                try await deployer.status()[0].places[1].drift
                    == "there is a folder where the file should be")
            #expect(try await envoy.greetings() == ["one"])
            try Files.remove(file)
            _ = try await deployer.deploy(SlotStage.deployment(), module: next)
            _ = try await deployer.deploy(
                SlotStage.deployment("second"), module: TinyFilter(value: "more").bytes)
            #expect(try await envoy.greetings() == ["more", "two"])
        }
    }
}
