// SPDX-License-Identifier: Apache-2.0

import CCMark

/// Writes the HTML of a parsed text, from the elements that are allowed.
struct MarkdownRenderer {
    /// Elements inside each other; deeper ones are left out, and what is in them stays.
    private static let deepest = 40

    private(set) var html = ""
    private(set) var isCut = false

    private let base: Int
    private let prefix: String
    private let limit: Int
    private var lastHeading: Int
    private var identifiers: Set<String> = []
    /// How often a heading's name was there before.
    private var uses: [String: Int] = [:]
    /// The end tags of the open elements; an empty one belongs to an element that was left out.
    private var ends: [String] = []
    private var depth = 0
    /// Whether the open lists have their items close together.
    private var tightLists: [Bool] = []
    private var cell = 0
    private var isInHead = false

    init(below heading: Int, prefix: String, limit: Int) {
        base = heading
        lastHeading = heading
        self.prefix = prefix
        self.limit = limit
    }

    mutating func render(_ document: OpaquePointer) {
        guard let iterator = cmark_iter_new(document) else { return }
        defer { cmark_iter_free(iterator) }
        while true {
            let event = cmark_iter_next(iterator)
            guard event != CMARK_EVENT_DONE, let node = cmark_iter_get_node(iterator) else { break }
            guard html.utf8.count < limit else {
                isCut = true
                break
            }
            if event == CMARK_EVENT_ENTER { enter(node) } else { leave(node) }
        }
        while let end = ends.popLast() { html += end }
    }

    // MARK: - Nodes

    private mutating func enter(_ node: OpaquePointer) {
        switch cmark_node_get_type(node) {
        case CMARK_NODE_TEXT: html += HTMLText.escaped(literal(node))
        case CMARK_NODE_SOFTBREAK: html += "\n"
        case CMARK_NODE_LINEBREAK: html += "<br>\n"
        case CMARK_NODE_THEMATIC_BREAK: html += "<hr>\n"
        case CMARK_NODE_CODE: html += "<code>\(HTMLText.escaped(literal(node)))</code>"
        case CMARK_NODE_CODE_BLOCK:
            html += "<pre tabindex=\"0\"><code>\(HTMLText.escaped(literal(node)))</code></pre>\n"
        case CMARK_NODE_HTML_BLOCK:
            let text = HTMLStripping.text(of: literal(node))
            if !text.allSatisfy(\.isWhitespace) { html += "<p>\(HTMLText.escaped(text))</p>\n" }
        case CMARK_NODE_HTML_INLINE: break
        case CMARK_NODE_DOCUMENT: ends.append("")
        case CMARK_NODE_PARAGRAPH: open(isInTightList(node) ? "" : "<p>", isInTightList(node) ? "" : "</p>\n")
        case CMARK_NODE_HEADING: openHeading(node)
        case CMARK_NODE_BLOCK_QUOTE: open("<blockquote>\n", "</blockquote>\n")
        case CMARK_NODE_LIST: openList(node)
        case CMARK_NODE_ITEM: openItem(node)
        case CMARK_NODE_EMPH: open("<em>", "</em>")
        case CMARK_NODE_STRONG: open("<strong>", "</strong>")
        case CMARK_NODE_LINK: openLink(node)
        case CMARK_NODE_IMAGE: openImage(node)
        default: enterExtension(node)
        }
    }

    private mutating func enterExtension(_ node: OpaquePointer) {
        switch name(of: node) {
        case "table":
            open(
                "<div class=\"scroll\" role=\"region\" aria-label=\"Table\" tabindex=\"0\"><table>\n",
                "</table></div>\n")
        case "table_header":
            isInHead = true
            cell = 0
            open("<tr>", "</tr>\n")
        case "table_row":
            isInHead = false
            cell = 0
            open("<tr>", "</tr>\n")
        case "table_cell": openCell(node)
        case "strikethrough": open("<del>", "</del>")
        default: open("", "")
        }
    }

    private mutating func leave(_ node: OpaquePointer) {
        if cmark_node_get_type(node) == CMARK_NODE_LIST { _ = tightLists.popLast() }
        guard let end = ends.popLast() else { return }
        if !end.isEmpty { depth -= 1 }
        html += end
    }

    private mutating func open(_ start: String, _ end: String) {
        guard depth < Self.deepest, !end.isEmpty else { return ends.append("") }
        depth += 1
        html += start
        ends.append(end)
    }

    // MARK: - Blocks

    private mutating func openHeading(_ node: OpaquePointer) {
        let wanted = base + Int(cmark_node_get_heading_level(node))
        let level = min(wanted, lastHeading + 1, 6)
        lastHeading = level
        open("<h\(level) id=\"\(identifier(of: node))\">", "</h\(level)>\n")
    }

    /// What a link can name a heading by: its letters and digits, as GitHub makes them.
    private mutating func identifier(of node: OpaquePointer) -> String {
        var slug = ""
        if let iterator = cmark_iter_new(node) {
            defer { cmark_iter_free(iterator) }
            while cmark_iter_next(iterator) != CMARK_EVENT_DONE, slug.utf8.count < 80 {
                guard let part = cmark_iter_get_node(iterator) else { break }
                let type = cmark_node_get_type(part)
                guard type == CMARK_NODE_TEXT || type == CMARK_NODE_CODE else { continue }
                for scalar in literal(part).lowercased().unicodeScalars.prefix(80) where scalar.isASCII {
                    switch scalar {
                    case "a"..."z", "0"..."9", "-", "_": slug.unicodeScalars.append(scalar)
                    case " ": slug += "-"
                    default: break
                    }
                }
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
            open(start == 1 ? "<ol>\n" : "<ol start=\"\(start)\">\n", "</ol>\n")
        } else {
            open("<ul>\n", "</ul>\n")
        }
    }

    private mutating func openItem(_ node: OpaquePointer) {
        guard name(of: node) == "tasklist" else { return open("<li>", "</li>\n") }
        let isDone = cmark_gfm_extensions_get_tasklist_item_checked(node)
        open(
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
        open("<\(name)\(isInHead ? " scope=\"col\"" : "")\(alignment)>", "</\(name)>")
    }

    // MARK: - Links

    private static let rel = "rel=\"nofollow noopener noreferrer\""

    private mutating func openLink(_ node: OpaquePointer) {
        let target = url(node)
        guard !isInLink(node), let href = MarkdownLink.attribute(target, prefix: prefix) else {
            return open("", "")
        }
        open("<a href=\"\(href)\" \(Self.rel)>", "</a>")
    }

    /// A picture is a link to where it is; inside a link, or without a place of its own, it is its words.
    private mutating func openImage(_ node: OpaquePointer) {
        let target = url(node)
        let mark = "<span class=\"picture\">"
        guard !isInLink(node), MarkdownLink.isAbsolute(target),
            let href = MarkdownLink.attribute(target, prefix: prefix)
        else {
            open("\(mark)\(cmark_node_first_child(node) == nil ? "picture" : "")", "</span>")
            return
        }
        open(
            "<a href=\"\(href)\" \(Self.rel)>\(mark)\(cmark_node_first_child(node) == nil ? "picture" : "")",
            "</span></a>")
    }

    /// Whether a link is open around a node: links stand in no links.
    private func isInLink(_ node: OpaquePointer) -> Bool {
        var parent = cmark_node_parent(node)
        while let next = parent {
            let type = cmark_node_get_type(next)
            if type == CMARK_NODE_LINK || type == CMARK_NODE_IMAGE { return true }
            guard type.rawValue & UInt32(CMARK_NODE_TYPE_MASK) == UInt32(CMARK_NODE_TYPE_INLINE) else {
                return false
            }
            parent = cmark_node_parent(next)
        }
        return false
    }

    private func url(_ node: OpaquePointer) -> String {
        cmark_node_get_url(node).map { String(cString: $0) } ?? ""
    }

    private func literal(_ node: OpaquePointer) -> String {
        cmark_node_get_literal(node).map { String(cString: $0) } ?? ""
    }
}
