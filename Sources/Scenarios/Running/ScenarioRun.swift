// SPDX-License-Identifier: Apache-2.0

import Deployment
package import EnvoyControl
import FilterProxy
package import OCIRegistry
import WasmBinary

/// Runs the scenarios of one filter, in one Envoy as long as that lasts.
package struct ScenarioRun: Sendable {
    private struct Job: Sendable {
        let file: String
        let scenario: Scenario
        /// By which the plugins of a run differ.
        let number: Int
    }

    /// What one Envoy came to.
    private struct Turn: Sendable {
        var results: [ScenarioResult] = []
        var version = ""
        var entered: Set<String> = []
    }

    let filter: ScenarioFilter
    let envoy: EnvoyBinary
    let transport: any HTTPTransport
    let options: ScenarioOptions

    /// - Parameters:
    ///   - filter: what the scenarios are about.
    ///   - envoy: which Envoy plays them.
    ///   - transport: what Envoy's admin interface is asked through.
    ///   - options: limits, and what else to find out.
    package init(
        filter: ScenarioFilter, envoy: EnvoyBinary, transport: any HTTPTransport,
        options: ScenarioOptions = ScenarioOptions()
    ) {
        self.filter = filter
        self.envoy = envoy
        self.transport = transport
        self.options = options
    }

    /// Runs scenarios one after the other, those of one file after those of another.
    ///
    /// If some are marked to be the only ones, the others are skipped. A scenario that makes its Envoy useless ends it, and
    /// another one plays the rest.
    /// - Parameters:
    ///   - files: what to run.
    ///   - each: gets each result when it is there.
    /// - Returns: all results, in the order of the files.
    /// - Throws: what concerns all scenarios: `EnvoyError` if this Envoy does not run here, `SystemError`.
    package func run(
        _ files: [ScenarioFile], each: @Sendable (ScenarioResult) -> Void = { _ in }
    ) async throws -> ScenarioReport {
        let start = ContinuousClock.now
        var report = ScenarioReport(envoy: "")
        var services: [String: Bool] = [:]
        for file in files { services.merge(file.services) { $0 || $1 } }
        let troupe = try ScenarioTroupe(services: services, isNetworkFilter: filter.isNetworkFilter)
        defer { withExtendedLifetime(troupe) {} }
        var jobs: [Job] = []
        for file in files {
            for scenario in file.scenarios {
                jobs.append(Job(file: file.name, scenario: scenario, number: jobs.count + 1))
            }
        }
        let only = jobs.contains { $0.scenario.isOnly }
        var entered: Set<String> = []
        var rest = jobs[...]
        while let first = rest.first {
            if let reason = skip(first.scenario, only) {
                let result = result(first, .skipped(reason: reason), .zero)
                report.results.append(result)
                each(result)
                rest.removeFirst()
                continue
            }
            let turn = try await takeTurn(Array(rest), only, troupe, each)
            report.results += turn.results
            report.envoy = turn.version
            entered.formUnion(turn.entered)
            rest = rest.dropFirst(turn.results.count)
        }
        if report.envoy.isEmpty { report.envoy = try await envoy.version() }
        if options.coverage { report.neverEntered = neverEntered(entered) }
        report.duration = ContinuousClock.now - start
        return report
    }

    private func skip(_ scenario: Scenario, _ only: Bool) -> String? {
        if let reason = scenario.skip { return reason }
        return only && !scenario.isOnly ? "others are marked with \"only\"" : nil
    }

    private func result(
        _ job: Job, _ verdict: ScenarioResult.Verdict, _ duration: Duration
    ) -> ScenarioResult {
        ScenarioResult(
            file: job.file, scenario: job.scenario.name, line: job.scenario.line, verdict: verdict,
            duration: duration)
    }

    /// Starts an Envoy, and plays until one scenario has made it useless.
    private func takeTurn(
        _ jobs: [Job], _ only: Bool, _ troupe: ScenarioTroupe, _ each: @Sendable (ScenarioResult) -> Void
    ) async throws -> Turn {
        let kind: EnvoyPlugin.Kind = filter.isNetworkFilter ? .network : .http
        let stage = try ScenarioStage(
            troupe, kind: kind, usesHTTP2: jobs.contains { $0.scenario.usesHTTP2 })
        let module = try ModuleShelf(stage.folder.path).put(filter.module)
        var envoyOptions = EnvoyOptions()
        envoyOptions.concurrency = 1
        envoyOptions.logLevel = options.logLevel
        // A worker that is stuck in a callback does not end when it is asked to.
        envoyOptions.stopGrace = 1
        if options.coverage { envoyOptions.componentLogLevels = ["wasm:trace"] }
        return try await EnvoyProcess.run(
            envoy, stage.setup.configuration, options: envoyOptions, folder: stage.folder,
            transport: transport
        ) { envoy in
            try await envoy.admin.requireWasm()
            try await stage.openEntry(envoy)
            var turn = Turn()
            turn.version = try await envoy.admin.serverInfo().version
            var session = ScenarioSession(
                envoy, stage, troupe, filter: filter, module: module, options: options)
            for job in jobs {
                let start = ContinuousClock.now
                var isUsable = true
                let verdict: ScenarioResult.Verdict
                if let reason = skip(job.scenario, only) {
                    verdict = .skipped(reason: reason)
                } else {
                    (verdict, isUsable) = try await session.play(job.scenario, number: job.number)
                }
                let result = result(job, verdict, ContinuousClock.now - start)
                turn.results.append(result)
                each(result)
                guard isUsable else { break }
            }
            turn.entered = session.log.callbacks.entered
            return turn
        }
    }

    /// The callbacks that the module exports and nobody has entered, in the order of its exports.
    private func neverEntered(_ entered: Set<String>) -> [String] {
        guard let module = try? WasmModule(filter.module) else { return [] }
        return module.exports.filter { $0.kind == .function }.map(\.name).filter {
            ($0.hasPrefix("proxy_on_") || $0.hasPrefix("envoy_on_") || $0 == "proxy_validate_configuration")
                && !entered.contains($0)
        }
    }
}

extension Scenario {
    /// Whether a client of it speaks HTTP/2.
    fileprivate var usesHTTP2: Bool {
        guard case .steps(let steps) = outcome else { return false }
        return steps.contains {
            if case .request(let request) = $0.stimulus { request.protocol == .http2 } else { false }
        }
    }
}
