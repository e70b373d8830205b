// SPDX-License-Identifier: Apache-2.0

import Deployment
import EnvoyControl

/// Tells what happens while Envoys are changed: all of it on a terminal, and in a pipe what went another way than expected.
struct EnvoyNarrator: Sendable {
    let terminal: Terminal
    let quiet: Bool

    func tell(_ event: EnvoyDeploymentEvent) {
        guard !quiet, let line = line(event) else { return }
        terminal.note(line)
    }

    private func line(_ event: EnvoyDeploymentEvent) -> String? {
        let paint = Paint(isActive: terminal.showsNoteColour)
        func step(_ text: String) -> String? { terminal.showsProgress ? paint(text, .dim) : nil }
        switch event {
        case .waiting(let slot, let holder): return "waiting for \"\(slot)\": \(holder) is at it"
        case .surveyed(let survey):
            return step("\(survey.admin) is Envoy \(survey.version) with \(workers(survey.concurrency))")
        case .unfinished(let slot, let revision):
            return paint("warning:", .yellow)
                + " revision \(revision.number) of \"\(revision.id)\" in \"\(slot)\" was begun by \(revision.who) at \(revision.time), and nobody knows what came of it"
        case .validated(let version, let isSame):
            return step(
                "Envoy \(version) of this machine loads it\(isSame ? "" : ", which is another version")")
        case .doubted(let version, let reason):
            return paint("warning:", .yellow)
                + " Envoy \(version) of this machine, another version than those that are to run it, does not load it: \(reason)"
        case .written(let slot, let place, let id):
            return step("\(id.map { "\"\($0)\"" } ?? "nothing") is in place \(place) of \(slot)")
        case .accepted(let admin, let place): return step("\(admin) has taken place \(place)")
        case .proved(let proof): return step("\(proof.admin) runs it: \(proof.summary)")
        case .returning(let slot, let reason):
            return paint("taking it back", .yellow) + " in \"\(slot)\": \(reason)"
        case .returned(let slot): return "what was there before is back in \"\(slot)\""
        }
    }

    private func workers(_ count: Int) -> String { count == 1 ? "1 worker" : "\(count) workers" }
}

extension EnvoyProof {
    /// What was seen, in one line.
    var summary: String {
        var parts = [
            "\(virtualMachines) virtual machines on \(workers) \(workers == 1 ? "worker" : "workers")"
        ]
        if let marker { parts.append("\(marker) is set") }
        if probes > 0 { parts.append("\(probes) \(probes == 1 ? "probe" : "probes") answered as expected") }
        if wasRestarted { parts.append("it was started again meanwhile") }
        return parts.joined(separator: ", ") + " after \(milliseconds) ms"
    }

    var milliseconds: Int { Int(duration / .milliseconds(1)) }
}
