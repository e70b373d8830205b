// SPDX-License-Identifier: Apache-2.0

import EnvoyControl

/// What makes Envoy share a virtual machine between plugins (`makeVmKey` of Proxy-Wasm's C++ host, and in newer Envoys
/// also the environment and the restriction).
struct MachineKey: Hashable, Sendable {
    let vmID: String
    let module: String
    let configuration: String?
    let environment: [String: FilterDeployment.EnvironmentValue]
    let capabilities: [String]?

    init?(_ revision: SlotRevision) {
        guard let deployment = revision.deployment, let module = revision.module else { return nil }
        vmID = deployment.vmID
        self.module = module
        configuration = deployment.vmConfiguration
        environment = deployment.environment
        capabilities = deployment.capabilities
    }
}

extension EnvoyWitness {
    /// What an Envoy is to show once all that was written is loaded.
    struct Expectation: Sendable {
        /// Distinct machines that what stands in the slot needs.
        var machines: Set<MachineKey> = []
        /// Whether one of them was not there before.
        var hasNewMachine = false
        /// The gauge's last part, and whose it is.
        var build: String?
        var id: String
    }

    /// What an Envoy has loaded.
    struct Loading: Sendable {
        let machines: Int
        let expected: Int
        let marker: String?
    }

    /// What came of waiting for it.
    enum LoadingVerdict: Sendable {
        case loaded(Loading)
        case missing(String)
    }

    /// How long a gauge may take that a module can do without.
    private static let markerPatience = Duration.milliseconds(500)

    /// Waits until every thread runs what stands in the slot.
    func loading(
        _ expectation: Expectation, since before: Moment, wasRestarted: Bool,
        until deadline: ContinuousClock.Instant
    ) async throws -> LoadingVerdict {
        let expected = expectation.machines.count * (concurrency + 2)
        var missing = "it does not answer"
        var loadedSince: ContinuousClock.Instant?
        var pause = Duration.milliseconds(2)
        while true {
            do {
                let readings = try await readings()
                let active = Int(readings.numbers[Self.activeCounter] ?? 0)
                let old = wasRestarted ? 0 : before.readings.numbers[Self.createdCounter] ?? 0
                let created = Int(readings.numbers[Self.createdCounter] ?? 0)
                // The counter begins anew when the last machine has gone.
                let growth = created - (created < Int(old) ? 0 : Int(old))
                let marker = expectation.build.flatMap { readings.marker(of: expectation.id, build: $0) }
                // A machine that is there already, perhaps by another filter of the bootstrap, gets no more than a trial
                // one beside it; a new one is started for each worker, the main thread, as their model, and for a trial.
                let wanted = concurrency + 3
                let isGrowing = expectation.hasNewMachine && !wasRestarted && (2..<wanted).contains(growth)
                if active < expected {
                    missing = "\(active) of \(expected) virtual machines are active (\(concurrency) workers)"
                } else if isGrowing {
                    missing =
                        "\(growth) of \(wanted) virtual machines of the new module were started"
                } else {
                    let state = try await admin.state()
                    missing = "its state is \(state)"
                    let since = loadedSince ?? ContinuousClock.now
                    loadedSince = since
                    let isPatient = expectation.build != nil && marker == nil
                    if state == "LIVE", !isPatient || ContinuousClock.now - since > Self.markerPatience {
                        return .loaded(Loading(machines: active, expected: expected, marker: marker))
                    }
                }
            } catch let error as EnvoyError { missing = "\(error)" }
            guard ContinuousClock.now < deadline else { return .missing(missing) }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(50))
        }
    }

    /// What Envoy counts for a plugin whose machines it starts again.
    struct TrapCounters: Sendable {
        fileprivate let values: [String: UInt64]

        /// Which of them has grown, in words; nil if none has.
        func sign(since old: TrapCounters) -> String? {
            for (name, value) in values.sorted(by: { $0.key < $1.key }) where value > old.values[name] ?? 0 {
                return
                    "the filter trapped while it was watched: \(name) grew by \(value - (old.values[name] ?? 0))"
            }
            return nil
        }
    }

    /// How often a plugin's machines were started again so far.
    func trapCounters(_ id: String) async throws -> TrapCounters {
        TrapCounters(
            values: try await admin.readings(matching: "^wasm\\.\(Self.escaped(id))\\.vm_reload").numbers)
    }

    /// Looks for signs of a filter that fails with requests.
    /// - Returns: what was seen; nil if nothing was.
    func trouble(_ id: String, for duration: Duration) async throws -> String? {
        let start = try? await trapCounters(id)
        let deadline = ContinuousClock.now + duration
        while ContinuousClock.now < deadline {
            try await Task.sleep(for: min(.milliseconds(100), duration))
            guard let start, let now = try? await trapCounters(id) else { continue }
            if let sign = now.sign(since: start) { return sign }
        }
        return nil
    }
}

extension EnvoyReadings {
    /// The gauge by which a build of a module shows that a deployment runs it, see `BuildStamp`; nil if it is not there.
    ///
    /// The same build may run in another deployment, which proves nothing of this one.
    func marker(of id: String, build: String) -> String? {
        let name = "wasmcustom.plugin_build.\(id).\(build)"
        return numbers[name] == nil ? nil : name
    }
}
