// SPDX-License-Identifier: Apache-2.0

import Deployment
import EnvoyControl
import Files
import SystemPackage
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A slot that is one file which others have made, and slots in unusual folders.
@Suite(.serialized) struct SlotFileTests {
    private static let yaml = """
        # Made by hand.
        version_info: "0"
        resources:
        - "@type": type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig
          name: 'edge filter: 1'
          typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC}
        """
    private static let json = """
        {"resources":[{"name":"edge filter: 1","typed_config":
        {"@type":"type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC"},
        "@type":"type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig"}],"version_info":"0"}
        """

    @Test(
        .requires(.envoy), arguments: [("filter.yaml", yaml), ("filter.json", json), ("filter.conf", json)])
    func `in a file of others a filter comes, changes, goes and comes back`(
        _ name: String, _ text: String
    )
        async throws
    {
        let scratch = try ScratchDirectory("file")
        let file = try scratch.write("etc/\(name)", text)
        let stage = SlotStage(scratch: scratch, slot: try SlotFolder(opening: file))
        try await stage.run { (envoy: EnvoyProcess) async throws -> Void in
            let deployer = stage.deployer([envoy.admin.address])
            #expect(try await deployer.status()[0].isSound)
            #expect(try await envoy.greetings() == [])
            _ = try await deployer.deploy(SlotStage.deployment(), module: TinyFilter(value: "one").bytes)
            #expect(try await envoy.greetings() == ["one"])
            _ = try await deployer.deploy(SlotStage.deployment(), module: TinyFilter(value: "two").bytes)
            #expect(try await envoy.greetings() == ["two"])
            let before = try Files.read(file)
            #expect((before.first == UInt8(ascii: "{")) == !name.hasSuffix("yaml"))
            await #expect(throws: DeploymentError.self) {
                _ = try await deployer.deploy(
                    SlotStage.deployment(), module: TinyFilter(flaw: .missingImport).bytes)
            }
            #expect(try Files.read(file) == before)
            let full = await #expect(throws: DeploymentError.self) {
                _ = try await deployer.deploy(SlotStage.deployment("second"), module: TinyFilter().bytes)
            }
            #expect(full?.code == .noPlace)
            _ = try await deployer.rollback("tiny")
            #expect(try await envoy.greetings() == ["one"])
            #expect(try await deployer.status()[0].isSound)
            _ = try await deployer.undeploy("tiny")
            #expect(try await envoy.greetings() == [])
            #expect(try stage.contents() == [.nothing])
            _ = try await deployer.rollback("tiny", to: 2)
            #expect(try await envoy.greetings() == ["two"])
        }
        #expect(try Files.contents(scratch.appending("etc")) == [name, "\(name).wasme"])
        // As others see it: the same resource of the same name.
        let reopened = try SlotFolder(opening: file)
        #expect(reopened == stage.slot)
    }

    @Test(.requires(.envoy), arguments: ["my slot", "schlüssel-鍵", "it's \"quoted\": #1 {a}, 'b' %20"])
    func `a folder's name may be anything`(_ name: String) async throws {
        let stage = try SlotStage(places: 1, name)
        try await stage.run { (envoy: EnvoyProcess) async throws -> Void in
            let deployer = stage.deployer([envoy.admin.address])
            _ = try await deployer.deploy(SlotStage.deployment(), module: TinyFilter().bytes)
            #expect(try await envoy.greetings() == ["world"])
            #expect(try await deployer.status()[0].isSound)
            _ = try await deployer.undeploy("tiny")
            #expect(try await envoy.greetings() == [])
        }
    }

    // Envoy asks the system for a watch of its own for each place (`fs.inotify.max_user_instances`, often 128 for a user).
    @Test(.requires(.envoy), arguments: [1, 24])
    func `a slot may have one place or very many, and a long name`(
        _ places: Int
    ) async throws {
        let scratch = try ScratchDirectory("places")
        let name = String(repeating: "s", count: 63)
        let stage = SlotStage(
            scratch: scratch,
            slot: try SlotFolder.create(at: scratch.appending("slot"), name: name, places: places))
        let id = String(repeating: "i", count: 63)
        try await stage.run(concurrency: 1) { (envoy: EnvoyProcess) async throws -> Void in
            let deployer = stage.deployer([envoy.admin.address]) { $0.watch = .zero }
            _ = try await deployer.deploy(SlotStage.deployment(id), module: TinyFilter(value: "one").bytes)
            _ = try await deployer.deploy(SlotStage.deployment(id), module: TinyFilter(value: "two").bytes)
            #expect(try await envoy.greetings() == ["two"])
            let others = 2..<min(places + 1, 6)
            for number in others {
                _ = try await deployer.deploy(
                    SlotStage.deployment("f\(number)"), module: TinyFilter(value: "\(number)").bytes)
            }
            #expect(try await envoy.greetings() == others.reversed().map { "\($0)" } + ["two"])
            #expect(try await deployer.status()[0].isSound)
        }
    }

    @Test(.requires(.envoy)) func `a slot behind a link is the same slot`() async throws {
        let real = try SlotStage()
        let link = real.scratch.appending("link")
        #expect(symlink(real.slot.path.string, link.string) == 0)
        let stage = SlotStage(scratch: real.scratch, slot: try SlotFolder(opening: link))
        try await real.run { (envoy: EnvoyProcess) async throws -> Void in
            // Envoy knows the folder, and the command the link to it.
            _ = try await stage.deployer([envoy.admin.address]).deploy(
                SlotStage.deployment(), module: TinyFilter(value: "one").bytes)
            #expect(try await envoy.greetings() == ["one"])
            let fleet = EnvoyFleet([
                .init(slot: real.slot.path, admins: [envoy.admin.address]),
                .init(slot: link, admins: [envoy.admin.address]),
            ])
            let twice = await #expect(throws: DeploymentError.self) {
                _ = try await stage.deployer(fleet).deploy(
                    SlotStage.deployment(), module: TinyFilter(value: "two").bytes)
            }
            #expect(twice?.message == "a slot is named twice")
            _ = try await real.deployer([envoy.admin.address]).undeploy("tiny")
            #expect(try await envoy.greetings() == [])
        }
        // The other way round: the bootstrap has the link.
        try await stage.run { (envoy: EnvoyProcess) async throws -> Void in
            let deployer = real.deployer([envoy.admin.address])
            _ = try await deployer.deploy(SlotStage.deployment(), module: TinyFilter(value: "two").bytes)
            #expect(try await envoy.greetings() == ["two"])
        }
    }
}
