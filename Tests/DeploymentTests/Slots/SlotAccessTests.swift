// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Deployment
import EnvoyControl
import Files
import OCI
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

/// Who may read what of a slot: Envoy is often another user than whoever deploys.
@Suite struct SlotAccessTests {
    private static let worker = buildFolder.appending("SlotWorker")

    private func run(_ arguments: [String], mask: String) async throws {
        let outcome = try await TestSupport.run(
            "/bin/sh", ["-c", "umask \(mask); exec \"$0\" \"$@\"", Self.worker.string] + arguments)
        try #require(outcome.status == 0, "\(outcome)")
    }

    private func mode(_ path: FilePath) -> String? {
        Files.permissions(path).map { String($0.rawValue, radix: 8) }
    }

    @Test(arguments: ["022", "077"], [true, false])
    func `what envoy reads is readable to all, and the history to its owner`(
        _ mask: String, _ isFile: Bool
    )
        async throws
    {
        let scratch = try ScratchDirectory("access")
        var path = scratch.appending("slot")
        if isFile {
            let place = EnvoySlot(name: "one", kind: .http, file: scratch.appending("slot.yaml"))
            try place.write(nil, version: "0")
            try Files.setPermissions([.ownerReadWrite, .groupRead, .otherRead], of: place.file)
            path = place.file
        } else {
            try await run(["prepare", path.string], mask: mask)
        }
        let slot = try SlotFolder(opening: path)
        let module = scratch.appending("module")
        try Files.replace(module, with: TinyFilter().bytes)
        try await run(["deploy", path.string, "-", "tiny", module.string], mask: mask)
        #expect(mode(slot.places[0].file) == "644")
        #expect(mode(slot.modulesFolder) == "755")
        let stored = slot.modulesFolder.appending("\(Digest(of: TinyFilter().bytes).hex).wasm")
        #expect(mode(stored) == "644")
        #expect(mode(slot.historyFile) == "600")
        // Who may enter the folder is its owner's business.
        if isFile {
            #expect(mode(slot.stateFolder) == "755")
        } else {
            #expect(mode(path) == (mask == "077" ? "700" : "755"))
        }
        // What was set by hand stays: a history for a group, a resource with secrets for a few.
        try Files.setPermissions([.ownerReadWrite, .groupRead], of: slot.historyFile)
        try Files.setPermissions([.ownerReadWrite, .groupRead], of: slot.places[0].file)
        // A module that an older command has left to its owner alone is opened again.
        try Files.setPermissions(.ownerReadWrite, of: stored)
        try await run(["deploy", path.string, "-", "tiny", module.string], mask: mask)
        #expect(mode(slot.historyFile) == "640")
        #expect(mode(slot.places[0].file) == "640")
        #expect(mode(stored) == "644")
        // A file that is away is made anew, for Envoy.
        if !isFile {
            try Files.remove(slot.places[0].file)
            try await run(["deploy", path.string, "-", "tiny", module.string], mask: mask)
            #expect(mode(slot.places[0].file) == "644")
        }
    }

    @Test(.requires(.envoy), .enabled(if: getuid() == 0, "only root can start programs as somebody else"))
    func
        `an Envoy of another user takes what is deployed with a narrow mask, and nobody makes it unreadable`()
        async throws
    {
        let stage = try SlotStage()
        // Everybody may pass through to the slot, as it is with folders below /etc.
        var folder = stage.slot.path
        while folder.components.count > 1 {
            let all: FilePermissions = [.groupExecute, .otherExecute]
            if let now = Files.permissions(folder), !now.isSuperset(of: all) {
                try Files.setPermissions(now.union(all), of: folder)
            }
            folder = folder.removingLastComponent()
        }
        let bootstrap = stage.scratch.appending("bootstrap.yaml")
        guard case .text(let text) = SlotStage.bootstrap(stage.slot.seenPlaces) else { return }
        try Files.replace(bootstrap, with: Array(text.utf8))
        let home = stage.scratch.appending("home")
        try Files.createDirectory(home)
        try Files.setPermissions(FilePermissions(rawValue: 0o777), of: home)
        // Where it is installed may be closed to others.
        let envoy = stage.scratch.appending("envoy")
        try Files.replace(envoy, with: Files.read(try #require(Tool.envoy.path), limit: 1 << 30))
        try Files.setPermissions(FilePermissions(rawValue: 0o755), of: envoy)
        let process = try BackgroundProcess(
            "/usr/bin/setpriv",
            [
                "--reuid=65534", "--regid=65534", "--clear-groups", envoy.string, "-c", bootstrap.string,
                "--config-yaml",
                "admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}",
                "--admin-address-path", home.appending("admin").string, "--disable-hot-restart",
                "--concurrency", "1", "-l", "error",
            ])
        try process.start()
        defer { process.signal(SIGKILL) }
        var found: EnvoyAdmin?
        while found == nil {
            if let bytes = try? Files.read(home.appending("admin")),
                let address = try? HostPort(String(decoding: bytes, as: UTF8.self))
            {
                let admin = EnvoyAdmin(address, transport: CurlTransport())
                if await (try? admin.state()) == "LIVE" { found = admin }
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        let admin = try #require(found)
        for value in ["one", "two"] {
            let module = stage.scratch.appending(value)
            try Files.replace(module, with: TinyFilter(value: value).bytes)
            try await run(
                ["deploy", stage.slot.path.string, admin.address.description, "tiny", module.string],
                mask: "077")
            let listener = try #require(await admin.listeners(with: "wasme.1").first)
            let answer = try await admin.ask("GET", "/", at: listener.address)
            #expect(answer.values(of: "hello") == [value])
        }
    }

    @Test(.enabled(if: getuid() == 0, "only root can start programs as somebody else"))
    func `who cannot give a file to its owner does not take it from its readers either`() async throws {
        let stage = try SlotStage(places: 1)
        let nobody: uid_t = 65534
        var folder = stage.slot.path
        while folder.components.count > 1 {
            if let now = Files.permissions(folder) {
                try Files.setPermissions(now.union([.groupExecute, .otherExecute]), of: folder)
            }
            folder = folder.removingLastComponent()
        }
        let worker = stage.scratch.appending("worker")
        try Files.replace(worker, with: Files.read(Self.worker, limit: 1 << 30))
        try Files.setPermissions(FilePermissions(rawValue: 0o755), of: worker)
        let module = stage.scratch.appending("module")
        try Files.replace(
            module, with: TinyFilter().bytes, permissions: [.ownerReadWrite, .groupRead, .otherRead])
        let file = stage.slot.places[0].file
        for path in [stage.slot.path, stage.slot.modulesFolder, stage.slot.path.appending(".lock")] {
            #expect(chown(path.string, nobody, nobody) == 0)
        }
        func deploy() async throws -> ProcessOutcome {
            try await TestSupport.run(
                "/usr/bin/setpriv",
                [
                    "--reuid=65534", "--regid=65534", "--clear-groups", worker.string, "deploy",
                    stage.slot.path.string, "-", "tiny", module.string,
                ])
        }
        // Envoy reads it by a group that the one who deploys is not in.
        #expect(chown(file.string, nobody, 0) == 0)
        try Files.setPermissions(FilePermissions(rawValue: 0o640), of: file)
        let before = try Files.read(file)
        let refused = try await deploy()
        #expect(refused.stdout.contains("envoy might not read it any longer"), "\(refused)")
        #expect(try Files.read(file) == before)
        // By a group that they share, and as one of all.
        #expect(chown(file.string, 0, nobody) == 0)
        try Files.setPermissions(FilePermissions(rawValue: 0o640), of: file)
        let taken = try await deploy()
        #expect(taken.status == 0, "\(taken)")
        #expect(mode(file) == "640")
        #expect(chown(file.string, 0, 0) == 0)
        try Files.setPermissions(FilePermissions(rawValue: 0o644), of: file)
        #expect(try await deploy().status == 0)
        #expect(mode(file) == "644")
    }
}
