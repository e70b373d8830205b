// SPDX-License-Identifier: Apache-2.0

/// The difference of two texts by their lines, in the unified form.
package struct LineDifference: Hashable, Sendable {
    /// Lines that begin with " ", "-", "+" or "@@"; empty if there is no difference.
    package let lines: [String]

    /// Lines around a change that are shown.
    private static let context = 2
    /// Beyond so many lines that differ in the middle, all of them are taken for changed: looking closer takes long.
    private static let maximumLines = 1_500

    /// Compares two lists of lines.
    package init(_ old: [String], _ new: [String]) {
        let start = zip(old, new).prefix(while: { $0.0 == $0.1 }).count
        let rest = min(old.count, new.count) - start
        let end = zip(old.reversed(), new.reversed()).prefix(rest).prefix(while: { $0.0 == $0.1 }).count
        let steps = Self.steps(
            Array(old[start..<old.count - end]), Array(new[start..<new.count - end]))
        let all =
            old[..<start].map { Step.same($0) } + steps
            + old[(old.count - end)...].map { Step.same($0) }
        lines = Self.hunks(all)
    }

    private enum Step {
        case same(String)
        case removed(String)
        case added(String)

        var isSame: Bool { if case .same = self { true } else { false } }

        var text: String {
            switch self {
            case .same(let line): " \(line)"
            case .removed(let line): "-\(line)"
            case .added(let line): "+\(line)"
            }
        }
    }

    private static func steps(_ old: [String], _ new: [String]) -> [Step] {
        guard old.count + new.count <= maximumLines else {
            return old.map { .removed($0) } + new.map { .added($0) }
        }
        var removed: Set<Int> = []
        var added: Set<Int> = []
        for change in new.difference(from: old) {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): added.insert(offset)
            }
        }
        var steps: [Step] = []
        var (left, right) = (0, 0)
        while left < old.count || right < new.count {
            if removed.contains(left) {
                steps.append(.removed(old[left]))
                left += 1
            } else if added.contains(right) {
                steps.append(.added(new[right]))
                right += 1
            } else {
                steps.append(.same(old[left]))
                left += 1
                right += 1
            }
        }
        return steps
    }

    private static func hunks(_ steps: [Step]) -> [String] {
        var lines: [String] = []
        var (old, new) = (1, 1)
        var index = 0
        while index < steps.count {
            guard let first = steps[index...].firstIndex(where: { !$0.isSame }) else { break }
            let start = max(index, first - context)
            old += start - index
            new += start - index
            // Changes that share their surroundings stand together.
            var end = first
            var quiet = 0
            while end < steps.count, quiet <= 2 * context {
                quiet = steps[end].isSame ? quiet + 1 : 0
                end += 1
            }
            end -= max(0, quiet - context)
            let hunk = steps[start..<end]
            let counts = (
                old: hunk.count { if case .added = $0 { false } else { true } },
                new: hunk.count { if case .removed = $0 { false } else { true } }
            )
            lines.append("@@ -\(old),\(counts.old) +\(new),\(counts.new) @@")
            lines += hunk.map(\.text)
            old += counts.old
            new += counts.new
            index = end
        }
        return lines
    }
}
