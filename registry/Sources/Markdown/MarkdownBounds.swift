// SPDX-License-Identifier: Apache-2.0

/// Refuses the texts that the parser needs far more time or memory for than their length says.
///
/// What each rule is for was measured with the library of Debian 12 (0.29.0.gfm.6): a table fills up each line to its
/// widest, a definition is copied to each of its uses, a bare link is searched anew for each bracket at its end.
enum MarkdownBounds {
    /// Bytes of lines without an empty one between them.
    private static let longestParagraph = 32 << 10
    /// Columns of a table, and its cells.
    private static let mostColumns = 64
    private static let mostCells = 100_000
    /// Bytes that all uses of the longest definition take.
    private static let mostCopies = 4 << 20
    /// Closing brackets and at-signs in one word.
    private static let mostMarks = 100

    static func allow(_ bytes: [UInt8]) -> Bool {
        var columns = 0
        var lines = 0
        var paragraph = 0
        var longestDefinition = 0
        var isDefinition = false
        var uses = 0
        for line in bytes.split(omittingEmptySubsequences: false, whereSeparator: isLineEnd) {
            lines += 1
            guard words(of: line) else { return false }
            uses += line.count { $0 == UInt8(ascii: "[") }
            if isBlank(line) {
                paragraph = 0
                isDefinition = false
                continue
            }
            paragraph += line.count + 1
            guard paragraph <= longestParagraph else { return false }
            isDefinition = isDefinition || holdsDefinition(line)
            if isDefinition { longestDefinition = max(longestDefinition, paragraph) }
            let width = tableWidth(line)
            guard width <= mostColumns else { return false }
            columns = max(columns, width)
        }
        return columns * lines <= mostCells
            && longestDefinition.multipliedReportingOverflow(by: uses).partialValue <= mostCopies
    }

    private static func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

    private static func isBlank(_ line: ArraySlice<UInt8>) -> Bool {
        line.allSatisfy { $0 == 0x20 || $0 == 0x09 }
    }

    private static func words(of line: ArraySlice<UInt8>) -> Bool {
        var marks = 0
        for byte in line {
            switch byte {
            case 0x20, 0x09: marks = 0
            case UInt8(ascii: ")"), UInt8(ascii: "@"):
                marks += 1
                if marks > mostMarks { return false }
            default: break
            }
        }
        return true
    }

    private static func holdsDefinition(_ line: ArraySlice<UInt8>) -> Bool {
        zip(line, line.dropFirst()).contains { $0 == UInt8(ascii: "]") && $1 == UInt8(ascii: ":") }
    }

    /// Columns that the line gives a table, if it is one that stands below a table's head.
    private static func tableWidth(_ line: ArraySlice<UInt8>) -> Int {
        var bars = 0
        for byte in line {
            switch byte {
            case UInt8(ascii: "|"): bars += 1
            case UInt8(ascii: "-"), UInt8(ascii: ":"), 0x20, 0x09, UInt8(ascii: ">"): break
            // A list or a quote may stand before it.
            case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "."):
                break
            default: return 0
            }
        }
        return bars + 1
    }
}
