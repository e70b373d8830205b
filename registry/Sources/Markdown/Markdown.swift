// SPDX-License-Identifier: Apache-2.0

import CCMark

/// Markdown of strangers as HTML that can stand in a page of ours.
///
/// GitHub's dialect (tables, strikethrough, bare links, task lists) is parsed by cmark; the HTML is written here, from
/// the elements that are allowed. No HTML of the text gets through, images are links, and time and size are bounded.
package enum Markdown {
    /// Bytes that are parsed; a longer text is cut.
    package static let longestText = 128 << 10
    /// What became of a text.
    package struct Rendering: Sendable {
        /// HTML in parts, each of which stands by itself.
        package let parts: [String]
        /// Whether something was left out at the end.
        package let isCut: Bool
        /// Whether it is shown as it was written, because to parse it would take too long.
        package let isPlain: Bool
    }

    /// Renders a text, whose headings begin one deeper than `heading` above it, and skip none.
    ///
    /// `prefix` is what the identifiers of its headings begin with, so that they cannot be mistaken for the page's. A part
    /// of the HTML has about `partSize` bytes, and what does not fit into `mostParts` is left out. `showsPictures` is
    /// whether pictures from other hosts are shown, those that come by https, instead of links to them.
    package static func render(
        _ text: String, below heading: Int, prefix: String, partSize: Int = 768 << 10, mostParts: Int = 1,
        showsPictures: Bool = false
    ) -> Rendering {
        var bytes = Array(text.utf8)
        let isLong = bytes.count > longestText
        if isLong {
            bytes = Array(bytes.prefix(longestText))
            // To the end of a line: half a construct would read as another one.
            if let end = bytes.lastIndex(of: UInt8(ascii: "\n")) { bytes.removeSubrange((end + 1)...) }
        }
        guard MarkdownBounds.allow(bytes) else {
            let (parts, isCut) = plain(
                String(decoding: bytes, as: UTF8.self), partSize: partSize, mostParts: mostParts)
            return Rendering(parts: parts, isCut: isLong || isCut, isPlain: true)
        }
        var renderer = MarkdownRenderer(
            below: heading, prefix: prefix, showsPictures: showsPictures,
            into: MarkdownOutput(limit: partSize, mostParts: mostParts))
        parse(bytes) { renderer.render($0) }
        return Rendering(
            parts: renderer.output.parts, isCut: isLong || renderer.output.isCut, isPlain: false)
    }

    /// A text as it was written, in one part.
    private static func plain(
        _ text: String, partSize: Int, mostParts: Int
    ) -> (parts: [String], isCut: Bool) {
        var output = MarkdownOutput(limit: partSize, mostParts: mostParts)
        output.open("<pre class=\"plain\">", "</pre>\n")
        output.write(text)
        output.finish()
        return (output.parts, output.isCut)
    }

    /// One part of a text, the first being 1, as it was written; nil if it has not so many.
    ///
    /// A part has at most `size` bytes of HTML beside its tags.
    package static func plain(_ text: String, part: Int, size: Int) -> (html: String, hasMore: Bool)? {
        let scalars = text.unicodeScalars
        var first = scalars.startIndex
        var place = first
        var bytes = 0
        var number = 1
        while place < scalars.endIndex {
            let length = HTMLText.escapedLength(scalars[place])
            if bytes + length > size {
                if number == part { break }
                number += 1
                first = place
                bytes = 0
            }
            bytes += length
            place = scalars.index(after: place)
        }
        guard number == part else { return nil }
        let html = "<pre class=\"plain\">\(HTMLText.escaped(text[first..<place]))</pre>\n"
        return (html, place < scalars.endIndex)
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
