// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import DevLoop
import Diagnostics
import EnvoyControl
import Files
import FilterProxy
import SystemPackage

/// Runs a filter in front of a server, and writes what it did as tests: `wasme test --record`.
struct RunRecord {
    /// What the filter is, as a command line names it.
    let subject: String
    let upstream: String
    let configuration: String?
    let listen: String
    /// Where the tests go; nil for standard output.
    let file: FilePath?
    let keepsSecrets: Bool
    let quiet: Bool

    /// Records until the task is cancelled, which is how a person says that it is enough.
    func run(
        store: StoreOptions, access: RegistryAccessOptions, in context: CommandContext
    ) async throws {
        if let file, Files.kind(file) != nil {
            throw CommandError(
                .usage, "\"\(file)\" is there already", hint: "name another file with --output, or remove it")
        }
        let options = try RunOptions.parse(["--upstream=\(upstream)", "--listen=\(listen)"])
        let binary = try await context.envoy(option: options.envoy)
        _ = try options.settings(.http)
        let loaded = try await RunnableFilter.load(
            subject, store: store, access: access, quiet: quiet, in: context)
        let version = try FilterVersion(loaded, config: configuration, in: context)
        guard version.kind == .http else {
            throw CommandError(
                .usage, "\"\(version.name)\" is a network filter, and requests are what is recorded",
                hint: "write its tests by hand, as Docs/guides/testing.md shows")
        }
        var settings = try options.settings(version.kind)
        settings.records = true
        let recorder = try await FilterFront.run(binary, settings, transport: context.makeTransport()) {
            front in
            try await record(version, front, in: context)
        }
        for reason in recorder.leftOut { note("left out: \(DevText.printable(reason))", in: context) }
        guard let yaml = recorder.yaml else {
            throw CommandError(
                .failed, "nothing was recorded", hint: "send requests to where it listens before Ctrl-C")
        }
        let count = "\(recorder.count) \(recorder.count == 1 ? "test" : "tests")"
        guard let file else { return context.terminal.writeOutput(yaml) }
        try Files.replace(file, with: Array(yaml.utf8))
        note("wrote \(count) to \(file)", in: context)
    }

    private func record(
        _ version: FilterVersion, _ front: FilterFront, in context: CommandContext
    ) async throws -> ScenarioRecorder {
        var log = FilterLog(front.envoy.log)
        _ = try log.next()
        guard try await front.install(version, as: "1") == .accepted else {
            throw EnvoyReason(try log.next()).error(version)
        }
        var recorder = ScenarioRecorder(configuration: version.configuration, keepsSecrets: keepsSecrets)
        guard let recording = front.recording else { return recorder }
        var streams = StreamRecordFolder(recording)
        note("live at http://\(front.address), in front of \(upstream)", in: context)
        note("send requests there, and end with Ctrl-C", in: context)
        func look() throws {
            let look = try streams.look()
            for exchange in look.exchanges {
                let before = recorder.count
                recorder.add(exchange)
                guard recorder.count > before else { continue }
                let seen = SeenRequest(exchange, log: nil)
                note("recorded \(DevText.printable("\(seen.method) \(seen.path)"))", in: context)
            }
            if look.lost > 0 { note("\(look.lost) requests came too fast to be recorded", in: context) }
        }
        while !Task.isCancelled {
            try look()
            guard front.envoy.isRunning else {
                throw CommandError(
                    .failed, "envoy ended by itself", hint: "'wasme run' shows what the filter logs")
            }
            try? await Task.sleep(for: .milliseconds(50))
        }
        // What has just come to its end is still on its way to us; this task itself cannot wait any more.
        for _ in 0..<12 {
            await Task { try? await Task.sleep(for: .milliseconds(20)) }.value
            try look()
        }
        return recorder
    }

    private func note(_ line: String, in context: CommandContext) {
        if !quiet { context.terminal.note(line) }
    }
}
