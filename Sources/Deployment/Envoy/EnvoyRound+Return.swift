// SPDX-License-Identifier: Apache-2.0

import EnvoyControl
import Files

extension EnvoyRound {
    /// Brings back what stood in the places before, last written first, and sees to it that every Envoy has it.
    /// - Parameter reason: why.
    /// - Returns: why that did not work; nil if it did.
    func takeBack(because reason: String) async -> String? {
        deployer.progress(.returning(slot: slot.path, because: reason))
        var trouble: String?
        do {
            for write in writes.reversed() { try await takeBack(write.place) }
            deployer.progress(.returned(slot: slot.path))
        } catch let refusal as EnvoyRefusal {
            trouble = refusal.description
        } catch {
            trouble = "\(error)"
        }
        // The history is written in any case: what stands now is what the next command has to know.
        if var history = try? SlotHistory(slot.historyFile),
            history.revisions.contains(where: { $0.id == id && $0.number == revision.number })
        {
            try? history.end(
                revision,
                trouble.map { .stuck(because: "\(reason); \($0)") } ?? .failed(because: reason))
        }
        return trouble
    }

    private func takeBack(_ number: Int) async throws {
        let place = slot.places[number]
        let old = before[number] ?? Array(place.resource(nil, version: "empty-\(Files.randomName())").utf8)
        // A place that was not reached has what it had.
        guard try transport.resource(at: place) != old else { return }
        let version = try SlotResource(parsing: old, of: place.file).version ?? ""
        let witnesses = self.witnesses
        let moments = await Self.moments(of: witnesses)
        try transport.deliver(old, to: place)
        let deadline = ContinuousClock.now + deployer.options.timeout
        _ = try await each(witnesses.indices) { index in
            let address = witnesses[index].admin.address
            guard let moment = moments[index] else {
                throw EnvoyRefusal(
                    admin: address,
                    kind: .unseen("its admin interface does not answer; the file holds what was there before")
                )
            }
            let verdict = try await witnesses[index].verdict(
                on: place, version: version, since: moment, until: deadline)
            switch verdict {
            case .accepted: break
            case .rejected: throw EnvoyRefusal(admin: address, kind: .rejected)
            case .unseen(let reason): throw EnvoyRefusal(admin: address, kind: .unseen(reason))
            }
        }
    }

    private static func moments(of witnesses: [EnvoyWitness]) async -> [EnvoyWitness.Moment?] {
        var moments: [EnvoyWitness.Moment?] = []
        for witness in witnesses { moments.append(try? await witness.moment()) }
        return moments
    }

    /// Why a change was taken back, in a line.
    static func reason(_ error: any Error) -> String {
        switch error {
        case let refusal as EnvoyRefusal: refusal.description
        case is CancellationError: "it was interrupted"
        default: "\(error)"
        }
    }

    /// What to tell the person who wanted the change.
    func failure(_ error: any Error, _ trouble: String?) async -> any Error {
        let now =
            if let trouble {
                "what stood before could not be brought back everywhere (\(trouble))"
            } else if before.allSatisfy({ $0 == nil }) {
                "the slot is empty, as before"
            } else {
                "what stood before serves again"
            }
        guard let refusal = error as? EnvoyRefusal else {
            if error is CancellationError, trouble == nil { return error }
            return DeploymentError(
                .notProved, "\"\(id)\" was not \(change.action.pastTense) in \"\(slot.path)\"; \(now)",
                cause: error)
        }
        var message = refusal.description
        var hint: String?
        var isRejected = false
        if case .rejected = refusal.kind {
            isRejected = true
            let reason = await deployer.refusalReason(self, refusal.admin)
            message += ": \(reason.text)"
            hint = reason.hint
        }
        return DeploymentError(
            isRejected ? .rejected : .notProved,
            "\"\(id)\" was not \(change.action.pastTense): \(message); \(now)",
            hint: hint ?? Self.hint(refusal.kind))
    }

    private static func hint(_ kind: EnvoyRefusal.Kind) -> String {
        switch kind {
        case .rejected: "envoy's own log has the reason: look for [wasm] and [config] lines"
        case .unseen: "look at the slot with 'wasme status envoy'; a busy envoy may need a longer --timeout"
        case .notLoaded: "a large module may need a longer --timeout; envoy's log has more"
        case .probe:
            "try the filter with 'wasme test' or 'wasme dev', and compare the probe with what it does"
        case .trouble: "envoy's log has the trap's back trace; 'wasme dev' shows it with the request"
        }
    }
}

extension SlotRevision.Action {
    /// As in "it was not deployed".
    var pastTense: String {
        switch self {
        case .deploy: "deployed"
        case .undeploy: "undeployed"
        case .rollback: "rolled back"
        }
    }
}
