// SPDX-License-Identifier: Apache-2.0

import Deployment
import EnvoyControl
import OCI
import SystemPackage

/// What came of a change of Envoys that stand alone.
struct EnvoyChangeResult: CommandResult {
    /// One Envoy.
    struct Proof: Encodable {
        let admin: String
        let workers: Int
        let virtualMachines: Int
        /// The gauge that the build has set, if it has one.
        let marker: String?
        let probes: Int
        let restarted: Bool
        let milliseconds: Int
    }

    /// One slot.
    struct Slot: Encodable {
        let slot: String
        let revision: Int
        /// From 1; nil after its end.
        let place: Int?
        /// `proved` or `unproved`.
        let outcome: String
        let because: String?
        let proofs: [Proof]
        let notes: [String]
    }

    /// `deployed`, `undeployed` or `rolled back`.
    let action: String
    let id: String
    /// As somebody wrote it.
    let image: String?
    let digest: Digest?
    /// The revision that stands again.
    let source: Int?
    let slots: [Slot]
    /// Bytes that the filter's virtual machines begin with, in each Envoy.
    let memory: [Memory]
    private let paint: Paint
    private let lines: [EnvoyDeploymentOutcome.Member]

    /// What a filter takes in one Envoy.
    struct Memory: Encodable, Hashable {
        let admin: String
        let virtualMachines: Int
        let bytes: Int64
    }

    enum CodingKeys: CodingKey { case action, id, image, digest, source, slots, memory }

    init(
        _ action: String, _ id: String, _ outcome: EnvoyDeploymentOutcome, memory: [Memory] = [], paint: Paint
    ) {
        self.action = action
        self.id = id
        let first = outcome.members.first?.revision
        image = first?.deployment?.image.map { "\($0)" }
        digest = first?.deployment?.digest
        source = first?.source
        self.memory = memory
        self.paint = paint
        lines = outcome.members
        slots = outcome.members.map { member in
            Slot(
                slot: member.slot.string, revision: member.revision.number, place: member.revision.place,
                outcome: member.revision.outcome.name, because: member.revision.outcome.reason,
                proofs: member.proofs.map { proof in
                    Proof(
                        admin: "\(proof.admin)", workers: proof.workers,
                        virtualMachines: proof.virtualMachines,
                        marker: proof.marker, probes: proof.probes, restarted: proof.wasRestarted,
                        milliseconds: proof.milliseconds)
                }, notes: member.notes)
        }
    }

    var text: String {
        var text: [String] = []
        for member in lines {
            let revision = member.revision
            let place = revision.place.map { ", place \($0)" } ?? ""
            let back = revision.source.map { " to revision \($0)" } ?? ""
            text.append(
                "\(paint(action, .bold)) \(id)\(back) in \(member.slot) (revision \(revision.number)\(place))"
            )
            text += member.proofs.map { "\(paint("proved", .green)) on \($0.admin): \($0.summary)" }
            if let reason = revision.outcome.reason {
                text.append("\(paint("not proved", .yellow)), because \(reason)")
            }
            text += member.notes.map { "note: \($0)" }
        }
        if let most = memory.max(by: { $0.bytes < $1.bytes }) {
            text.append(
                "memory: begins with \(byteCount(most.bytes)) in \(memory.count == 1 ? "that Envoy" : "each Envoy"), for \(most.virtualMachines) virtual machines"
            )
        }
        if let image { text.append("image \(image)") }
        if let digest { text.append("\(digest)") }
        return text.joined(separator: "\n")
    }

    var brief: String { digest.map { "\($0)" } ?? id }
}
