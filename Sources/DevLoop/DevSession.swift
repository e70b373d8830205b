// SPDX-License-Identifier: Apache-2.0

import Deployment
import EnvoyControl
private import Files
import FilterProxy
private import OCI
package import OCIRegistry
import SystemPackage

/// What a session is told.
package enum DevSignal: Sendable {
    /// Something was saved, at a time in seconds since 1970.
    case saved(at: Double)
    /// Build again, whether something has changed or not.
    case rebuild
    /// Send the last requests again.
    case replay
    /// Log more, or less again.
    case cycleLogLevel
    /// Time to look at what has happened.
    case tick
    /// A build has come to its end.
    case built(Result<FilterVersion, any Error>, savedAt: Double, took: Duration)
}

/// Keeps the newest version of a filter in a running Envoy, and watches what goes through it.
package struct DevSession {
    private let front: FilterFront
    let replay: Replay
    let report: @Sendable (DevEvent) -> Void
    private let make: @Sendable () async throws -> FilterVersion
    private let signals: AsyncStream<DevSignal>
    private let sender: AsyncStream<DevSignal>.Continuation

    var log: FilterLog
    var streams: StreamRecordFolder?
    var history: RequestHistory
    private var current: FilterVersion?
    private var changes = 0
    private var served = 0
    private var logLevel: FilterLogLevel
    private var build: Task<Void, Never>?
    /// Whether the sources are not what serves, or somebody wants to know whether they are.
    private var isStale = false
    /// What was saved while a build ran.
    private var pending: Double?

    /// - Parameters:
    ///   - front: the Envoy.
    ///   - replays: how many of the last requests are sent again after a change.
    ///   - transport: how they are sent.
    ///   - make: builds the filter from what is there now.
    ///   - report: gets what happens, in order.
    package init(
        _ front: FilterFront, replays: Int, transport: any HTTPTransport,
        make: @escaping @Sendable () async throws -> FilterVersion,
        report: @escaping @Sendable (DevEvent) -> Void
    ) {
        self.front = front
        self.make = make
        self.report = report
        replay = Replay(front, transport: transport)
        log = FilterLog(front.envoy.log)
        streams = front.recording.map { StreamRecordFolder($0) }
        history = RequestHistory(limit: replays)
        logLevel = front.settings.logLevel
        (signals, sender) = AsyncStream.makeStream()
    }

    /// Tells the session something, from any task.
    package var tell: @Sendable (DevSignal) -> Void {
        let sender = sender
        return { sender.yield($0) }
    }

    /// Works until the task is cancelled.
    /// - Throws: `CancellationError`, or an error that ends the session: that Envoy does not answer any more.
    package mutating func run() async throws {
        _ = try log.next()
        report(.listening(front.address))
        startBuild(savedAt: Files.now)
        defer { build?.cancel() }
        let ticker = Task { [sender] in
            while !Task.isCancelled {
                try await Task.sleep(for: .milliseconds(50))
                sender.yield(.tick)
            }
        }
        defer { ticker.cancel() }
        for await signal in signals {
            try Task.checkCancellation()
            try await handle(signal)
        }
        throw CancellationError()
    }

    private mutating func handle(_ signal: DevSignal) async throws {
        switch signal {
        case .saved(let time): startBuild(savedAt: time)
        case .rebuild:
            isStale = true
            startBuild(savedAt: Files.now)
        case .replay: try await replayAll(asked: true)
        case .cycleLogLevel:
            logLevel = logLevel.next
            try await front.envoy.admin.setLogLevel(of: "wasm", to: logLevel.rawValue)
            report(.logLevel(logLevel))
        case .tick: try look()
        case .built(let result, let time, let took):
            build = nil
            try await take(result, savedAt: time, took: took)
            if let next = pending {
                pending = nil
                startBuild(savedAt: next)
            }
        }
    }

    // MARK: - Builds

    private mutating func startBuild(savedAt time: Double) {
        guard build == nil else {
            pending = pending ?? time
            return
        }
        report(.building)
        build = Task { [make, sender] in
            let start = ContinuousClock.now
            let result: Result<FilterVersion, any Error>
            do { result = .success(try await make()) } catch { result = .failure(error) }
            sender.yield(.built(result, savedAt: time, took: .now - start))
        }
    }

    private mutating func take(
        _ result: Result<FilterVersion, any Error>, savedAt time: Double, took: Duration
    ) async throws {
        let version: FilterVersion
        switch result {
        case .failure(let error): return fail(error)
        case .success(let made): version = made
        }
        guard version.kind == front.settings.kind else {
            let error = DevLoopError(
                .refused,
                "\"\(version.name)\" has become a filter of another type, \(version.kind.rawValue)",
                hint: "end this and start it again")
            return fail(error)
        }
        guard version != current else {
            let isNews = isStale
            isStale = false
            return report(.unchanged(version, build: took, isNews: isNews))
        }
        try look()
        changes += 1
        let outcome = try await front.install(version, as: "\(changes)-\(version.digest.short)")
        let total = Duration.seconds(max(Files.now - time, 0))
        switch outcome {
        case .accepted:
            current = version
            isStale = false
            served += 1
            let proof = await proof(version)
            report(
                .live(
                    LiveVersion(
                        version: version, number: served, total: total, build: took, proof: proof)))
            // What the filter said when it was configured.
            try look()
            try await replayAll(asked: false)
        case .rejected:
            isStale = true
            let messages = try log.next()
            for line in messages.compactMap(FilterLogLine.init) where line.isFilters { report(.log(line)) }
            report(.refused(version, EnvoyReason(messages), isServing: current != nil))
        case .unseen:
            let error = DevLoopError(
                .notProved, "envoy has said nothing of the new version for 30 seconds",
                hint: "a filter that never returns keeps it from that; end this and start it again")
            fail(error)
        }
    }

    private mutating func fail(_ error: any Error) {
        isStale = true
        report(.buildFailed(error, isServing: current != nil))
    }

    /// What shows that the version runs; the first time on every worker, later that Envoy took it.
    private func proof(_ version: FilterVersion) async -> String {
        guard served == 1 else { return "envoy took it" }
        let health = try? await front.envoy.admin.proveLoaded(within: .seconds(5))
        guard case .loaded(let machines, let workers, _)? = health else { return "envoy took it" }
        return "\(machines) virtual machines on \(workers) workers"
    }
}
