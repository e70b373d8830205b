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
    private let front: ScenarioClient
    private let entry: ScenarioClient?
    private let probeClient: ScenarioClient
    private let admin: EnvoyAdmin
    private(set) var log: ScenarioLog
    /// The scenario's plugin.
    private var plugin = PluginIdentity(name: "", rootID: "")

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
        let limit = options.stepLimit + .seconds(filter.module.count >> 20)
        let deadline = ContinuousClock.now + limit
        var before: (accepted: UInt64, refused: UInt64)?
        var pause = Duration.milliseconds(2)
        while ContinuousClock.now < deadline {
            guard envoy.isRunning else { throw ended("while it took the filter") }
            if let now = try? await stage.slot.counters(admin) {
                if let before {
                    if now.refused > before.refused { return false }
                    if now.accepted > before.accepted { return true }
                } else {
                    before = now
                    try stage.slot.write(plugin, version: plugin.name)
                    continue
                }
            }
            try Task.checkCancellation()
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(20))
        }
        throw Loss(
            problem: "\(running) has not returned within \(limit.text) after envoy had got the filter",
            hint: "look for a loop without an end in what starts and configures the filter")
    }

    /// Waits until the worker has done what it was about.
    /// - Throws: `Loss` if it never has.
    private func probe() async throws {
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
            hint: "look for a loop without an end")
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

    // MARK: Steps

    private mutating func play(_ step: Step, _ failure: inout StepFailure) async throws {
        if case .request(let request) = step.stimulus { failure.curl = request.curl }
        try await Task.sleep(for: step.delay)
        for time in 0..<max(1, step.count) {
            if time > 0 {
                try log.beginStep()
                for player in troupe.players.values { player.forgetCalls() }
            }
            try await playOnce(step, &failure)
            guard failure.mismatches.isEmpty, failure.problem == nil else {
                if step.count > 1 {
                    failure.mismatches = failure.mismatches.map {
                        .init(
                            "\($0.subject), time \(time + 1) of \(step.count)", expected: $0.expected,
                            got: $0.got)
                    }
                }
                return
            }
        }
    }

    private mutating func playOnce(_ step: Step, _ failure: inout StepFailure) async throws {
        let expectation = step.expectation
        let before = try await metrics(of: expectation)
        var seen = StepObservation()
        switch step.stimulus {
        case .request(let request):
            failure.problem = await send(request, expectation, &seen)
        case .connection(let parts):
            failure.problem = await connect(parts, expectation, &seen)
        case .wait: break
        }
        try await probe()
        failure.mismatches = expectation.clientMismatches(seen)
        var deadline = ContinuousClock.now + options.patience
        var mustWait = false
        if !failure.mismatches.isEmpty || failure.problem != nil { deadline = .now }
        if case .wait(let limit) = step.stimulus {
            deadline = .now + limit
            // What must not come has all of the time to do so.
            mustWait = !expectation.isFulfilledEarly
        }
        var isSettled = false
        while true {
            let late = try await observe(expectation, before, &seen)
            let isHopeless = late.contains(where: \.isFinal) || failure.problem != nil
            if ContinuousClock.now >= deadline || isHopeless || (late.isEmpty && !mustWait && isSettled) {
                failure.mismatches += late.map(\.mismatch)
                break
            }
            if late.isEmpty, !mustWait {
                if expectation.needsEnd { try await settle() }
                isSettled = true
            } else {
                try await Task.sleep(for: .milliseconds(5))
            }
        }
        if case .wait = step.stimulus { try await probe() }
        try explain(expectation, &failure)
    }

    /// Looks at what may still change.
    private mutating func observe(
        _ expectation: Expectation, _ before: [String: Int], _ seen: inout StepObservation
    ) async throws -> [StepFinding] {
        try log.read()
        for (name, player) in troupe.players {
            if name == ScenarioTroupe.upstream {
                seen.upstream = player.calls
            } else {
                seen.services[name] = player.calls
            }
        }
        seen.log = log.lines(of: plugin).map(\.text)
        seen.hasTrapped = !log.traps.isEmpty
        seen.metrics = try await metrics(of: expectation).merging(before) { $0 - $1 }
        return expectation.lateFindings(seen)
    }

    /// Says of a trap that was not expected, and of what else the log explains.
    private func explain(_ expectation: Expectation, _ failure: inout StepFailure) throws {
        if !expectation.traps, let trap = log.traps.first {
            failure.problem = "the module trapped in \"\(trap.function)\": \(trap.reason)"
            failure.hint =
                "build with names (wasme build --debug) for a back trace; 'traps: true' expects it"
        }
        guard !failure.mismatches.isEmpty || failure.problem != nil, failure.hint == nil else { return }
        let text = log.lines(of: plugin).map(\.text).joined(separator: "\n")
        if let name = unknownCluster(in: text) {
            failure.hint =
                "the log names the cluster \"\(name)\", which \"services\" does not have: add it there"
        }
    }

    /// A cluster of the log that is none of those that there are: what stands in quotes behind the word.
    private func unknownCluster(in text: String) -> String? {
        text.matches(of: /(?i:cluster)[ :=]*["'`“]([^"'`”\n]+)["'`”]/).lazy.map { String($0.output.1) }
            .first { troupe.players[$0] == nil }
    }

    private func metrics(of expectation: Expectation) async throws -> [String: Int] {
        guard !expectation.metrics.isEmpty else { return [:] }
        if let values = await EnvoyMetrics(admin: admin).values() { return values }
        try await probe()
        return [:]
    }

    /// Waits until no request is under way any more, at most for a second: some never end.
    private func settle() async throws {
        let pattern = "^(cluster\\..*\\.upstream|http\\.front\\.downstream)_rq_active$"
        for _ in 0..<100 {
            guard let active = try? await admin.statistics(matching: pattern) else { return try await probe() }
            if active.values.allSatisfy({ $0 == 0 }) { return }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    private func send(
        _ request: ScenarioRequest, _ expectation: Expectation, _ seen: inout StepObservation
    ) async -> String? {
        let client = request.protocol == .http2 ? entry ?? front : front
        var limit = options.stepLimit
        // A little more shows how late it was.
        if let atMost = expectation.atMost { limit = min(limit, atMost + .seconds(1)) }
        let start = ContinuousClock.now
        switch await client.send(request, within: limit) {
        case .response(let response):
            seen.elapsed = ContinuousClock.now - start
            if response.headers.has(ScenarioStage.entryHeader) {
                seen.isClosed = true
                seen.elapsed = nil
            } else {
                seen.response = response
            }
        case .closed(let response):
            seen.response = response
            seen.isClosed = true
        case .timedOut(nil):
            return "no response within \(limit.text)"
        case .timedOut(let response?):
            seen.response = response
            seen.isClosed = true
            return "a response without an end: \(response.body.count) bytes of its body within \(limit.text)"
        case .garbage(let problem): return "the response is no HTTP: \(problem)"
        case .unreachable(let problem): return problem
        }
        return nil
    }

    private func connect(
        _ parts: [BodyPart], _ expectation: Expectation, _ seen: inout StepObservation
    ) async -> String? {
        let pattern = expectation.received
        let untilEnd = expectation.isClosed
        let received = await front.connect(sending: parts, within: options.stepLimit) { bytes in
            guard !untilEnd else { return false }
            switch pattern {
            case nil: return true
            case .equal(let text)?: return bytes.count >= text.utf8.count
            case .some(let pattern):
                return pattern.accepts(received: String(decoding: bytes, as: UTF8.self))
            }
        }
        seen.received = received.bytes
        seen.isClosed = received.isClosed
        return received.problem
    }
}

extension Expectation {
    /// Whether there is something to wait for, so that nothing else is to be waited for once it is there.
    fileprivate var isFulfilledEarly: Bool {
        guard noLog.isEmpty else { return false }
        let calls = [upstream] + services.values
        guard !calls.contains(where: { $0.count == 0 }) else { return false }
        return !log.isEmpty || !metrics.isEmpty || traps
            || calls.contains { $0.count != nil || $0.method != nil || $0.path != nil || $0.message.isTelling }
    }
}

extension MessageExpectation {
    fileprivate var isTelling: Bool {
        !headers.isEmpty || body != nil || !json.isEmpty || !trailers.isEmpty
    }
}
