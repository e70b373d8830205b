// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Reads a page as strictly as it must be written, and says what has no place in it.
///
/// It knows no HTML but ours: each element and attribute that pages use is listed, values stand in double quotes, what
/// is opened is closed, and nothing runs or comes from anywhere else.
struct PageChecker {
    private static let elements: Set<String> = [
        "html", "article", "bdi", "head", "meta", "title", "link", "script", "body", "a", "header", "nav",
        "ul", "ol", "li",
        "main", "h1",
        "h2", "h3", "h4", "h5", "h6", "p", "span", "strong", "em", "del", "ins", "code", "pre", "dl", "div",
        "dt", "dd",
        "section", "form", "label", "input", "select", "option", "textarea", "button", "fieldset", "legend",
        "details",
        "summary", "figure", "figcaption", "table", "thead", "tbody", "tr", "th", "td", "time", "br", "hr",
        "blockquote",
        "footer", "svg", "desc", "line", "text", "polyline", "circle", "rect",
    ]
    private static let empty: Set<String> = ["meta", "link", "input", "br", "hr", "line", "polyline"]
    private static let attributes: Set<String> = [
        "lang", "charset", "maxlength", "name", "content", "property", "rel", "href", "class", "id", "role",
        "aria-label",
        "aria-labelledby", "aria-describedby", "aria-current", "aria-hidden", "aria-invalid", "tabindex",
        "scope", "title",
        "datetime", "start", "method", "action", "value", "autocomplete", "spellcheck", "inputmode", "type",
        "selected",
        "rows", "for", "open", "data-snippet", "data-copy", "data-problem", "readonly", "autocapitalize",
        "src", "defer", "required", "viewbox", "x",
        "y", "x1", "x2",
        "y1", "y2", "cx", "cy", "r", "points", "width", "height", "text-anchor", "list", "checked", "hidden",
    ]

    private(set) var problems: [String] = []
    private var open: [String] = []
    private var identifiers: Set<String> = []

    /// What is wrong with a page; nothing if it is as it must be.
    static func problems(_ page: String) -> [String] {
        var checker = PageChecker()
        checker.read(page)
        return checker.problems
    }

    private mutating func read(_ page: String) {
        let scalars = Array(page.unicodeScalars)
        for scalar in scalars where Self.isDeceptive(scalar) {
            problems.append("holds U+\(String(scalar.value, radix: 16))")
        }
        var place = 0
        while place < scalars.count {
            guard scalars[place] == "<" else {
                if scalars[place] == "&", !isReference(scalars, place) { problems.append("a bare ampersand") }
                if scalars[place] == ">" { problems.append("a bare > at \(around(scalars, place))") }
                place += 1
                continue
            }
            guard let end = tagEnd(scalars, place) else {
                problems.append("a tag does not end: \(around(scalars, place))")
                return
            }
            readTag(Array(scalars[(place + 1)..<end]))
            place = end + 1
        }
        if !open.isEmpty { problems.append("not closed: \(open)") }
    }

    /// Where a tag ends: at the first > that stands in no quotes.
    private func tagEnd(_ scalars: [Unicode.Scalar], _ start: Int) -> Int? {
        var isQuoted = false
        for place in (start + 1)..<scalars.count {
            switch scalars[place] {
            case "\"": isQuoted.toggle()
            case "<": return nil
            case ">" where !isQuoted: return place
            default: break
            }
        }
        return nil
    }

    private mutating func readTag(_ tag: [Unicode.Scalar]) {
        let text = String(String.UnicodeScalarView(tag))
        if text == "!doctype html" { return }
        if text.hasPrefix("/") {
            let name = String(text.dropFirst())
            guard open.last == name else {
                problems.append("</\(name)> closes \(open.last ?? "nothing")")
                return
            }
            open.removeLast()
            return
        }
        let isClosed = text.hasSuffix("/")
        let name = String(text.prefix { $0 != " " && $0 != "/" })
        guard Self.elements.contains(name) else {
            problems.append("<\(text.prefix(60))> has no place in a page")
            return
        }
        let attributes = readAttributes(
            String(text.dropFirst(name.count).dropLast(isClosed ? 1 : 0)), of: name)
        check(name, attributes)
        if !isClosed, !Self.empty.contains(name) { open.append(name) }
    }

    private mutating func readAttributes(_ text: String, of element: String) -> [String: String] {
        var attributes: [String: String] = [:]
        var rest = Array(text.unicodeScalars)[...]
        while true {
            rest = rest.drop { $0 == " " || $0 == "\n" }
            guard !rest.isEmpty else { return attributes }
            let name = rest.prefix { $0 != "=" && $0 != " " }
            rest = rest.dropFirst(name.count)
            let key = String(String.UnicodeScalarView(name)).lowercased()
            var value = ""
            if rest.first == "=" {
                rest = rest.dropFirst()
                guard rest.first == "\"" else {
                    problems.append("<\(element)>: the value of \(key) stands in no quotes")
                    return attributes
                }
                rest = rest.dropFirst()
                let content = rest.prefix { $0 != "\"" }
                rest = rest.dropFirst(content.count + 1)
                value = String(String.UnicodeScalarView(content))
                if let next = rest.first, next != " ", next != "\n" {
                    problems.append("<\(element)>: something follows the value of \(key)")
                }
            }
            if !Self.attributes.contains(key) {
                problems.append("<\(element)> has the attribute \(key.prefix(40))")
            }
            if attributes.updateValue(value, forKey: key) != nil {
                problems.append("<\(element)> has the attribute \(key) twice")
            }
        }
    }

    private mutating func check(_ name: String, _ attributes: [String: String]) {
        if let id = attributes["id"], !identifiers.insert(id).inserted {
            problems.append("two have the id \(id)")
        }
        switch name {
        case "script":
            if attributes["src"]?.hasPrefix("/assets/") != true { problems.append("a script of its own") }
        case "link":
            if attributes["href"]?.hasPrefix("/") != true { problems.append("a link element to elsewhere") }
        case "meta":
            if attributes["http-equiv"] != nil { problems.append("a meta element that acts") }
        case "form":
            if let action = attributes["action"], !action.hasPrefix("/") && !action.hasPrefix("#") {
                problems.append("a form that sends elsewhere")
            }
        case "a": checkLink(attributes)
        default:
            if attributes["href"] != nil || attributes["src"] != nil { problems.append("<\(name)> loads") }
        }
    }

    private mutating func checkLink(_ attributes: [String: String]) {
        guard let href = attributes["href"] else { return problems.append("a link to nowhere") }
        let scheme = href.prefix { !":/?#".contains($0) }
        let hasScheme = href.dropFirst(scheme.count).first == ":"
        if hasScheme, !["http", "https", "mailto"].contains(scheme.lowercased()) {
            problems.append("a link to \(href.prefix(40))")
        }
        if href.unicodeScalars.contains(where: { $0.value <= 0x20 || $0.value > 0x7E }) {
            problems.append("a link with odd characters: \(href.prefix(40))")
        }
        let leavesHub = hasScheme || href.hasPrefix("//") || href.hasPrefix("/\\")
        if leavesHub, attributes["rel"] != "nofollow noopener noreferrer" {
            problems.append("a link to another host says nothing of it: \(href.prefix(40))")
        }
    }

    private func isReference(_ scalars: [Unicode.Scalar], _ place: Int) -> Bool {
        // By scalars: an accent makes the semicolon before it another character.
        ["&lt;", "&gt;", "&amp;", "&quot;", "&#39;"].contains {
            scalars[place...].starts(with: $0.unicodeScalars)
        }
    }

    private func around(_ scalars: [Unicode.Scalar], _ place: Int) -> String {
        String(String.UnicodeScalarView(scalars[max(0, place - 30)..<min(place + 30, scalars.count)]))
    }

    /// Controls, and what turns text round or hides (UAX #9).
    private static func isDeceptive(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A, 0x0D: false
        case 0..<0x20, 0x7F...0x9F, 0x200B, 0x200E...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF,
            0xE0000...0xE007F:
            true
        default: false
        }
    }
}
