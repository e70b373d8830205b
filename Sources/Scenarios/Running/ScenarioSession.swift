// SPDX-License-Identifier: Apache-2.0

import Deployment
import EnvoyControl
import SystemPackage

/// The scenarios that one running Envoy plays, one after the other.
struct ScenarioSession {
    /// Why the Envoy is of no more use.
    struct Loss: Error {
        var problem: String
        var hint: String?
    }

    let envoy: EnvoyProcess
    let stage: ScenarioStage
    let troupe: ScenarioTroupe
    let filter: ScenarioFilter
    let options: ScenarioOptions
    let modulePath: FilePath
    let front: ScenarioClient
    let entry: ScenarioClient?
    private let probeClient: ScenarioClient
    let admin: EnvoyAdmin
    var log: ScenarioLog
    /// The scenario's plugin.
    private(set) var plugin = PluginIdentity(name: "", rootID: "")

    init(
        _ envoy: EnvoyProcess, _ stage: ScenarioStage, _ troupe: ScenarioTroupe, filter: ScenarioFilter,
        module: FilePath, options: ScenarioOptions
    ) {
        func client(_ name: String) -> ScenarioClient? {
            envoy.listeners.first { $0.name == name }.map { ScenarioClient(port: $0.address.port) }
        }
        self.envoy = envoy
        self.stage = stage
        self.troupe = troupe
        self.filter = filter
        self.options = options
        modulePath = module
        // Envoy has opened what it was told to open, or it would not be live.
        front = client(ScenarioStage.front) ?? ScenarioClient(port: 0)
        entry = client(ScenarioStage.entry)
        probeClient = client(ScenarioStage.probe) ?? ScenarioClient(port: 0)
        var admin = envoy.admin
        // A filter that never returns may keep the main thread, which would answer.
        admin.patience = 2
        self.admin = admin
        log = ScenarioLog(envoy.log, level: options.logLevel)
    }

    /// Plays a scenario.
    /// - Parameters:
    ///   - scenario: what to play.
    ///   - number: a number that no other scenario of the run has.
    /// - Returns: what came of it, and whether Envoy can play another one.
    /// - Throws: what concerns the other scenarios too.
    mutating func play(_ scenario: Scenario, number: Int) async throws -> (ScenarioResult.Verdict, Bool) {
        var failure = StepFailure(line: scenario.line)
        do {
            let verdict = try await playInstalled(scenario, number, &failure)
            return (verdict, true)
        } catch let loss as Loss {
            failure.mismatches = []
            failure.problem = loss.problem
            failure.hint = loss.hint
            try? log.read()
            failure.log = log.shown(of: plugin)
            return (.broken(failure), false)
        }
    }

    private mutating func playInstalled(
        _ scenario: Scenario, _ number: Int, _ failure: inout StepFailure
    ) async throws -> ScenarioResult.Verdict {
        let identity = PluginIdentity(
            name: "\(filter.name).\(number)", rootID: scenario.setup.rootID ?? filter.rootID)
        plugin = identity
        try log.beginStep()
        if case .steps(let steps) = scenario.outcome, let first = steps.first { follow(first) }
        let isAccepted = try await install(scenario.setup)
        try log.read()
        switch (scenario.outcome, isAccepted) {
        case (.refused(let pattern), true):
            failure.mismatches = [
                .init("configuration", expected: "a refusal with \(pattern)", got: "it is accepted")
            ]
        case (.refused(let pattern), false):
            let said = refusal
            if pattern.accepts(said.joined(separator: "\n")) || said.contains(where: { pattern.accepts($0) })
            {
                return .passed
            }
            failure.mismatches = [
                .init(
                    "refusal of the configuration", expected: pattern.description,
                    got: StepFailure.shown(said.joined(separator: "; ")))
            ]
        case (.steps, false):
            let reason = EnvoyReason(log.messages)
            failure.problem =
                "envoy does not take the filter with this configuration"
                + (reason.reasons.first.map { ": \(withoutPrefix($0))" } ?? "")
            failure.hint = reason.hint
        case (.steps(let steps), true):
            // Behind this, the worker has the plugin too.
            try await probe()
            if steps.contains(where: { !$0.expectation.metrics.isEmpty }) { await awaitOthersEnd() }
            for (index, step) in steps.enumerated() {
                failure = StepFailure(line: step.line)
                if index > 0 {
                    try log.beginStep()
                    follow(step)
                }
                try await play(step, &failure)
                guard failure.mismatches.isEmpty, failure.problem == nil else {
                    // What follows builds upon this step.
                    failure.log = log.shown(of: plugin)
                    return .failed(failure)
                }
            }
            return .passed
        }
        failure.log = log.shown(of: plugin)
        return .failed(failure)
    }

    private func withoutPrefix(_ text: String) -> String {
        plugin.text(of: EnvoyLogMessage(level: "", logger: "", text: text)) ?? text
    }

    /// What was said about a configuration that was not taken.
    private var refusal: [String] {
        log.messages.compactMap { message in
            if let text = plugin.text(of: message) { return text }
            return ["", "warning", "error", "critical"].contains(message.level) ? message.text : nil
        }
    }

    private func follow(_ step: Step) {
        for (name, player) in troupe.players {
            player.follow(
                name == ScenarioTroupe.upstream
                    ? step.upstream : step.services[name] ?? ServiceScript(answers: []))
        }
    }

    // MARK: The Envoy

    /// Puts the plugin in its place.
    /// - Returns: whether Envoy takes it.
    /// - Throws: `Loss`.
    private func install(_ setup: ScenarioSetup) async throws -> Bool {
        var plugin = EnvoyPlugin(name: self.plugin.name, kind: stage.slot.kind, modulePath: modulePath)
        plugin.rootID = self.plugin.rootID
        // By its own id, a scenario has a VM and shared data of its own.
        plugin.vmID = self.plugin.name
        plugin.configuration = setup.configuration
        plugin.vmConfiguration = setup.vmConfiguration
        plugin.environment = setup.environment
        plugin.failurePolicy = setup.failurePolicy
        // A large module takes its time.
        let limit = options.startLimit + .seconds(filter.module.count >> 20)
        let deadline = ContinuousClock.now + limit
        var before: (accepted: UInt64, refused: UInt64)?
        var pause = Duration.milliseconds(2)
        while ContinuousClock.now < deadline {
            guard envoy.isRunning else { throw ended("while it took the filter") }
            if let now = try? await stage.slot.counters(admin) {
                guard let before else {
                    before = now
                    try stage.slot.write(plugin, version: plugin.name)
                    continue
                }
                if now.refused > before.refused { return false }
                if now.accepted > before.accepted { return true }
            }
            try Task.checkCancellation()
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(20))
        }
        throw Loss(
            problem: "\(running) has not returned within \(limit.text) after envoy had got the filter",
            hint: "look for a loop without an end in what starts and configures the filter")
    }

    /// Waits until the plugin of the scenario before is gone, and with it the metrics that only it has.
    private func awaitOthersEnd() async {
        let gauge = "wasm.envoy.wasm.runtime.v8.active"
        for _ in 0..<100 {
            // One that others are cloned from, one on the main thread, one on the worker.
            let values = try? await admin.statistics(matching: "^wasm\\.envoy\\.")
            guard let active = values?[gauge], active > 3 else { return }
            try? await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Waits until the worker has done what it was about.
    /// - Throws: `Loss` if it never has.
    func probe() async throws {
        let limit = max(.seconds(1), min(.seconds(5), options.stepLimit))
        switch await probeClient.send(ScenarioRequest(), within: limit) {
        case .response: return
        case .closed, .timedOut, .garbage, .unreachable: break
        }
        // What ends a process shows a little later.
        for _ in 0..<100 where envoy.isRunning {
            try await Task.sleep(for: .milliseconds(10))
        }
        guard envoy.isRunning else { throw ended("while the scenario ran") }
        throw Loss(
            problem: "\(running) never returns: envoy's worker has been busy for more than \(limit.text)",
            hint: "look for a loop without an end"
                + (options.coverage ? "" : "; a run with coverage names the callback"))
    }

    /// What does not return, as far as traces tell.
    private var running: String {
        var log = log
        try? log.read()
        return log.callbacks.running.map { "\"\($0)\"" } ?? "a callback of the filter"
    }

    private func ended(_ when: String) -> Loss {
        var log = log
        try? log.read()
        let reason = EnvoyReason(log.messages)
        return Loss(
            problem: "envoy ended \(when) with \(envoy.ending ?? "no status")"
                + (reason.reasons.first.map { ": \($0)" } ?? ""),
            hint: reason.hint ?? "look for memory that the filter takes without an end")
    }
}
