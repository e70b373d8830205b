// SPDX-License-Identifier: Apache-2.0

/// What differs between two texts, line by line, with the lines around it.
struct LineDifference {
    enum Kind {
        case added, removed, kept
        /// Lines that are the same in both were left out here.
        case gap
    }

    struct Line {
        let kind: Kind
        let text: String
    }

    /// Lines of a text that are compared, and characters of one that are shown: both texts may be a stranger's.
    private static let mostLines = 1000
    private static let longestLine = 500
    /// Lines that are shown before and after what differs.
    private static let context = 2

    let lines: [Line]

    /// Nil for texts that are too long to be compared.
    init?(_ old: String, _ new: String) {
        let before = Self.lines(of: old)
        let after = Self.lines(of: new)
        guard before.count <= Self.mostLines, after.count <= Self.mostLines else { return nil }
        let difference = after.difference(from: before)
        var removed: Set<Int> = []
        var added: Set<Int> = []
        for change in difference {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): added.insert(offset)
            }
        }
        var all: [Line] = []
        var left = 0
        var right = 0
        while left < before.count || right < after.count {
            if left < before.count, removed.contains(left) {
                all.append(Line(kind: .removed, text: Self.shown(before[left])))
                left += 1
            } else if right < after.count, added.contains(right) {
                all.append(Line(kind: .added, text: Self.shown(after[right])))
                right += 1
            } else if right < after.count {
                all.append(Line(kind: .kept, text: Self.shown(after[right])))
                left += 1
                right += 1
            } else {
                break
            }
        }
        lines = Self.aroundChanges(all)
    }

    private static func lines(of text: String) -> [String] {
        text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    private static func shown(_ line: String) -> String { String(line.prefix(longestLine)) }

    private static func aroundChanges(_ lines: [Line]) -> [Line] {
        var isShown = Array(repeating: false, count: lines.count)
        for (place, line) in lines.enumerated() where line.kind != .kept {
            for near in max(0, place - context)...min(lines.count - 1, place + context) {
                isShown[near] = true
            }
        }
        var result: [Line] = []
        for (place, line) in lines.enumerated() {
            if isShown[place] {
                result.append(line)
            } else if result.last?.kind != .gap {
                result.append(Line(kind: .gap, text: "…"))
            }
        }
        return result
    }
}
