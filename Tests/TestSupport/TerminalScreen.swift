// SPDX-License-Identifier: Apache-2.0

/// What a person sees on a terminal after a program's output: as much of ECMA-48 as our programs may write.
package struct TerminalScreen {
    package let columns: Int
    private var lines: [[Unicode.Scalar]] = [[]]
    private var row = 0
    private var column = 0
    /// Escape sequences that are not understood, and control characters that have no place in a display.
    package private(set) var strange: [String] = []
    /// How often a colour or another rendition was set.
    package private(set) var renditions = 0
    /// How often the cursor went up, which is once for each drawing over an earlier one.
    package private(set) var climbs = 0

    package init(columns: Int) { self.columns = columns }

    /// The lines from top to bottom, without blanks and empty lines at their ends.
    package var shown: [String] {
        var shown = lines.map { line -> String in
            var line = line[...]
            while line.last == " " { line.removeLast() }
            return String(String.UnicodeScalarView(line))
        }
        while shown.last?.isEmpty == true { shown.removeLast() }
        return shown
    }

    /// Takes in output, escape sequences only as a whole.
    package mutating func write(_ text: String) {
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\r": column = 0
            case "\n":
                column = 0
                down()
            case "\u{1B}": escape(&rest)
            case _ where scalar.value < 0x20 || scalar.value == 0x7F: strange.append("\(scalar.value)")
            default: put(scalar)
            }
        }
    }

    private mutating func escape(_ rest: inout Substring.UnicodeScalarView) {
        guard rest.popFirst() == "[" else { return strange.append("escape") }
        var parameter = ""
        while let next = rest.first, next.value < 0x40 {
            parameter.unicodeScalars.append(next)
            rest.removeFirst()
        }
        switch rest.popFirst() {
        case "A":
            row = max(row - (Int(parameter) ?? 1), 0)
            climbs += 1
        case "K" where parameter.isEmpty: lines[row].removeLast(max(lines[row].count - column, 0))
        case "J" where parameter.isEmpty:
            lines[row].removeLast(max(lines[row].count - column, 0))
            lines.removeLast(lines.count - 1 - row)
        case "m": renditions += 1
        case let final: strange.append("[\(parameter)\(final.map(String.init) ?? "")")
        }
    }

    private mutating func put(_ scalar: Unicode.Scalar) {
        if column == columns {
            column = 0
            down()
        }
        while lines[row].count <= column { lines[row].append(" ") }
        lines[row][column] = scalar
        column += 1
    }

    private mutating func down() {
        row += 1
        if row == lines.count { lines.append([]) }
    }
}
