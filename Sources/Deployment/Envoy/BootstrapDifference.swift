// SPDX-License-Identifier: Apache-2.0

/// A stretch of lines that a change of a text replaces by others.
package struct BootstrapDifference: Hashable, Sendable {
    /// The first line that goes, or the one before which the new ones come, from 1.
    package let line: Int
    package let removed: [String]
    package let added: [String]

    /// As in a unified difference without context.
    package var lines: [String] {
        ["@@ line \(line) @@"] + removed.map { "-\($0)" } + added.map { "+\($0)" }
    }
}

extension BootstrapEdits {
    /// The lines that the edits change, in order.
    func differences() -> [BootstrapDifference] {
        var result: [BootstrapDifference] = []
        var pending: [(range: Range<Int>, text: String)] = []
        func flush() {
            guard let first = pending.first, let last = pending.last else { return }
            let start = source.lineStarts[source.line(first.range.lowerBound)]
            let lastLine = source.line(last.range.upperBound)
            // An edit that ends where a line begins does not touch that line, unless something is put in there.
            let endsAtStart =
                source.lineStarts[lastLine] == last.range.upperBound
                && last.range.lowerBound < last.range.upperBound
            let end =
                endsAtStart
                ? last.range.upperBound
                : (lastLine + 1 < source.lineStarts.count
                    ? source.lineStarts[lastLine + 1] : source.bytes.count)
            var new = ""
            var done = start
            for (range, text) in pending where range.lowerBound >= done {
                new += source.text(done..<range.lowerBound) + text
                done = range.upperBound
            }
            new += source.text(done..<max(end, done))
            var old = Self.lines(source.text(start..<max(end, done)))
            var added = Self.lines(new)
            var line = source.line(start) + 1
            while let one = old.first, one == added.first {
                old.removeFirst()
                added.removeFirst()
                line += 1
            }
            while let one = old.last, one == added.last {
                old.removeLast()
                added.removeLast()
            }
            // Something may have been replaced by the same.
            if !old.isEmpty || !added.isEmpty {
                result.append(BootstrapDifference(line: line, removed: old, added: added))
            }
            pending = []
        }
        for edit in sorted {
            if let last = pending.last,
                source.line(edit.range.lowerBound) > source.line(last.range.upperBound)
            {
                flush()
            }
            pending.append(edit)
        }
        flush()
        return result
    }

    private static func lines(_ text: String) -> [String] {
        var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map(String.init)
        if lines.last == "" { lines.removeLast() }
        return lines
    }
}
