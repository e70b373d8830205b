// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import JSON
import LoopbackServer
import SystemPackage
import TestSupport
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// `wasme dev` and `wasme run` as processes, with a project whose build copies a file.
@Suite struct DevProcessTests {
    /// A project, and a folder for what runs leave behind.
    private struct Stage: Sendable {
        let scratch: ScratchDirectory
        var project: FilePath { scratch.appending("tiny") }
        var temporary: FilePath { scratch.appending("tmp") }

        init(_ filter: TinyFilter = TinyFilter(value: "one")) throws {
            scratch = try ScratchDirectory("dev")
            try Files.createDirectory(project)
            try Files.createDirectory(temporary)
            try write(filter)
            try scratch.write(
                "tiny/wasme.yaml",
                """
                name: tiny
                language: c
                version: 0.1.0
                module: {rootIds: [tiny], type: http}
                build: {command: [cp, module, built.wasm], output: built.wasm}
                targets: [envoy]

                """)
        }

        func write(_ filter: TinyFilter) throws {
            try Files.replace(project.appending("module"), with: filter.bytes)
        }

        var environment: [String: String] {
            [
                "WASME_HOME": scratch.appending("home").string, "NO_COLOR": "1", "TERM": "xterm",
                "WASME_ENVOY": Tool.envoy.path?.string ?? "", "TMPDIR": temporary.string,
            ]
        }

        func start(_ arguments: String...) throws -> BackgroundProcess {
            let process = try BackgroundProcess(
                buildFolder.appending("wasme"), arguments, environment: environment, in: project)
            try process.start()
            return process
        }

        /// What runs of Envoy have left.
        var leftovers: [String] {
            get throws { try Files.contents(temporary).filter { $0.hasPrefix("wasme-envoy") } }
        }
    }

    private func get(_ url: String) async throws -> String? {
        let (_, response) = try await URLSession.shared.data(from: try #require(URL(string: url)))
        return (response as? HTTPURLResponse)?.value(forHTTPHeaderField: "hello")
    }

    /// Waits for an event of `--format json`, and for as many of it.
    private func event(
        _ name: String, _ count: Int = 1, in process: BackgroundProcess
    ) async throws -> JSONObject {
        for _ in 0..<2000 {
            let events = process.stdout.split(separator: "\n").compactMap { line in
                try? JSONValue(parsing: line.utf8).object
            }.filter { $0["event"]?.string == name }
            if events.count >= count { return events[count - 1] }
            guard process.isRunning else { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw ProcessFailure(description: "no \(name): \(process.stdout)\n\(process.stderr)")
    }

    @Test(.requires(.envoy)) func `a saved file is live, and Ctrl-C leaves nothing`() async throws {
        let stage = try Stage()
        let process = try stage.start("dev", "--listen", "127.0.0.1:0", "--format", "json")
        let address = try #require(try await event("listening", in: process)["address"]?.string)
        _ = try await event("live", in: process)
        #expect(try await get("http://\(address)/a") == "one")
        _ = try await event("request", in: process)
        try stage.write(TinyFilter(value: "two"))
        let live = try await event("live", 2, in: process)
        #expect(live["version"] == .integer(2))
        #expect(try await get("http://\(address)/b") == "two")
        let replayed = try await event("replayed", in: process)
        #expect(replayed["path"]?.string == "/a")
        #expect(replayed["result"]?.string == "different")
        // What the targets do not take, and what is no module.
        try stage.write(TinyFilter(flaw: .missingImport))
        #expect(try await event("buildFailed", in: process)["serving"] == .bool(true))
        #expect(try await get("http://\(address)/c") == "two")
        #expect(try stage.leftovers.count == 1)
        #expect(await process.stop(SIGINT) == 130)
        #expect(try stage.leftovers == [])
    }

    @Test(.requires(.envoy)) func `a configuration's file is watched, wherever it is`() async throws {
        let stage = try Stage()
        let config = try stage.scratch.write("config.json", "{}")
        let process = try stage.start(
            "dev", "--listen", "127.0.0.1:0", "--format", "json", "--config", "@\(config)")
        _ = try await event("live", in: process)
        try Files.replace(config, with: Array(#"{"a": 1}"#.utf8))
        #expect(try await event("live", 2, in: process)["version"] == .integer(2))
        #expect(await process.stop(SIGTERM) == 130)
    }

    @Test(.requires(.envoy), arguments: ["dev", "run"])
    func `a killed wasme leaves no Envoy and no folder`(verb: String) async throws {
        let stage = try Stage()
        let process = try stage.start(verb, "--listen", "127.0.0.1:0", "-q")
        _ = try await process.line { $0.isEmpty ? nil : true }
        let folder = stage.temporary.appending(try #require(try stage.leftovers.first))
        let admin = String(decoding: try Files.read(folder.appending("admin-address")), as: UTF8.self)
        #expect(await process.stop(SIGKILL) == -SIGKILL)
        for _ in 0..<500 where try !stage.leftovers.isEmpty { try await Task.sleep(for: .milliseconds(20)) }
        #expect(try stage.leftovers == [])
        await #expect(throws: (any Error).self) { _ = try await get("http://\(admin)/ready") }
    }

    @Test(.requires(.envoy)) func `run says where it listens and that every worker has it`() async throws {
        let stage = try Stage()
        let process = try stage.start("run", "--listen", "127.0.0.1:0")
        let url = try await process.line { line in
            line.hasPrefix("live at ") ? String(line.dropFirst(8)) : nil
        }
        #expect(try await get(url) == "one")
        _ = try await process.line { $0 == "loaded: 4 virtual machines on 2 workers" ? true : nil }
        #expect(await process.stop(SIGINT) == 130)
        #expect(try stage.leftovers == [])
    }

    @Test(.requires(.envoy)) func `run says what is wrong in one message`() async throws {
        let stage = try Stage()
        func run(_ arguments: String...) async throws -> ProcessOutcome {
            try await TestSupport.run(
                buildFolder.appending("wasme"), ["run"] + arguments, environment: stage.environment,
                in: stage.project)
        }
        let taken = try LoopbackServer { _ in }
        defer { taken.stop() }
        let port = try await run("--listen", taken.authority)
        #expect(port.status == 1)
        #expect(
            port.stderr.contains("error: cannot listen on \(taken.authority): another process listens there"))
        #expect(port.stderr.contains("--listen 127.0.0.1:0"))
        let path = try await run("--upstream", "http://127.0.0.1/path")
        #expect(path.status == 64)
        #expect(path.stderr.contains("it has a path"))
        let envoy = try await run("--envoy", "0.1")
        #expect(envoy.status == 1)
        #expect(envoy.stderr.contains("help: run 'wasme envoy install 0.1'"))
        try stage.write(TinyFilter(flaw: .missingImport))
        let refused = try await run("--listen", "127.0.0.1:0")
        #expect(refused.status == 1)
        #expect(refused.stderr.contains("missing import: env.no_such_hostcall"))
        #expect(refused.stdout == "")
        #expect(try stage.leftovers == [])
    }

    @Test(.requires(.envoy), .requires(.script)) func `keys work, and the terminal is as it was`()
        async throws
    {
        let stage = try Stage()
        // It may end before a key reaches it.
        signal(SIGPIPE, SIG_IGN)
        // `script` gives a terminal that is ours, as a shell does; what it shows is in its output.
        let command = "stty -a > before; wasme dev --listen 127.0.0.1:0; echo status $?; stty -a > after"
        let process = Process()
        process.executableURL = URL(filePath: try #require(Tool.script.path).string)
        process.arguments = ["-qec", command, "/dev/null"]
        process.currentDirectoryURL = URL(filePath: stage.project.string)
        let path = "\(buildFolder):\(ProcessInfo.processInfo.environment["PATH"] ?? "")"
        process.environment = ProcessInfo.processInfo.environment.merging(
            stage.environment.merging(["PATH": path, "SHELL": "/bin/sh"]) { $1 }
        ) { $1 }
        let input = Pipe()
        let output = stage.scratch.appending("screen")
        try Files.replace(output, with: [])
        process.standardInput = input
        process.standardOutput = try FileHandle(forWritingTo: URL(filePath: output.string))
        try process.run()
        defer { if process.isRunning { process.terminate() } }
        func shown() throws -> [String] {
            var screen = TerminalScreen(columns: 80)
            screen.write(String(decoding: try Files.read(output), as: UTF8.self))
            #expect(screen.strange == [])
            return screen.shown
        }
        func wait(_ what: String, _ match: ([String]) -> Bool) async throws {
            for _ in 0..<1000 where try !match(shown()) { try await Task.sleep(for: .milliseconds(20)) }
            let lines = try shown()
            #expect(match(lines), "no \(what): \(lines)")
        }
        func press(_ key: String) throws { try input.fileHandleForWriting.write(contentsOf: Data(key.utf8)) }
        try await wait("status") { $0.last?.hasPrefix("live in ") == true }
        #expect(try shown().count { $0.hasPrefix("live in ") } == 2)
        try press("l")
        try await wait("level") { $0.contains("log level: debug") }
        try press("r")
        try await wait("note") { $0.contains("there is no request to send again") }
        try press("b")
        try await wait("rebuilt") { $0.contains { $0.hasSuffix(" serves") } }
        // The status is the last line, and the only one of its kind.
        #expect(try shown().last?.contains(" | tiny ") == true)
        #expect(try shown().count { $0.contains(" | tiny ") } == 1)
        try press("q")
        try await wait("end") { $0.last == "status 0" }
        process.waitUntilExit()
        #expect(
            try Files.read(stage.project.appending("before"))
                == Files.read(stage.project.appending("after")))
        #expect(try shown().count { $0.contains(" | tiny ") } == 0)
        #expect(try stage.leftovers == [])
    }
}

extension Tool {
    /// Runs a program in a terminal of its own.
    fileprivate static let script = Tool("script", executables: ["script"])
}
