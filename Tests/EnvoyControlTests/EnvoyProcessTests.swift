// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import EnvoyControl
import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite struct EnvoyProcessTests {
    let scratch: ScratchDirectory
    let transport = CurlTransport()

    init() throws { scratch = try ScratchDirectory("run") }

    func withTiny(_ filter: TinyFilter = TinyFilter()) throws -> EnvoyConfiguration {
        let module = scratch.appending("module.wasm")
        try Files.replace(module, with: filter.bytes)
        return .text(Bootstraps.answering(filters: [Bootstraps.wasm(module)]))
    }

    @Test(.requires(.envoy))
    func `a filter is served, proved loaded, and nothing is left behind`() async throws {
        let pid = try await EnvoyProcess.run(envoyUnderTest(), withTiny(), transport: transport) { envoy in
            let listener = try #require(envoy.listeners.first)
            #expect(listener.name == "test")
            #expect(listener.address.port != 0)
            let page = try await transport.get(listener.address)
            #expect(page.status == 200)
            #expect(page.headers["hello"] == "world")
            let server = try await envoy.admin.serverInfo()
            #expect(server.state == "LIVE" && server.concurrency == 2)
            #expect(
                try await envoy.admin.proveLoaded() == .loaded(virtualMachines: 4, workers: 2, marker: nil))
            let more = try await envoy.admin.proveLoaded(modules: 2, within: .milliseconds(200))
            #expect(more == .notProved(because: "4 of 8 virtual machines are active (2 workers)"))
            #expect(envoy.isRunning)
            #expect(try envoy.logMessages().contains { $0.text == "starting main dispatch loop" })
            return envoy.pid
        }
        #expect(!isAlive(pid))
    }

    @Test(.requires(.envoy)) func `an Envoy without a filter is not proved to run one`() async throws {
        let configuration = EnvoyConfiguration.text(Bootstraps.answering())
        try await EnvoyProcess.run(envoyUnderTest(), configuration, transport: transport) { envoy in
            let health = try await envoy.admin.proveLoaded(within: .zero)
            #expect(
                health
                    == .notProved(
                        because:
                            "this envoy runs no wasm filter: it has no statistic wasm.envoy.wasm.runtime.v8.active"
                    ))
        }
    }

    @Test(.requires(.envoy)) func `many run side by side, also with the same file`() async throws {
        let file = try scratch.write("envoy.yaml", Bootstraps.answering())
        let ports = try await withThrowingTaskGroup(of: UInt16.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    try await EnvoyProcess.run(envoyUnderTest(), .file(file), transport: transport) {
                        $0.listeners[0].address.port
                    }
                }
            }
            return try await group.reduce(into: Set<UInt16>()) { $0.insert($1) }
        }
        #expect(!ports.contains(0))
    }

    @Test(.requires(.envoy)) func `a port that is taken is Envoy's reason`() async throws {
        try await EnvoyProcess.run(
            envoyUnderTest(), .text(Bootstraps.answering()), transport: transport
        ) { envoy in
            let port = envoy.listeners[0].address.port
            let error = try await #require(throws: EnvoyError.self) {
                try await EnvoyProcess.run(
                    envoyUnderTest(), .text(Bootstraps.answering(port: port)), transport: transport
                ) { _ in }
            }
            #expect(error.code == .ended)
            #expect(error.message.contains("127.0.0.1:\(port)"))
            #expect(error.message.contains("Address already in use"))
            #expect(error.hint?.contains("choose another port") == true)
        }
    }

    @Test(.requires(.envoy)) func `an early end is noticed at once, with the reason`() async throws {
        let error = try await #require(throws: EnvoyError.self) {
            try await EnvoyProcess.run(
                envoyUnderTest(), withTiny(TinyFilter(flaw: .noABIVersion)), transport: transport
            ) { _ in }
        }
        // Whoever waited for the limit to pass would say that the start took too long.
        #expect(error.code == .ended)
        #expect(error.message.contains("exit status 1"))
        #expect(error.message.contains("unknown Proxy-Wasm ABI version"))
    }

    @Test(.requires(.envoy)) func `a start that takes too long says what it waits for`() async throws {
        var options = EnvoyOptions()
        options.startLimit = .seconds(3)
        options.stopGrace = 0.5
        let error = try await #require(throws: EnvoyError.self) {
            try await EnvoyProcess.run(
                envoyUnderTest(), withTiny(TinyFilter(flaw: .neverConfigured)), options: options,
                transport: transport
            ) { _ in }
        }
        #expect(error.code == .timedOut)
        #expect(error.message.contains("its state is"))
    }

    @Test(.requires(.envoy)) func `the log stays where the caller wants it`() async throws {
        var options = EnvoyOptions()
        options.log = scratch.appending("kept.log")
        options.componentLogLevels = ["wasm:debug"]
        try await EnvoyProcess.run(
            envoyUnderTest(), withTiny(), options: options, transport: transport
        ) { _ in }
        let log = String(decoding: try Files.read(scratch.appending("kept.log")), as: UTF8.self)
        #expect(EnvoyLogMessage.parse(log).contains { $0.logger == "wasm" && $0.level == "debug" })
        #expect(log.contains("exiting"))
    }

    @Test(.requires(.envoy)) func `a failing closure stops Envoy and its error comes through`() async throws {
        struct Stop: Error { let pid: Int32 }
        let error = try await #require(throws: Stop.self) {
            try await EnvoyProcess.run(
                envoyUnderTest(), .text(Bootstraps.answering()), transport: transport
            ) { envoy in throw Stop(pid: envoy.pid) }
        }
        #expect(!isAlive(error.pid))
    }

    @Test(.requires(.envoy)) func `cancelling the task stops Envoy`() async throws {
        let (pids, continuation) = AsyncStream.makeStream(of: Int32.self)
        let task = Task {
            try await EnvoyProcess.run(
                envoyUnderTest(), .text(Bootstraps.answering()), transport: transport
            ) { envoy in
                continuation.yield(envoy.pid)
                try await envoy.waitForExit()
            }
        }
        var iterator = pids.makeAsyncIterator()
        let pid = try #require(await iterator.next())
        #expect(isAlive(pid))
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(!isAlive(pid))
    }

    @Test(.requires(.envoy)) func `an Envoy that is killed from outside ends the wait`() async throws {
        try await EnvoyProcess.run(
            envoyUnderTest(), .text(Bootstraps.answering()), transport: transport
        ) { envoy in
            kill(envoy.pid, SIGKILL)
            try await envoy.waitForExit()
            #expect(!envoy.isRunning)
            let error = try await #require(throws: EnvoyError.self) { try await envoy.admin.state() }
            #expect(error.code == .admin)
        }
    }

    @Test(.requires(.envoy)) func `SIGKILL to us leaves no Envoy and no files behind`() async throws {
        let result = try #require(
            await #expect(processExitsWith: .signal(SIGKILL), observing: [\.standardOutputContent]) {
                try await EnvoyProcess.run(
                    envoyUnderTest(), .text(Bootstraps.answering()), transport: CurlTransport()
                ) { envoy in
                    try FileDescriptor.standardOutput.writeAll(
                        "\nenvoy=\(envoy.pid) alive=\(isAlive(envoy.pid))\nfolder=\(envoy.log.removingLastComponent())\n"
                            .utf8)
                    kill(getpid(), SIGKILL)
                }
            })
        let output = String(decoding: result.standardOutputContent, as: UTF8.self)
        let line = try #require(output.split(separator: "\n").first { $0.hasPrefix("envoy=") })
        #expect(line.hasSuffix("alive=true"))
        let pid = try #require(Int32(line.dropFirst("envoy=".count).prefix { $0.isNumber }))
        #expect(try await eventually { !isAlive(pid) })
        let folder = FilePath(try #require(output.firstMatch(of: /folder=(\S+)/)?.output.1.description))
        #expect(folder.lastComponent?.string.hasPrefix("wasme-envoy-") == true)
        #expect(try await eventually { Files.kind(folder) == nil })
    }
}
