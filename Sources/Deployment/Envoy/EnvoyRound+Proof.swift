// SPDX-License-Identifier: Apache-2.0

import EnvoyControl

extension EnvoyRound {
    /// How long a probe may fail before that is taken for the filter's doing: workers change one after the other.
    private static let probePatience = Duration.seconds(1)

    /// Waits until every Envoy shows that it runs what stands in the slot.
    /// - Parameters:
    ///   - before: their statistics before the change.
    ///   - restarted: which of them were started again since.
    ///   - start: when the change began.
    /// - Returns: what each showed.
    /// - Throws: `EnvoyRefusal` for the first that does not.
    func prove(
        since before: [EnvoyWitness.Moment], _ restarted: [Bool], _ start: ContinuousClock.Instant
    ) async throws -> [EnvoyProof] {
        let expectation = expectation
        let deadline = ContinuousClock.now + deployer.options.timeout
        return try await each(witnesses.indices) { index in
            let witness = witnesses[index]
            let address = witness.admin.address
            let loading: EnvoyWitness.Loading
            switch try await witness.loading(
                expectation, since: before[index], wasRestarted: restarted[index], until: deadline)
            {
            case .loaded(let found): loading = found
            case .missing(let what): throw EnvoyRefusal(admin: address, kind: .notLoaded(what))
            }
            let duration = ContinuousClock.now - start
            let probes = try await probe(witness)
            if change.deployment != nil,
                let sign = try await witness.trouble(id, for: deployer.options.watch)
            {
                throw EnvoyRefusal(admin: address, kind: .trouble(sign))
            }
            let proof = EnvoyProof(
                admin: address, workers: witness.concurrency, virtualMachines: loading.machines,
                expectedMachines: loading.expected, marker: loading.marker, probes: probes,
                wasRestarted: restarted[index], duration: duration)
            deployer.progress(.proved(proof))
            return proof
        }
    }

    private var expectation: EnvoyWitness.Expectation {
        let machines = Set(standing.values.compactMap(MachineKey.init))
        let others = Set(standing.filter { $0.key != id }.values.compactMap(MachineKey.init))
        var old = others
        if let revision = try? SlotHistory(slot.historyFile).revisions(of: id).last(where: {
            $0.stands && $0.number < self.revision.number
        }) {
            if let key = MachineKey(revision) { old.insert(key) }
        }
        let isNew = MachineKey(revision).map { !old.contains($0) } ?? false
        return EnvoyWitness.Expectation(
            machines: machines, hasNewMachine: isNew, build: revision.build, id: id)
    }

    /// Sends the probes, several times each, so that several workers have to answer.
    /// - Returns: how many requests showed what they should.
    private func probe(_ witness: EnvoyWitness) async throws -> Int {
        guard change.deployment != nil, !deployer.options.probes.isEmpty else { return 0 }
        var places: [HostPort]?
        var count = 0
        for probe in deployer.options.probes {
            var targets = probe.place.map { [$0] } ?? places ?? []
            if targets.isEmpty {
                targets = try await listeners(witness, probe)
                places = targets
            }
            for target in targets {
                for _ in 0..<min(witness.concurrency, 4) {
                    try await send(probe, to: target, witness)
                    count += 1
                }
            }
        }
        return count
    }

    private func send(_ probe: EnvoyProbe, to place: HostPort, _ witness: EnvoyWitness) async throws {
        let deadline = ContinuousClock.now + Self.probePatience
        var traps: EnvoyWitness.TrapCounters?
        while true {
            let complaint: String?
            do {
                complaint = probe.complaint(
                    about: try await witness.admin.ask(probe.method, probe.path, at: place, host: probe.host))
            } catch let error as EnvoyError { complaint = "\(error)" }
            guard let complaint else { return }
            let now = try? await witness.trapCounters(id)
            // What traps will not get better by waiting, and each moment costs somebody's requests.
            let isTrapping = traps.flatMap { old in now?.sign(since: old) } != nil
            traps = traps ?? now
            guard ContinuousClock.now < deadline, !isTrapping else {
                throw EnvoyRefusal(admin: witness.admin.address, kind: .probe(probe, complaint))
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Where a probe is sent that does not say it: to the listeners in whose chains the slot stands.
    private func listeners(_ witness: EnvoyWitness, _ probe: EnvoyProbe) async throws -> [HostPort] {
        let found: [EnvoyListener]
        do {
            found = try await witness.admin.listeners(with: slot.places[0].name)
        } catch let error as EnvoyError {
            throw EnvoyRefusal(admin: witness.admin.address, kind: .probe(probe, "\(error)"))
        }
        guard !found.isEmpty else {
            throw EnvoyRefusal(
                admin: witness.admin.address,
                kind: .probe(
                    probe, "no listener with a TCP address has the slot; give the probe's whole address")
            )
        }
        return found.map { listener in
            // Where it listens on all addresses, it is reached where its admin interface is.
            let isAny = ["0.0.0.0", "::"].contains(listener.address.host)
            return isAny
                ? HostPort(host: witness.admin.address.host, port: listener.address.port) : listener.address
        }
    }

    /// What a person should know about what was done.
    func notes(on revision: SlotRevision) -> [String] {
        guard let deployment = revision.deployment else { return [] }
        var notes: [String] = []
        switch deployment.failurePolicy ?? .reload {
        case .reload: break
        case .open:
            notes.append(
                "if \"\(id)\" traps, envoy serves without it from then on, and no statistic shows that")
        case .closed:
            notes.append(
                "if \"\(id)\" traps, that worker answers 503 until the filter is deployed again, and no statistic shows why"
            )
        }
        if revision.isInline {
            notes.append("the module is in the resource: envoy's configuration dump shows it in full")
        }
        return notes
    }
}
