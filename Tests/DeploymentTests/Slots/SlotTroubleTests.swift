// SPDX-License-Identifier: Apache-2.0

import CurlTransport
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

/// What goes wrong while a slot is changed.
@Suite struct SlotTroubleTests {
    private static let worker = buildFolder.appending("SlotWorker")

    private func file(_ filter: TinyFilter, _ stage: SlotStage, _ name: String) throws -> FilePath {
        let file = stage.scratch.appending(name)
        try Files.replace(file, with: filter.bytes)
        return file
    }

    @Test(.requires(.envoy), arguments: EnvoyFleet.Order.allCases, [true, false])
    func `of two Envoys one refuses`(_ order: EnvoyFleet.Order, _ isAtomic: Bool) async throws {
        let good = try SlotStage()
        // The second Envoy is told to look for modules where there are none.
        let blind = SlotStage(
            scratch: good.scratch,
            slot: try SlotFolder.create(at: good.scratch.appending("blind"), seenAs: "/nowhere/slot"))
        try await good.run { (one: EnvoyProcess) async throws -> Void in
            try await blind.run(places: blind.slot.places) { (two: EnvoyProcess) async throws -> Void in
                var fleet = EnvoyFleet([
                    .init(slot: good.slot.path, admins: [one.admin.address]),
                    .init(slot: blind.slot.path, admins: [two.admin.address]),
                ])
                fleet.order = order
                fleet.isAtomic = isAtomic
                let error = await #expect(throws: DeploymentError.self) {
                    _ = try await good.deployer(fleet).deploy(
                        SlotStage.deployment(), module: TinyFilter().bytes)
                }
                let cause = error?.cause as? DeploymentError
                #expect(
                    cause?.message.contains("\(two.admin.address) refuses it") ?? false, "\(error as Any)")
                #expect(cause?.message.contains("/nowhere/slot") ?? false, "\(error as Any)")
                #expect(try await two.greetings() == [])
                #expect(try await one.greetings() == (isAtomic ? [] : ["world"]))
                #expect(
                    error?.message.contains(isAtomic ? "what they had before" : "keep the change") ?? false,
                    "\(error as Any)")
                // With the module inside, the second takes it too.
                let inline = good.deployer(fleet) { $0.isInline = true }
                #expect(
                    try await inline.deploy(SlotStage.deployment(), module: TinyFilter().bytes).isProved)
                #expect(try await two.greetings() == ["world"])
            }
        }
    }

    @Test(.requires(.envoy)) func `an admin address that nobody answers changes nothing`() async throws {
        let stage = try SlotStage()
        let other = try SlotStage()
        try await stage.run { (envoy: EnvoyProcess) async throws -> Void in
            let before = try stage.slot.places.map { try Files.read($0.file) }
            let dead = HostPort(host: "127.0.0.1", port: 1)
            let error = await #expect(throws: DeploymentError.self) {
                _ = try await stage.deployer([envoy.admin.address, dead]).deploy(
                    SlotStage.deployment(), module: TinyFilter().bytes)
            }
            #expect(error?.code == .unreachable)
            #expect(error?.message.contains("127.0.0.1:1") ?? false)
            // An Envoy that runs, without this slot in another folder: its places have the same names, but not its files.
            let listener = try #require(envoy.listeners.first).address
            let noAdmin = await #expect(throws: DeploymentError.self) {
                _ = try await stage.deployer([listener]).deploy(
                    SlotStage.deployment(), module: TinyFilter().bytes)
            }
            #expect(noAdmin?.code == .unreachable)
            #expect(try stage.slot.places.map { try Files.read($0.file) } == before)
            #expect(try stage.history().revisions.isEmpty)
            // It has places of that name, and never sees the files: that is not proved, and taken back.
            let wrong = await #expect(throws: DeploymentError.self) {
                _ = try await other.deployer([envoy.admin.address]) { $0.timeout = .milliseconds(500) }
                    .deploy(SlotStage.deployment(), module: TinyFilter().bytes)
            }
            #expect(wrong?.code == .notProved)
            #expect(try other.contents()[0] == .nothing)
        }
    }

    @Test(.requires(.envoy)) func `an order changes while requests go through`() async throws {
        let stage = try SlotStage(places: 4)
        try await stage.run { (envoy: EnvoyProcess) async throws -> Void in
            let deployer = stage.deployer([envoy.admin.address])
            func deploy(_ id: String, _ priority: Int) async throws {
                _ = try await deployer.deploy(
                    SlotStage.deployment(id, priority: priority), module: TinyFilter(value: id).bytes)
            }
            try await deploy("a", 1)
            try await deploy("b", 2)
            try await deploy("c", 3)
            // Requests meet filters in the order of the chain, responses in the reverse.
            #expect(try await envoy.greetings() == ["a", "b", "c"])
            let watching = Task {
                var missing = 0
                while !Task.isCancelled {
                    let greetings = try await envoy.greetings()
                    if Set(greetings) != ["a", "b", "c"] { missing += 1 }
                }
                return missing
            }
            try await deploy("a", 9)
            try await deploy("c", 0)
            watching.cancel()
            #expect((try? await watching.value) ?? 0 == 0)
            #expect(try await envoy.greetings() == ["c", "b", "a"])
            let status = try await deployer.status()[0]
            #expect(status.isSound, "\(status)")
            #expect(status.places.compactMap { $0.revision?.id } == ["a", "b", "c"])
        }
    }

    @Test(.requires(.envoy)) func `two commands at once both get their way`() async throws {
        let stage = try SlotStage()
        try await stage.run { (envoy: EnvoyProcess) async throws -> Void in
            let admin = envoy.admin.address.description
            let workers = try ["a", "b"].map { id in
                try BackgroundProcess(
                    Self.worker,
                    [
                        "deploy", stage.slot.path.string, admin, id,
                        file(TinyFilter(value: id), stage, id).string,
                    ])
            }
            for worker in workers { try worker.start() }
            for worker in workers {
                let outcome = await worker.wait()
                #expect(outcome.status == 0, "\(outcome)")
            }
            #expect(Set(try await envoy.greetings()) == ["a", "b"])
        }
        #expect(try stage.history().revisions.allSatisfy { $0.outcome == .proved })
    }

    @Test(.requires(.envoy)) func `a command that is killed leaves whole files, and the next one says so`()
        async throws
    {
        let stage = try SlotStage()
        try await stage.run { (envoy: EnvoyProcess) async throws -> Void in
            // Nobody answers there that sees the slot: it waits for a proof that does not come.
            let blind = try SlotStage()
            try await blind.run { (other: EnvoyProcess) async throws -> Void in
                let worker = try BackgroundProcess(
                    Self.worker,
                    [
                        "deploy", stage.slot.path.string, other.admin.address.description, "tiny",
                        file(TinyFilter(), stage, "module").string,
                    ])
                try worker.start()
                _ = try await worker.line { $0 == "written" ? true : nil }
                await worker.stop(SIGKILL)
            }
            #expect(try stage.contents()[0] == .plugin("tiny"))
            #expect(try stage.history().revisions.map(\.outcome) == [.pending])
            let deployer = stage.deployer([envoy.admin.address])
            #expect(try await deployer.status()[0].unfinished.map(\.id) == ["tiny"])
            _ = try await deployer.deploy(SlotStage.deployment(), module: TinyFilter().bytes)
            let told = stage.events.all.contains { if case .unfinished = $0 { true } else { false } }
            #expect(told)
            #expect(try await deployer.status()[0].isSound)
            #expect(try await envoy.greetings() == ["world"])
        }
    }

    @Test(.requires(.envoy)) func `a change that is cancelled is taken back`() async throws {
        let stage = try SlotStage()
        try await stage.run { (envoy: EnvoyProcess) async throws -> Void in
            let probe = try EnvoyProbe("GET / expect header hello: world")
            let deployer = stage.deployer([envoy.admin.address]) {
                $0.watch = .seconds(600)
                $0.probes = [probe]
            }
            let change = Task {
                try await deployer.deploy(SlotStage.deployment(), module: TinyFilter().bytes)
            }
            while try await envoy.greetings() != ["world"] { try await Task.sleep(for: .milliseconds(10)) }
            change.cancel()
            await #expect(throws: (any Error).self) { try await change.value }
            #expect(try await envoy.greetings() == [])
            #expect(
                try stage.history().revisions.map(\.outcome) == [.failed(because: "it was interrupted")])
        }
    }

    @Test(.requires(.envoy))
    func `an Envoy that is killed and started again meanwhile is judged by what it has loaded`()
        async throws
    {
        let stage = try SlotStage()
        let bootstrap = stage.scratch.appending("bootstrap.yaml")
        guard case .text(let text) = SlotStage.bootstrap(stage.slot.seenPlaces) else { return }
        try Files.replace(bootstrap, with: Array(text.utf8))
        let envoy = try #require(Tool.envoy.path)
        func start(_ address: HostPort) throws -> BackgroundProcess {
            let process = try BackgroundProcess(
                envoy,
                [
                    "-c", bootstrap.string, "--config-yaml",
                    "admin: {address: {socket_address: {address: 127.0.0.1, port_value: \(address.port)}}}",
                    "--admin-address-path", stage.scratch.appending("admin").string,
                    "--disable-hot-restart", "--concurrency", "2", "-l", "error",
                ])
            try process.start()
            return process
        }
        let first = try start(HostPort(host: "127.0.0.1", port: 0))
        func address() async throws -> HostPort {
            while true {
                if let bytes = try? Files.read(stage.scratch.appending("admin")),
                    let address = try? HostPort(String(decoding: bytes, as: UTF8.self)),
                    await (try? EnvoyAdmin(address, transport: CurlTransport()).state()) == "LIVE"
                {
                    return address
                }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        let place = try await address()
        let deployer = stage.deployer([place])
        _ = try await deployer.survey()
        let change = Task { try await deployer.deploy(SlotStage.deployment(), module: TinyFilter().bytes) }
        while try stage.contents()[0] != .plugin("tiny") { try await Task.sleep(for: .milliseconds(1)) }
        await first.stop(SIGKILL)
        let second = try start(place)
        defer { second.signal(SIGKILL) }
        let outcome = try await change.value
        #expect(outcome.isProved)
        #expect(try await deployer.status()[0].isSound)
    }

    @Test(.requires(.unshare), arguments: ["ro", "size=8k"])
    func `a slot that cannot be written keeps what it had`(
        _ option: String
    ) async throws {
        let stage = try SlotStage()
        let module = stage.scratch.appending("module")
        try Files.replace(module, with: TinyFilter(value: String(repeating: "x", count: 20_000)).bytes)
        // A file system of its own for the slot, with the slot copied into it.
        let script = """
            set -e
            mount -t tmpfs -o size=64k tmpfs mnt; cp -r slot/. mnt/; before=$(cat mnt/*.yaml mnt/slot.json | sha256sum)
            mount -o remount,\(option == "ro" ? "ro" : "size=24k") mnt
            if "$0" deploy "$PWD/mnt" - tiny "$PWD/module"; then exit 3; fi
            test "$before" = "$(cat mnt/*.yaml mnt/slot.json | sha256sum)"
            test -z "$(ls -A mnt/modules)"
            """
        try Files.createDirectory(stage.scratch.appending("mnt"))
        let outcome = try await TestSupport.run(
            try #require(Tool.unshare.path), Tool.privateMount + ["sh", "-c", script, Self.worker.string],
            in: stage.scratch.path)
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.stdout.contains("error: cannot"), "\(outcome)")
    }
}
