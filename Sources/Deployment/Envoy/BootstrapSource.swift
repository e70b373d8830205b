// SPDX-License-Identifier: Apache-2.0

/// The text of a bootstrap with what is needed to change it in place: offsets of marks, lines, and items of lists.
struct BootstrapSource {
    let bytes: [UInt8]
    /// Offset of each line's first byte, lines as libyaml counts them.
    let lineStarts: [Int]

    init(_ text: String) {
        bytes = Array(text.utf8)
        var starts = [0]
        var offset = 0
        while offset < bytes.count {
            let length = Self.lineEnd(bytes, at: offset)
            offset += max(length, 1)
            if length > 0 { starts.append(offset) }
        }
        lineStarts = starts
    }

    /// The length of the line end at an offset: LF, CR, CRLF, and NEL, LS and PS, which YAML 1.1 has; 0 for none.
    static func lineEnd(_ bytes: [UInt8], at offset: Int) -> Int {
        func has(_ sequence: UInt8...) -> Bool { bytes[offset...].starts(with: sequence) }
        if has(0x0d, 0x0a) || has(0xc2, 0x85) { return 2 }
        if has(0x0a) || has(0x0d) { return 1 }
        return has(0xe2, 0x80, 0xa8) || has(0xe2, 0x80, 0xa9) ? 3 : 0
    }

    /// The offset of a place, whose column counts Unicode scalars.
    func offset(_ place: BootstrapTree.Place) -> Int? {
        guard lineStarts.indices.contains(place.line - 1) else { return nil }
        var offset = lineStarts[place.line - 1]
        for _ in 1..<max(place.column, 1) {
            guard offset < bytes.count else { return nil }
            offset += 1
            while offset < bytes.count, bytes[offset] & 0xc0 == 0x80 { offset += 1 }
        }
        return offset
    }

    /// The number of the line that holds an offset, from 0.
    func line(_ offset: Int) -> Int {
        var low = 0
        var high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        return low
    }

    /// A line without its end.
    func content(ofLine line: Int) -> Range<Int> {
        let start = lineStarts[line]
        let next = line + 1 < lineStarts.count ? lineStarts[line + 1] : bytes.count
        var end = next
        while end > start, Self.lineEnd(bytes, at: end - 1) > 0 || isInsideLineEnd(end - 1) { end -= 1 }
        return start..<end
    }

    private func isInsideLineEnd(_ offset: Int) -> Bool {
        [1, 2].contains { back in offset >= back && Self.lineEnd(bytes, at: offset - back) > back }
    }

    /// The line end to write after the line of an offset: its own, or the text's first.
    func lineEnd(at offset: Int) -> String {
        for line in [line(offset), 0] {
            let content = content(ofLine: line)
            let next = line + 1 < lineStarts.count ? lineStarts[line + 1] : bytes.count
            if next > content.upperBound {
                return String(decoding: bytes[content.upperBound..<next], as: UTF8.self)
            }
        }
        return "\n"
    }

    /// What stands before an offset in its line.
    func prefix(_ offset: Int) -> String {
        String(decoding: bytes[lineStarts[line(offset)]..<offset], as: UTF8.self)
    }

    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    // MARK: - lists

    /// A list as it is written.
    enum List {
        /// Each item from its dash to the end of its last line, and the column of the dashes.
        case block([Range<Int>], column: Int)
        /// Each item without the commas and white space around it.
        case flow([Range<Int>])
    }

    /// Finds the items of the list that starts at a place.
    func list(at place: BootstrapTree.Place) -> List? {
        guard let offset = contentStart(place) else { return nil }
        switch bytes[offset] {
        case UInt8(ascii: "["): return flowItems(offset).map { .flow($0) }
        case UInt8(ascii: "-"): return blockItems(offset)
        default: return nil
        }
    }

    /// Where the content of what starts at a place begins, behind an anchor or a tag.
    func contentStart(_ place: BootstrapTree.Place) -> Int? {
        guard var offset = offset(place) else { return nil }
        while true {
            offset = skipSpace(offset)
            guard offset < bytes.count else { return nil }
            // The mark of a document's first node may be that of its byte order mark.
            if offset == 0, bytes.starts(with: [0xef, 0xbb, 0xbf]) {
                offset = 3
                continue
            }
            guard bytes[offset] == UInt8(ascii: "&") || bytes[offset] == UInt8(ascii: "!") else {
                return offset
            }
            while offset < bytes.count, !isSpace(offset), Self.lineEnd(bytes, at: offset) == 0 {
                offset += 1
            }
        }
    }

    private func blockItems(_ first: Int) -> List? {
        let firstLine = line(first)
        let column = first - lineStarts[firstLine]
        var items = [first..<content(ofLine: firstLine).upperBound]
        for line in (firstLine + 1)..<max(lineStarts.count, firstLine + 1) {
            let content = content(ofLine: line)
            let start = content.first { bytes[$0] != UInt8(ascii: " ") } ?? content.upperBound
            if start == content.upperBound { continue }
            if bytes[start] == UInt8(ascii: "#") { continue }
            let indentation = start - content.lowerBound
            if indentation > column {
                items[items.count - 1] = items[items.count - 1].lowerBound..<content.upperBound
            } else if indentation == column, isDash(start) {
                items.append(start..<content.upperBound)
            } else {
                break
            }
        }
        return .block(items, column: column)
    }

    func isDash(_ offset: Int) -> Bool {
        bytes[offset] == UInt8(ascii: "-")
            && (offset + 1 == bytes.count || isSpace(offset + 1) || Self.lineEnd(bytes, at: offset + 1) > 0)
    }

    /// The items of a flow list or map that opens at an offset, without the commas and white space around them.
    func flowItems(_ open: Int) -> [Range<Int>]? {
        var items: [Range<Int>] = []
        var depth = 0
        var start: Int?
        var end = open
        var offset = open
        while offset < bytes.count {
            let byte = bytes[offset]
            var next = offset + 1
            switch byte {
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                // Within a plain scalar a quote is an ordinary character.
                if startsScalar(offset) { next = endOfQuoted(offset) }
            case UInt8(ascii: "#") where offset == 0 || isSpace(offset - 1) || isLineStart(offset):
                offset = content(ofLine: line(offset)).upperBound
                continue
            default: break
            }
            if depth == 0 || (depth == 1 && byte == UInt8(ascii: ",")) {
                if let start { items.append(start..<end) }
                start = nil
                if depth == 0 { return items }
            } else if offset > open, !isSpace(offset), Self.lineEnd(bytes, at: offset) == 0 {
                start = start ?? offset
                end = next
            }
            offset = next
        }
        return nil
    }

    private func isLineStart(_ offset: Int) -> Bool { lineStarts[line(offset)] == offset }

    func isSpace(_ offset: Int) -> Bool { bytes[offset] == 0x20 || bytes[offset] == 0x09 }

    /// Whether a quote opens a scalar: only a separator can stand before it.
    private func startsScalar(_ offset: Int) -> Bool {
        guard offset > 0 else { return true }
        return isSpace(offset - 1) || isLineStart(offset)
            || [UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: ","), UInt8(ascii: ":")].contains(
                bytes[offset - 1])
    }

    private func endOfQuoted(_ open: Int) -> Int {
        let quote = bytes[open]
        var offset = open + 1
        while offset < bytes.count {
            if bytes[offset] == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                offset += 2
            } else if bytes[offset] == quote {
                // Two single quotes stand for one; the second opens the rest of the scalar.
                guard quote == UInt8(ascii: "'"), offset + 1 < bytes.count, bytes[offset + 1] == quote else {
                    return offset + 1
                }
                offset += 2
            } else {
                offset += 1
            }
        }
        return bytes.count
    }

    /// Passes over white space, line ends and comments.
    func skipSpace(_ start: Int) -> Int {
        var offset = start
        while offset < bytes.count {
            if isSpace(offset) {
                offset += 1
            } else if Self.lineEnd(bytes, at: offset) > 0 {
                offset += Self.lineEnd(bytes, at: offset)
            } else if bytes[offset] == UInt8(ascii: "#") {
                offset = content(ofLine: line(offset)).upperBound
            } else {
                break
            }
        }
        return offset
    }

    /// Where to put an item so that the comment lines right above a dash stay with it.
    func aboveComments(_ dash: Int, column: Int) -> Int {
        var line = line(dash)
        guard bytes[lineStarts[line]..<dash].allSatisfy({ $0 == UInt8(ascii: " ") }) else { return dash }
        var result = dash
        while line > 0 {
            line -= 1
            let content = content(ofLine: line)
            let start = content.first { bytes[$0] != UInt8(ascii: " ") } ?? content.upperBound
            guard start - content.lowerBound == column, start < content.upperBound,
                bytes[start] == UInt8(ascii: "#")
            else { break }
            result = start
        }
        return result
    }
}
