// SPDX-License-Identifier: Apache-2.0

import Files
package import OCIRegistry
package import SystemPackage

/// How to run an Envoy.
package struct EnvoyOptions: Sendable {
    /// Number of worker threads.
    package var concurrency = 2
    /// `trace`, `debug`, `info`, `warning`, `error`, `critical` or `off`.
    package var logLevel = "info"
    /// Levels of single loggers, as in `wasm:debug`.
    package var componentLogLevels: [String] = []
    /// A file that gets Envoy's log, and keeps it; without one the log goes with the run.
    package var log: FilePath?
    /// How long the start may take.
    package var startLimit: Duration = .seconds(60)
    /// Seconds that Envoy has to end by itself before it is killed.
    package var stopGrace: Double = 5

    package init() {}
}

/// An Envoy that runs for the time of a closure.
package final class EnvoyProcess: Sendable {
    /// The process.
    package let pid: Int32
    /// Its admin interface, on a free port of the loopback.
    package let admin: EnvoyAdmin
    /// Its listeners with the ports they really have.
    package let listeners: [EnvoyListener]
    /// Where its log is.
    package let log: FilePath

    private let process: GuardedProcess

    private init(_ process: GuardedProcess, admin: EnvoyAdmin, listeners: [EnvoyListener], log: FilePath) {
        self.process = process
        self.pid = process.pid
        self.admin = admin
        self.listeners = listeners
        self.log = log
    }

    /// Starts an Envoy, hands it over once it is live, and stops it when the closure returns, throws or is cancelled.
    ///
    /// Hot restart is off and the admin interface is moved to a free port of the loopback, whatever the configuration
    /// says, so that any number of Envoys run side by side.
    /// - Parameters:
    ///   - binary: which Envoy.
    ///   - configuration: its bootstrap.
    ///   - options: threads, log and limits.
    ///   - folder: where the run's own files lie, for who has files of theirs to put there.
    ///   - transport: what the admin interface is asked through.
    ///   - body: what to do with it.
    /// - Returns: what the closure returned.
    /// - Throws: `EnvoyError` with Envoy's own reason if it does not come up, or ends while the closure runs and that
    ///   makes the closure fail; otherwise the closure's error.
    package static func run<Result: Sendable>(
        _ binary: EnvoyBinary, _ configuration: EnvoyConfiguration, options: EnvoyOptions = EnvoyOptions(),
        folder: RunFolder? = nil, transport: any HTTPTransport,
        body: @Sendable (EnvoyProcess) async throws -> Result
    ) async throws -> Result {
        let folder = try folder ?? RunFolder()
        defer { withExtendedLifetime(folder) {} }
        let log = options.log ?? folder.log
        var arguments = [
            "-c", try configuration.path(in: folder).string,
            "--config-yaml", "admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}",
            "--admin-address-path", folder.adminAddress.string,
            "--disable-hot-restart", "--concurrency", String(options.concurrency), "-l", options.logLevel,
        ]
        if !options.componentLogLevels.isEmpty {
            arguments += ["--component-log-level", options.componentLogLevels.joined(separator: ",")]
        }
        let process = try GuardedProcess(binary.absolutePath, arguments, folder: folder.path, output: log)
        do {
            let result = try await withTaskCancellationHandler {
                let envoy = try await ready(
                    process, configuration, folder: folder, log: log, options: options, transport: transport)
                do {
                    return try await body(envoy)
                } catch  where process.exit != nil && !(error is CancellationError) {
                    throw ended(process, configuration, log: log, during: "while it was in use", cause: error)
                }
            } onCancel: {
                process.beginStop(grace: options.stopGrace)
            }
            await process.stop(grace: options.stopGrace)
            return result
        } catch {
            await process.stop(grace: options.stopGrace)
            // An Envoy that ends because we are cancelled has not failed.
            try Task.checkCancellation()
            throw error
        }
    }

    /// Whether it still runs.
    package var isRunning: Bool { process.exit == nil }

    /// How it ended, as in "signal 9"; nil while it runs.
    package var ending: String? { process.exit.map(String.init(describing:)) }

    /// Waits until Envoy ends by itself; cancelling the task of the run stops it and ends the wait.
    package func waitForExit() async throws {
        _ = await process.waitForExit()
        try Task.checkCancellation()
    }

    /// The log so far.
    package func logMessages() throws -> [EnvoyLogMessage] {
        EnvoyLogMessage.parse(try Self.text(of: log))
    }

    /// Polls until Envoy serves; whatever it says before it gives up is the reason.
    private static func ready(
        _ process: GuardedProcess, _ configuration: EnvoyConfiguration, folder: RunFolder, log: FilePath,
        options: EnvoyOptions, transport: any HTTPTransport
    ) async throws -> EnvoyProcess {
        let deadline = ContinuousClock.now + options.startLimit
        var admin: EnvoyAdmin?
        var state = "not started"
        while process.exit == nil, ContinuousClock.now < deadline {
            try Task.checkCancellation()
            if admin == nil, let text = try? text(of: folder.adminAddress), let address = try? HostPort(text)
            {
                admin = EnvoyAdmin(address, transport: transport)
                // A filter that never returns also keeps the admin interface from answering.
                admin?.patience = 1
            }
            do {
                state = try await admin?.state() ?? state
                if state == "LIVE", let address = admin?.address {
                    let admin = EnvoyAdmin(address, transport: transport)
                    return EnvoyProcess(
                        process, admin: admin, listeners: try await admin.listeners(), log: log)
                }
            } catch let error as EnvoyError where error.code == .admin {
                // It may be on its way up or down: the process or the deadline decides.
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        guard process.exit == nil else {
            throw ended(process, configuration, log: log, during: "while it started", cause: nil)
        }
        let waitsFor = (try? await admin?.unfinishedTargets()) ?? []
        throw EnvoyError(
            .timedOut,
            "envoy did not become live within \(options.startLimit): its state is \(state)"
                + (waitsFor.isEmpty ? "" : ", and it waits for \(waitsFor.joined(separator: ", "))"),
            hint: "the log says more: \(options.log?.string ?? "give a file for it")",
            reasons: EnvoyReason(log: (try? text(of: log)) ?? "").reasons)
    }

    private static func ended(
        _ process: GuardedProcess, _ configuration: EnvoyConfiguration, log: FilePath, during: String,
        cause: (any Error)?
    ) -> EnvoyError {
        let exit = process.exit.map(String.init(describing:)) ?? "no status"
        let reason = EnvoyReason(log: (try? text(of: log)) ?? "")
        return EnvoyError(
            .ended,
            "envoy ended \(during) with \(exit), given \(configuration.name)"
                + (reason.reasons.first.map { ": \($0)" } ?? ""),
            cause: cause, hint: reason.hint, reasons: reason.reasons)
    }

    private static func text(of path: FilePath) throws -> String {
        String(decoding: try Files.read(path, limit: 1 << 30), as: UTF8.self)
    }
}
