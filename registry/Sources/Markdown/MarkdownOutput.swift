// SPDX-License-Identifier: Apache-2.0

/// HTML in the making: in parts, each of which stands by itself.
///
/// What is open at the end of a part is closed there, and opened again in the next. A part is ended once it has `limit`
/// bytes; it can be longer by a few tags and a link.
struct MarkdownOutput {
    /// Elements inside each other; deeper ones are left out, and what is in them stays.
    private static let deepest = 40
    /// Scalars that are written before it is looked whether there is room.
    private static let piece = 256

    private(set) var parts: [String] = []
    /// Whether there was more than so many parts hold.
    private(set) var isCut = false
    private let limit: Int
    private let mostParts: Int
    /// The part that is being written.
    private var html = ""
    /// The tags of the open elements; empty ones belong to an element that was left out.
    private var elements: [(start: String, end: String)] = []
    private var depth = 0

    init(limit: Int, mostParts: Int) {
        self.limit = limit
        self.mostParts = mostParts
    }

    /// Goes on in another part if this one is full; false if there may be no more.
    mutating func hasRoom() -> Bool {
        guard html.utf8.count >= limit else { return true }
        guard parts.count + 1 < mostParts else {
            isCut = true
            return false
        }
        finish()
        html = elements.reduce(into: "") { $0 += $1.start }
        return true
    }

    /// Ends the part.
    mutating func finish() {
        for element in elements.reversed() { html += element.end }
        parts.append(html)
    }

    /// Opens an element; without tags it is one of which only the content stays.
    mutating func open(_ start: String, _ end: String) {
        guard depth < Self.deepest, !end.isEmpty else { return elements.append(("", "")) }
        depth += 1
        html += start
        elements.append((start, end))
    }

    /// Closes the element that was opened last.
    mutating func close() {
        guard let element = elements.popLast() else { return }
        if !element.end.isEmpty { depth -= 1 }
        html += element.end
    }

    /// Writes HTML as it is.
    mutating func writeTag(_ tag: String) { html += tag }

    /// Writes text piece by piece, so that a long one goes on in the next part.
    mutating func write(_ text: String) {
        let scalars = text.unicodeScalars
        var place = scalars.startIndex
        while place < scalars.endIndex, hasRoom() {
            var next =
                scalars.index(place, offsetBy: Self.piece, limitedBy: scalars.endIndex) ?? scalars.endIndex
            // A part ends between words, where there are any.
            if next < scalars.endIndex,
                let space = scalars[place..<next].lastIndex(where: { $0 == " " || $0 == "\n" })
            {
                next = scalars.index(after: space)
            }
            html += HTMLText.escaped(text[place..<next])
            place = next
        }
    }

    /// Writes text in an element of its own, however deep that is.
    mutating func write(_ text: String, in start: String, _ end: String) {
        html += start
        elements.append((start, end))
        write(text)
        elements.removeLast()
        html += end
    }
}
