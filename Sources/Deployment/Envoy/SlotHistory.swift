// SPDX-License-Identifier: Apache-2.0

import Files
import JSON
package import SystemPackage

/// What was done in a slot, oldest first: a file to which lines are added and from which none is taken.
///
/// A change is two lines, one before the first write and one when it is known what came of it.
package struct SlotHistory: Sendable {
    package let file: FilePath
    package private(set) var revisions: [SlotRevision] = []
    /// Lines that cannot be read: what a full disk or a killed command left.
    package private(set) var damagedLines = 0
    /// Whether the last line has no end.
    private var isTorn = false

    /// Reads a history; one that is not there is empty.
    package init(_ file: FilePath) throws {
        self.file = file
        guard Files.kind(file) != nil else { return }
        let bytes = try Files.read(file, limit: 1 << 30)
        isTorn = bytes.last.map { $0 != UInt8(ascii: "\n") } ?? false
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            guard let entry = (try? JSONValue(parsing: line)).flatMap(SlotHistoryEntry.init) else {
                damagedLines += 1
                continue
            }
            apply(entry)
        }
    }

    private mutating func apply(_ entry: SlotHistoryEntry) {
        switch entry {
        case .revision(let revision): revisions.append(revision)
        case .outcome(let id, let number, let outcome):
            if let index = revisions.lastIndex(where: { $0.id == id && $0.number == number }) {
                revisions[index].outcome = outcome
            }
        }
    }

    // MARK: - Writing

    /// Adds a change that is about to be made; it is on the disk when this returns.
    package mutating func begin(_ revision: SlotRevision) throws { try append(.revision(revision)) }

    /// Adds what came of a change.
    package mutating func end(_ revision: SlotRevision, _ outcome: SlotRevision.Outcome) throws {
        try append(.outcome(id: revision.id, number: revision.number, outcome))
    }

    private mutating func append(_ entry: SlotHistoryEntry) throws {
        let isNew = Files.kind(file) == nil
        // Configurations and the values of variables may be secrets; a file that is there keeps the mode that it has.
        try Files.append("\(isTorn ? "\n" : "")\(entry.json)\n", to: file, permissions: .ownerReadWrite)
        isTorn = false
        try Files.synchronize(isNew ? [file, file.removingLastComponent()] : [file])
        apply(entry)
    }

    // MARK: - Asking

    /// The changes of one deployment, oldest first.
    package func revisions(of id: String) -> [SlotRevision] { revisions.filter { $0.id == id } }

    /// What stands now of a deployment: its last change that was not taken back; nil if it has been undeployed.
    package func current(_ id: String) -> SlotRevision? {
        guard let last = revisions.last(where: { $0.id == id && $0.stands }), last.action != .undeploy else {
            return nil
        }
        return last
    }

    /// All deployments that there ever were, in the order in which they came first.
    package var ids: [String] {
        var seen: Set<String> = []
        return revisions.map(\.id).filter { seen.insert($0).inserted }
    }

    /// What is deployed, in the order in which filters stand: by priority, then by when each came.
    package var deployed: [SlotRevision] {
        var order: [String] = []
        for revision in revisions where revision.stands {
            if revision.action == .undeploy {
                order.removeAll { $0 == revision.id }
            } else if !order.contains(revision.id) {
                order.append(revision.id)
            }
        }
        return Self.ordered(order.compactMap(current))
    }

    /// In the order in which filters stand; of equal priority the one that came first.
    static func ordered(_ revisions: [SlotRevision]) -> [SlotRevision] {
        revisions.enumerated().sorted { left, right in
            let (one, other) = (
                left.element.deployment?.priority ?? 0, right.element.deployment?.priority ?? 0
            )
            return one == other ? left.offset < right.offset : one > other
        }.map(\.element)
    }

    /// The number for the next change of a deployment.
    package func nextNumber(_ id: String) -> Int { (revisions(of: id).map(\.number).max() ?? 0) + 1 }

    /// Changes of which nobody knows what came.
    package var unfinished: [SlotRevision] { revisions.filter { $0.outcome == .pending } }

    /// The revision to go back to: the last one that was good before what stands now.
    package func previous(of id: String) -> SlotRevision? {
        let all = revisions(of: id)
        let current = current(id)
        // What has been gone back to once is what stands: the one before it is the one before its source.
        let bound = current.map { $0.source ?? $0.number } ?? .max
        return all.last { $0.number < bound && $0.action == .deploy && $0.isGood }
    }

    /// The modules that are kept for what may be gone back to: those of the last revisions of each deployment.
    package func keptModules(revisions count: Int = 10) -> Set<String> {
        Set(ids.flatMap { id in revisions(of: id).suffix(count).compactMap(\.module) })
    }
}

extension SlotRevision {
    /// Whether it can be gone back to.
    fileprivate var isGood: Bool {
        switch outcome {
        case .proved, .unproved: deployment != nil
        case .pending, .failed, .stuck: false
        }
    }
}
