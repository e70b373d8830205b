// SPDX-License-Identifier: Apache-2.0

import CCMark

/// Markdown of strangers as HTML that can stand in a page of ours.
///
/// GitHub's dialect (tables, strikethrough, bare links, task lists) is parsed by cmark; the HTML is written here, from
/// the elements that are allowed. No HTML of the text gets through, images are links, and time and size are bounded.
package enum Markdown {
    /// Bytes that are parsed; a longer text is cut.
    package static let longestText = 128 << 10
    /// Bytes of HTML after which the rest is left out.
    static let longestHTML = 768 << 10

    /// What became of a text.
    package struct Rendering: Sendable {
        package let html: String
        /// Whether something was left out at the end.
        package let isCut: Bool
        /// Whether it is shown as it was written, because to parse it would take too long.
        package let isPlain: Bool
    }

    /// Renders a text, whose headings begin one deeper than `heading` above it, and skip none.
    ///
    /// `prefix` is what the identifiers of its headings begin with, so that they cannot be mistaken for the page's.
    package static func render(_ text: String, below heading: Int, prefix: String) -> Rendering {
        var bytes = Array(text.utf8)
        let isLong = bytes.count > longestText
        if isLong {
            bytes = Array(bytes.prefix(longestText))
            // To the end of a line: half a construct would read as another one.
            if let end = bytes.lastIndex(of: UInt8(ascii: "\n")) { bytes.removeSubrange((end + 1)...) }
        }
        guard MarkdownBounds.allow(bytes) else {
            let plain = String(decoding: bytes, as: UTF8.self)
            return Rendering(
                html: "<pre class=\"plain\">\(HTMLText.escaped(plain))</pre>\n", isCut: isLong, isPlain: true)
        }
        var renderer = MarkdownRenderer(below: heading, prefix: prefix, limit: longestHTML)
        parse(bytes) { renderer.render($0) }
        return Rendering(html: renderer.html, isCut: isLong || renderer.isCut, isPlain: false)
    }

    /// Done once: the library's own guard against doing it twice is not made for threads.
    private static let registration: Void = cmark_gfm_core_extensions_ensure_registered()

    private static func parse(_ bytes: [UInt8], _ body: (OpaquePointer) -> Void) {
        _ = registration
        guard let parser = cmark_parser_new(CMARK_OPT_VALIDATE_UTF8) else { return }
        defer { cmark_parser_free(parser) }
        for name in ["table", "strikethrough", "autolink", "tasklist"] {
            if let syntax = cmark_find_syntax_extension(name) {
                cmark_parser_attach_syntax_extension(parser, syntax)
            }
        }
        bytes.withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) { cmark_parser_feed(parser, $0.baseAddress, $0.count) }
        }
        guard let document = cmark_parser_finish(parser) else { return }
        defer { cmark_node_free(document) }
        body(document)
    }
}
