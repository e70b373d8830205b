// SPDX-License-Identifier: Apache-2.0

/// A small picture for other sites: what something is called, and which version there is of it.
struct Badge {
    let label: String
    let text: String

    private static let height = 20
    /// About as wide as a letter of the font is; the picture says how wide the whole text must be.
    private static let letter = 7

    /// It has its colours in itself, as no style sheet goes with it.
    func svg() -> String {
        let first = width(label)
        let second = width(text)
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(first + second)" height="\(Self.height)" role="img" \
            aria-label="\(escaped("\(label): \(text)"))"><title>\(escaped("\(label): \(text)"))</title>\
            <rect width="\(first + second)" height="\(Self.height)" rx="3" fill="#3d4754"/>\
            <path d="M\(first) 0h\(second - 3)a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-\(second - 3)z" fill="#0b57b0"/>\
            <g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">\
            \(drawn(label, at: 6, width: first))\(drawn(text, at: first + 6, width: second))</g></svg>

            """
    }

    private func width(_ text: String) -> Int { text.unicodeScalars.count * Self.letter + 12 }

    private func drawn(_ text: String, at left: Int, width: Int) -> String {
        "<text x=\"\(left)\" y=\"14\" textLength=\"\(width - 12)\" lengthAdjust=\"spacingAndGlyphs\">\(escaped(text))</text>"
    }
}
