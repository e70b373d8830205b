// SPDX-License-Identifier: Apache-2.0

/// Text of strangers on its way into a page.
package enum HTMLText {
    /// Text as HTML, for elements and for attributes in quotes, escaped scalar by scalar.
    ///
    /// What would turn the order of the text round, or is not to be seen, becomes a mark. Going by characters would not
    /// do: a quote with a combining accent is one character, and a browser takes it for a quote.
    package static func escaped(_ text: some StringProtocol) -> String {
        var html = ""
        html.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "<": html += "&lt;"
            case ">": html += "&gt;"
            case "&": html += "&amp;"
            case "\"": html += "&quot;"
            case "'": html += "&#39;"
            default: html.unicodeScalars.append(isDeceptive(scalar) ? "\u{FFFD}" : scalar)
            }
        }
        return html
    }

    /// Bytes of a scalar as HTML.
    package static func escapedLength(_ scalar: Unicode.Scalar) -> Int {
        switch scalar {
        case "\"": 6
        case "&", "'": 5
        case "<", ">": 4
        default: isDeceptive(scalar) ? 3 : UTF8.width(scalar)
        }
    }

    /// Whether a text is the address of a page that a link may lead to.
    package static func isWebLink(_ text: String) -> Bool {
        MarkdownLink.isAbsolute(text) && MarkdownLink.attribute(text, prefix: "") != nil
    }

    /// Whether a scalar changes how the text around it is read, and shows nothing itself: controls, marks and overrides
    /// of writing direction (UAX #9), line separators, tags, letters without width.
    package static func isDeceptive(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A, 0x0D: false
        case 0..<0x20, 0x7F...0x9F, 0x061C, 0x180E, 0x200B, 0x200E...0x200F, 0x2028...0x202E, 0x2060...0x206F,
            0xFEFF, 0xFFF9...0xFFFB, 0xE0000...0xE007F:
            true
        default: false
        }
    }
}
