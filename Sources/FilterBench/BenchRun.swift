// SPDX-License-Identifier: Apache-2.0

package import Deployment
package import EnvoyControl
package import OCIRegistry
private import FilterProxy
private import SystemPackage

/// What a measurement compares: an Envoy without the filter, with it, and perhaps with another version of it.
package struct BenchSubject: Sendable {
    package var name: String
    /// The module's bytes; nil for no filter.
    package var module: [UInt8]?
    package var rootID = ""
    package var kind = EnvoyPlugin.Kind.http
    package var configuration: String?

    package init(name: String, module: [UInt8]? = nil) {
        self.name = name
        self.module = module
    }
}

/// How it is measured.
package struct BenchPlan: Sendable {
    package var load = BenchLoad()
    /// How often each subject has its turn.
    package var rounds = 5
    /// How long a turn takes.
    package var turn: Duration = .seconds(2)
    /// Before the first turn of each, not measured.
    package var warmUp: Duration = .milliseconds(500)
    /// Worker threads of each Envoy.
    package var workers = 1
    /// How many bytes Envoy answers.
    package var answerSize = 0

    package init() {}
}

/// Measures what a filter costs: each subject has an Envoy of its own, and they take turns under the same load.
package struct BenchRun: Sendable {
    package let envoy: EnvoyBinary
    package let plan: BenchPlan
    package let transport: any HTTPTransport

    package init(envoy: EnvoyBinary, plan: BenchPlan, transport: any HTTPTransport) {
        self.envoy = envoy
        self.plan = plan
        self.transport = transport
    }

    /// One turn of one subject.
    struct Turn: Sendable {
        let outcome: LoadOutcome
        /// Processor time that its Envoy used, in seconds.
        let processor: Double
    }

    /// An Envoy that waits for its turns.
    private struct Lane: Sendable {
        let subject: BenchSubject
        let pid: Int32
        let address: HostPort
    }

    /// Measures.
    /// - Parameters:
    ///   - subjects: the first is what the others are compared with.
    ///   - progress: told which turn begins, of how many.
    /// - Returns: one measurement per subject, in their order.
    /// - Throws: `BenchError`; `EnvoyError` if an Envoy does not come up.
    package func run(
        _ subjects: [BenchSubject], progress: @escaping @Sendable (Int, Int) -> Void
    ) async throws -> [BenchMeasurement] {
        try await withLanes(subjects[...], []) { lanes in
            var turns: [[Turn]] = Array(repeating: [], count: lanes.count)
            for lane in lanes { try check(try await load(lane, for: plan.warmUp), lane) }
            let all = plan.rounds * lanes.count
            for round in 0..<plan.rounds {
                for step in lanes.indices {
                    // Each is first as often as the others: a machine that gets warmer favours none.
                    let index = (step + round) % lanes.count
                    progress(round * lanes.count + step + 1, all)
                    let turn = try await turn(lanes[index])
                    try check(turn.outcome, lanes[index])
                    turns[index].append(turn)
                }
            }
            return try zip(lanes, turns).map { lane, turns in
                BenchMeasurement(
                    name: lane.subject.name, turns: turns, memory: try ProcessUsage(of: lane.pid).memory)
            }
        }
    }

    private func turn(_ lane: Lane) async throws -> Turn {
        let before = try ProcessUsage(of: lane.pid)
        let outcome = try await load(lane, for: plan.turn)
        let after = try ProcessUsage(of: lane.pid)
        return Turn(outcome: outcome, processor: after.processor - before.processor)
    }

    private func load(_ lane: Lane, for time: Duration) async throws -> LoadOutcome {
        let outcome = try await LoadGenerator(plan.load, to: lane.address).run(for: time)
        try Task.checkCancellation()
        return outcome
    }

    /// What does not answer cannot be measured.
    private func check(_ outcome: LoadOutcome, _ lane: Lane) throws {
        guard outcome.requests > 0 else {
            throw BenchError(
                .unanswered,
                "no request was answered by envoy with \(lane.subject.name)"
                    + (outcome.brokenConnections > 0
                        ? ": \(outcome.brokenConnections) connections ended without an answer" : ""),
                hint: "'wasme run' shows what the filter does with one request")
        }
    }

    /// Starts an Envoy for each subject, one within the other, and hands them over.
    private func withLanes(
        _ subjects: ArraySlice<BenchSubject>, _ lanes: [Lane],
        _ body: @escaping @Sendable ([Lane]) async throws -> [BenchMeasurement]
    ) async throws -> [BenchMeasurement] {
        guard let subject = subjects.first else { return try await body(lanes) }
        let folder = try RunFolder()
        let slot = EnvoySlot(
            name: "filter", kind: subject.kind, file: folder.path.appending("slot.yaml"))
        try slot.write(nil, version: "0")
        var options = EnvoyOptions()
        options.concurrency = plan.workers
        options.logLevel = "error"
        return try await EnvoyProcess.run(
            envoy, setup(subject, slot, in: folder).configuration, options: options, folder: folder,
            transport: transport
        ) { envoy in
            if let module = subject.module {
                try await envoy.admin.requireWasm()
                var plugin = EnvoyPlugin(
                    name: "bench", kind: subject.kind, modulePath: try ModuleShelf(folder.path).put(module))
                plugin.rootID = subject.rootID
                plugin.configuration = subject.configuration
                var tail = EnvoyLogTail(envoy.log)
                guard try await slot.install(plugin, version: "1", on: envoy.admin) == .accepted else {
                    let reason = EnvoyReason(try tail.next())
                    throw BenchError(
                        .rejected,
                        "envoy does not take \(subject.name)"
                            + (reason.reasons.first.map { ": \($0)" } ?? ""),
                        hint: reason.hint ?? "'wasme check --run' says more")
                }
            }
            guard let front = envoy.listeners.first(where: { $0.name == "front" }) else {
                throw BenchError(.unanswered, "envoy does not listen for \(subject.name)")
            }
            let lane = Lane(subject: subject, pid: envoy.pid, address: front.address)
            return try await withLanes(subjects.dropFirst(), lanes + [lane], body)
        }
    }

    /// HTTP filters stand before an answer of Envoy's own; network filters before a connection to one.
    private func setup(_ subject: BenchSubject, _ slot: EnvoySlot, in folder: RunFolder) -> ProxySetup {
        let body = String(repeating: "x", count: plan.answerSize)
        var setup = ProxySetup()
        var answering = ProxyListener("front", destination: .answer(status: 200, body: body))
        answering.bufferedRequest = plan.load.body.isEmpty ? nil : plan.load.body.count
        switch subject.kind {
        case .http:
            answering.slots = [slot]
            setup.listeners = [answering]
        case .network:
            let socket = folder.path.appending("behind.sock")
            let buffered = answering.bufferedRequest
            answering = ProxyListener("behind", destination: .answer(status: 200, body: body))
            answering.bufferedRequest = buffered
            answering.address = .socket(socket)
            var front = ProxyListener("front", destination: .cluster("behind"))
            front.kind = .network
            front.slots = [slot]
            setup.listeners = [answering, front]
            setup.clusters = [ProxyCluster("behind", .socket(socket))]
        }
        return setup
    }
}
