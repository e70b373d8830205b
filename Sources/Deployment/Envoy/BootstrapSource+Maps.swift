// SPDX-License-Identifier: Apache-2.0

extension BootstrapSource {
    /// A map as it is written.
    enum Map {
        /// Each field from its key to the end of its last line, and the column of the keys.
        case block([Range<Int>], column: Int)
        /// Each field without the commas and white space around it, and where the brace opens.
        case flow([Range<Int>], open: Int)
    }

    /// Finds the fields of a map that was read from this text.
    func map(_ tree: BootstrapTree) -> Map? {
        guard let place = tree.place, let fields = tree.fields, let start = contentStart(place) else {
            return nil
        }
        if bytes[start] == UInt8(ascii: "{") {
            guard let ranges = flowItems(start), ranges.count == fields.count else { return nil }
            return .flow(ranges, open: start)
        }
        let keys = fields.compactMap { $0.key.place.flatMap(contentStart) }
        guard keys.count == fields.count, keys.first == start, let first = keys.first else { return nil }
        let column = column(first)
        return .block(keys.map { $0..<blockEnd($0, column: column) }, column: column)
    }

    /// How many bytes stand before an offset in its line.
    private func column(_ offset: Int) -> Int {
        let line = line(offset)
        let start = line == 0 && bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : lineStarts[line]
        return offset - start
    }

    /// The end of the last line of a field of a block map: lines that are indented more than its key belong to it, and
    /// the items of a list right below the key.
    private func blockEnd(_ key: Int, column: Int) -> Int {
        var end = content(ofLine: line(key)).upperBound
        for line in (line(key) + 1)..<max(lineStarts.count, line(key) + 1) {
            let content = content(ofLine: line)
            let start = content.first { bytes[$0] != UInt8(ascii: " ") } ?? content.upperBound
            if start == content.upperBound || bytes[start] == UInt8(ascii: "#") { continue }
            let indentation = start - content.lowerBound
            guard indentation > column || (indentation == column && isDash(start)) else { break }
            end = content.upperBound
        }
        return end
    }

    /// The whole lines of something that has them to itself, or nil.
    func lines(_ range: Range<Int>) -> Range<Int>? {
        let start = lineStarts[line(range.lowerBound)]
        guard bytes[start..<range.lowerBound].allSatisfy({ $0 == UInt8(ascii: " ") }) else { return nil }
        let next = line(max(range.upperBound - 1, range.lowerBound)) + 1
        return start..<(next < lineStarts.count ? lineStarts[next] : bytes.count)
    }

    /// An item of a flow list or map with the comma behind it, and with its line end if it has lines to itself; nil for
    /// the last one.
    func withComma(_ range: Range<Int>) -> Range<Int>? {
        var end = skipSpace(range.upperBound)
        guard end < bytes.count, bytes[end] == UInt8(ascii: ",") else { return nil }
        end += 1
        while end < bytes.count, isSpace(end) { end += 1 }
        let ownsLine = prefix(range.lowerBound).allSatisfy { $0 == " " || $0 == "\t" }
        if ownsLine, end < bytes.count {
            let length = Self.lineEnd(bytes, at: end)
            if length > 0 {
                end += length
                while end < bytes.count, isSpace(end) { end += 1 }
            }
        }
        return range.lowerBound..<end
    }
}
