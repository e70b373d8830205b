// SPDX-License-Identifier: Apache-2.0

import CCMark

/// Writes the HTML of a parsed text, from the elements that are allowed.
struct MarkdownRenderer {
    private(set) var output: MarkdownOutput

    private let base: Int
    private let prefix: String
    /// Whether pictures from other hosts are shown, instead of links to them.
    private let showsPictures: Bool
    /// The picture whose content is its alternative text, while that is passed by.
    private var picture: OpaquePointer?
    private var lastHeading: Int
    private var identifiers: Set<String> = []
    /// How often a heading's name was there before.
    private var uses: [String: Int] = [:]
    /// Links and pictures that are open.
    private var links = 0
    /// Whether the open lists have their items close together.
    private var tightLists: [Bool] = []
    private var cell = 0
    private var isInHead = false

    init(below heading: Int, prefix: String, showsPictures: Bool, into output: MarkdownOutput) {
        self.showsPictures = showsPictures
        base = heading
        lastHeading = heading
        self.prefix = prefix
        self.output = output
    }

    mutating func render(_ document: OpaquePointer) {
        guard let iterator = cmark_iter_new(document) else { return }
        defer { cmark_iter_free(iterator) }
        while true {
            let event = cmark_iter_next(iterator)
            guard event != CMARK_EVENT_DONE, let node = cmark_iter_get_node(iterator) else { break }
            if let picture {
                guard node == picture else { continue }
                self.picture = nil
            }
            if event == CMARK_EVENT_ENTER {
                guard output.hasRoom() else { break }
                enter(node)
            } else {
                leave(node)
            }
            if output.isCut { break }
        }
        output.finish()
    }

    // MARK: - Nodes

    private mutating func enter(_ node: OpaquePointer) {
        switch cmark_node_get_type(node) {
        case CMARK_NODE_TEXT: output.write(literal(node))
        case CMARK_NODE_SOFTBREAK: output.writeTag("\n")
        case CMARK_NODE_LINEBREAK: output.writeTag("<br>\n")
        case CMARK_NODE_THEMATIC_BREAK: output.writeTag("<hr>\n")
        case CMARK_NODE_CODE: output.write(literal(node), in: "<code>", "</code>")
        case CMARK_NODE_CODE_BLOCK:
            output.write(literal(node), in: "<pre tabindex=\"0\"><code>", "</code></pre>\n")
        case CMARK_NODE_HTML_BLOCK:
            let text = HTMLStripping.text(of: literal(node))
            if !text.allSatisfy(\.isWhitespace) { output.write(text, in: "<p>", "</p>\n") }
        case CMARK_NODE_HTML_INLINE: break
        case CMARK_NODE_DOCUMENT: output.open("", "")
        case CMARK_NODE_PARAGRAPH:
            let isBare = isInTightList(node)
            output.open(isBare ? "" : "<p>", isBare ? "" : "</p>\n")
        case CMARK_NODE_HEADING: openHeading(node)
        case CMARK_NODE_BLOCK_QUOTE: output.open("<blockquote>\n", "</blockquote>\n")
        case CMARK_NODE_LIST: openList(node)
        case CMARK_NODE_ITEM: openItem(node)
        case CMARK_NODE_EMPH: output.open("<em>", "</em>")
        case CMARK_NODE_STRONG: output.open("<strong>", "</strong>")
        case CMARK_NODE_LINK: openLink(node)
        case CMARK_NODE_IMAGE: openImage(node)
        default: enterExtension(node)
        }
    }

    private mutating func enterExtension(_ node: OpaquePointer) {
        switch name(of: node) {
        case "table":
            output.open(
                "<div class=\"scroll\" role=\"region\" aria-label=\"Table\" tabindex=\"0\"><table>\n",
                "</table></div>\n")
        case "table_header":
            isInHead = true
            cell = 0
            output.open("<tr>", "</tr>\n")
        case "table_row":
            isInHead = false
            cell = 0
            output.open("<tr>", "</tr>\n")
        case "table_cell": openCell(node)
        case "strikethrough": output.open("<del>", "</del>")
        default: output.open("", "")
        }
    }

    private mutating func leave(_ node: OpaquePointer) {
        switch cmark_node_get_type(node) {
        case CMARK_NODE_LIST: _ = tightLists.popLast()
        case CMARK_NODE_LINK, CMARK_NODE_IMAGE: links -= 1
        default: break
        }
        output.close()
    }

    // MARK: - Blocks

    private mutating func openHeading(_ node: OpaquePointer) {
        let wanted = base + Int(cmark_node_get_heading_level(node))
        let level = min(wanted, lastHeading + 1, 6)
        lastHeading = level
        output.open("<h\(level) id=\"\(identifier(of: node))\">", "</h\(level)>\n")
    }

    /// What a link can name a heading by: its letters and digits, as GitHub makes them.
    private mutating func identifier(of node: OpaquePointer) -> String {
        var slug = ""
        for scalar in text(in: node, limit: 80).lowercased().unicodeScalars {
            switch scalar {
            case "a"..."z", "0"..."9", "-", "_": slug.unicodeScalars.append(scalar)
            case " ": slug += "-"
            default: break
            }
        }
        if slug.isEmpty { slug = "section" }
        var name = prefix + slug
        while !identifiers.insert(name).inserted {
            uses[slug, default: 0] += 1
            name = prefix + slug + "-\(uses[slug, default: 0])"
        }
        return name
    }

    private mutating func openList(_ node: OpaquePointer) {
        tightLists.append(cmark_node_get_list_tight(node) != 0)
        if cmark_node_get_list_type(node) == CMARK_ORDERED_LIST {
            let start = cmark_node_get_list_start(node)
            output.open(start == 1 ? "<ol>\n" : "<ol start=\"\(start)\">\n", "</ol>\n")
        } else {
            output.open("<ul>\n", "</ul>\n")
        }
    }

    private mutating func openItem(_ node: OpaquePointer) {
        guard name(of: node) == "tasklist" else { return output.open("<li>", "</li>\n") }
        let isDone = cmark_gfm_extensions_get_tasklist_item_checked(node)
        output.open(
            "<li class=\"task\"><span aria-hidden=\"true\">\(isDone ? "☑" : "☐")</span>"
                + "<span class=\"unseen\">\(isDone ? "done: " : "to do: ")</span> ", "</li>\n")
    }

    /// What the library calls a node, extensions included.
    private func name(of node: OpaquePointer) -> String {
        cmark_node_get_type_string(node).map { String(cString: $0) } ?? ""
    }

    private func isInTightList(_ node: OpaquePointer) -> Bool {
        guard tightLists.last == true, let item = cmark_node_parent(node),
            let list = cmark_node_parent(item)
        else { return false }
        return cmark_node_get_type(list) == CMARK_NODE_LIST
    }

    private mutating func openCell(_ node: OpaquePointer) {
        var alignment = ""
        if let row = cmark_node_parent(node), let table = cmark_node_parent(row),
            let alignments = cmark_gfm_extensions_get_table_alignments(table),
            cell < Int(cmark_gfm_extensions_get_table_columns(table))
        {
            switch alignments[cell] {
            case UInt8(ascii: "c"): alignment = " class=\"centre\""
            case UInt8(ascii: "r"): alignment = " class=\"number\""
            default: break
            }
        }
        cell += 1
        let name = isInHead ? "th" : "td"
        output.open("<\(name)\(isInHead ? " scope=\"col\"" : "")\(alignment)>", "</\(name)>")
    }

    // MARK: - Links

    private static let rel = "rel=\"nofollow noopener noreferrer\""

    private mutating func openLink(_ node: OpaquePointer) {
        let target = url(node)
        // Links stand in no links.
        let isInside = links > 0
        links += 1
        guard !isInside, let href = MarkdownLink.attribute(target, prefix: prefix) else {
            return output.open("", "")
        }
        output.open("<a href=\"\(href)\" \(Self.rel)>", "</a>")
    }

    /// A picture is a link to where it is; inside a link, or without a place of its own, it is its words.
    private mutating func openImage(_ node: OpaquePointer) {
        let target = url(node)
        let mark = "<span class=\"picture\">"
        let isInside = links > 0
        links += 1
        if showsPictures, target.lowercased().hasPrefix("https://"),
            let source = MarkdownLink.attribute(target, prefix: prefix)
        {
            let words = HTMLText.escaped(text(in: node, limit: 300))
            output.writeTag(
                "<img src=\"\(source)\" alt=\"\(words)\" loading=\"lazy\" referrerpolicy=\"no-referrer\">")
            // Only an element with content is entered and left.
            if cmark_node_first_child(node) != nil { picture = node }
            return output.open("", "")
        }
        guard !isInside, MarkdownLink.isAbsolute(target),
            let href = MarkdownLink.attribute(target, prefix: prefix)
        else {
            output.open("\(mark)\(cmark_node_first_child(node) == nil ? "picture" : "")", "</span>")
            return
        }
        output.open(
            "<a href=\"\(href)\" \(Self.rel)>\(mark)\(cmark_node_first_child(node) == nil ? "picture" : "")",
            "</span></a>")
    }

    /// The beginning of the text in a node, in scalars.
    private func text(in node: OpaquePointer, limit: Int) -> String {
        var text = ""
        guard let iterator = cmark_iter_new(node) else { return text }
        defer { cmark_iter_free(iterator) }
        while cmark_iter_next(iterator) != CMARK_EVENT_DONE, text.unicodeScalars.count < limit {
            guard let part = cmark_iter_get_node(iterator) else { break }
            let type = cmark_node_get_type(part)
            guard type == CMARK_NODE_TEXT || type == CMARK_NODE_CODE else { continue }
            text.unicodeScalars.append(contentsOf: literal(part).unicodeScalars.prefix(limit))
        }
        return String(text.unicodeScalars.prefix(limit))
    }

    private func url(_ node: OpaquePointer) -> String {
        cmark_node_get_url(node).map { String(cString: $0) } ?? ""
    }

    private func literal(_ node: OpaquePointer) -> String {
        cmark_node_get_literal(node).map { String(cString: $0) } ?? ""
    }
}
