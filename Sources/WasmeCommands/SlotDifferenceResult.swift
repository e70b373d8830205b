// SPDX-License-Identifier: Apache-2.0

import Deployment
import DevLoop
import OCI
import SystemPackage

/// What a deploy would change in slots.
struct SlotDifferenceResult: CommandResult {
    /// One file.
    struct Change: Encodable {
        let file: String
        /// From 1; nil for a module.
        let place: Int?
        /// Lines of a unified difference; none for a module.
        let lines: [String]
        /// The bytes of a module that would be new.
        let moduleSize: Int?
    }

    /// One slot.
    struct Slot: Encodable {
        let slot: String
        let changes: [Change]
    }

    let id: String
    let digest: Digest
    let slots: [Slot]
    private let paint: Paint

    enum CodingKeys: CodingKey { case id, digest, slots }

    init(_ deployment: FilterDeployment, _ differences: [EnvoySlotDifference], paint: Paint) {
        id = deployment.id
        digest = deployment.digest
        self.paint = paint
        func lines(_ text: String?) -> [String] {
            var lines = (text ?? "").split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            if lines.last == "" { lines.removeLast() }
            return lines
        }
        slots = differences.map { difference in
            Slot(
                slot: difference.slot.string,
                changes: difference.changes.map { change in
                    Change(
                        file: change.file.string, place: change.place,
                        lines: change.moduleSize == nil
                            ? LineDifference(lines(change.old), lines(change.new)).lines : [],
                        moduleSize: change.moduleSize)
                })
        }
    }

    /// Whether anything would change.
    var isEmpty: Bool { slots.allSatisfy { $0.changes.isEmpty } }

    var text: String {
        slots.flatMap { slot -> [String] in
            guard !slot.changes.isEmpty else { return ["\(slot.slot) has \"\(id)\" like this already"] }
            return slot.changes.flatMap { change in
                if let size = change.moduleSize {
                    return ["would write \(change.file) (\(byteCount(Int64(size))))"]
                }
                return ["--- \(change.file)", "+++ \(change.file)"] + change.lines.map(painted)
            }
        }.joined(separator: "\n")
    }

    var brief: String { slots.flatMap(\.changes).map(\.file).joined(separator: "\n") }

    private func painted(_ line: String) -> String {
        switch line.first {
        case "-": paint(line, .red)
        case "+": paint(line, .green)
        case "@": paint(line, .cyan)
        default: line
        }
    }
}
