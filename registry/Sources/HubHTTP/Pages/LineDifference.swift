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

    /// Lines between the first and the last difference: to compare them takes the square of their number.
    private static let mostLines = 400
    /// Lines that are shown before and after what differs.
    private static let context = 2

    let lines: [Line]

    /// Nil for texts in which too much differs to be compared.
    init?(_ old: String, _ new: String) {
        let before = Self.lines(of: old)
        let after = Self.lines(of: new)
        let head = zip(before, after).prefix { $0 == $1 }.count
        let tail = zip(before.dropFirst(head).reversed(), after.dropFirst(head).reversed())
            .prefix { $0 == $1 }.count
        let middles = [before, after].map { $0.dropFirst(head).dropLast(tail) }
        guard middles.allSatisfy({ $0.count <= Self.mostLines }) else { return nil }
        // Numbers are compared faster than lines.
        var numbers: [String: Int] = [:]
        let numbered = middles.map { lines in
            lines.map { line in
                let number = numbers[line] ?? numbers.count
                numbers[line] = number
                return number
            }
        }
        let difference = numbered[1].difference(from: numbered[0])
        var removed: Set<Int> = []
        var added: Set<Int> = []
        for change in difference {
            switch change {
            case .remove(let offset, _, _): removed.insert(head + offset)
            case .insert(let offset, _, _): added.insert(head + offset)
            }
        }
        var all: [Line] = []
        var left = 0
        var right = 0
        while left < before.count || right < after.count {
            if left < before.count, removed.contains(left) {
                all.append(Line(kind: .removed, text: before[left]))
                left += 1
            } else if right < after.count, added.contains(right) {
                all.append(Line(kind: .added, text: after[right]))
                right += 1
            } else if right < after.count {
                all.append(Line(kind: .kept, text: after[right]))
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
