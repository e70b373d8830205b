// SPDX-License-Identifier: Apache-2.0

import Foundation
import Markdown
import Testing

/// READMEs of strangers as HTML of ours.
@Suite struct MarkdownTests {
    private func html(_ text: String) -> String {
        Markdown.render(text, below: 2, prefix: "readme-").parts.joined()
    }

    @Test(arguments: [
        (
            "# One\n### Three\n# One",
            "<h3 id=\"readme-one\">One</h3>\n<h4 id=\"readme-three\">Three</h4>\n<h3 id=\"readme-one-1\">One</h3>\n"
        ),
        ("###### Deep", "<h3 id=\"readme-deep\">Deep</h3>\n"),
        ("a *b* **c** ~~d~~ `e`", "<p>a <em>b</em> <strong>c</strong> <del>d</del> <code>e</code></p>\n"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
        ("3. a", "<ol start=\"3\">\n<li>a</li>\n</ol>\n"),
        ("> q", "<blockquote>\n<p>q</p>\n</blockquote>\n"),
        ("```js\n<b>\n```", "<pre tabindex=\"0\"><code>&lt;b&gt;\n</code></pre>\n"),
        ("a\\\nb\n\n---", "<p>a<br>\nb</p>\n<hr>\n"),
        ("[x](#Usage)", "<p><a href=\"#readme-usage\" rel=\"nofollow noopener noreferrer\">x</a></p>\n"),
    ])
    func `text has the elements that it asks for`(_ text: String, _ expected: String) {
        #expect(html(text) == expected)
    }

    @Test func `tables, task lists and bare links are GitHub's`() {
        let table = html("|a|b|\n|:-:|-:|\n|1|2|")
        #expect(table.contains("<tr><th scope=\"col\" class=\"centre\">a</th>"))
        #expect(table.contains("<td class=\"number\">2</td>"))
        let tasks = html("- [x] one\n- [ ] two")
        #expect(tasks.contains("☑") && tasks.contains("☐") && !tasks.contains("<input"))
        #expect(
            html("see https://example.com/a?b=1&c=2")
                == "<p>see <a href=\"https://example.com/a?b=1&amp;c=2\" rel=\"nofollow noopener noreferrer\">https://example.com/a?b=1&amp;c=2</a></p>\n"
        )
    }

    @Test(arguments: [
        "<script>alert(1)</script>", "a <b onclick=alert(1)>b</b>", "<img src=x onerror=alert(1)>",
        "<svg><script>x</script></svg>", "<!-- <b> -->", "<style>*{}</style>", "<iframe src=//x></iframe>",
        "<a href=\"javascript:alert(1)\">x</a>", "<div>\n\n# inside\n\n</div>",
    ])
    func `no HTML of a text gets through`(_ text: String) {
        let html = html(text)
        for element in ["script", "b onclick", "img", "svg", "style", "iframe", "div", "a href", "!--"] {
            #expect(!html.lowercased().contains("<\(element)"), "\(html)")
        }
        #expect(!html.contains("alert(1)") || !html.contains("script"))
    }

    @Test func `what HTML says stays`() {
        #expect(html("<p align=center>\nHello <b>you</b>\n</p>").contains("Hello you"))
        #expect(html("a <b>b</b> c") == "<p>a b c</p>\n")
    }

    @Test(arguments: [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", "&#106;avascript:alert(1)", "java&#09;script:alert(1)",
        "&#x6A;&#x61;vascript&colon;alert(1)", "vbscript:x", "data:text/html,<script>alert(1)</script>",
        "file:///etc/passwd", "blob:x", "about:blank", "ftp://x", "&#1;javascript:alert(1)",
    ])
    func `a link that may not be followed is none`(_ target: String) {
        for text in ["[x](\(target))", "[x](<\(target)>)", "![x](\(target))", "[x]\n\n[x]: \(target)"] {
            #expect(!html(text).contains("href"), "\(text): \(html(text))")
        }
    }

    @Test(arguments: [
        ("https://a.example/x", "https://a.example/x"), ("mailto:a@b.example", "mailto:a@b.example"),
        ("docs/use.md", "docs/use.md"), ("HTTP://a/\"onclick=x", "HTTP://a/%22onclick=x"),
        ("https://a/'x`", "https://a/%27x%60"),
        ("https://аррӏе.example/", "https://%D0%B0%D1%80%D1%80%D3%8F%D0%B5.example/"),
    ])
    func `a link that is followed cannot leave its attribute`(_ target: String, _ expected: String) {
        #expect(
            html("[x](<\(target)>)").contains("<a href=\"\(expected)\" rel=\"nofollow noopener noreferrer\">")
        )
    }

    @Test func `pictures are links to where they are`() {
        let remote = html("![A chart](https://img.example/a.svg)")
        #expect(!remote.contains("<img"))
        #expect(remote.contains("<a href=\"https://img.example/a.svg\""))
        #expect(remote.contains("A chart"))
        #expect(!html("![here](logo.png)").contains("href"))
        let badge = html("[![CI](https://ci.example/badge.svg)](https://ci.example/run)")
        #expect(badge.components(separatedBy: "<a ").count == 2)
        #expect(badge.contains("https://ci.example/run") && !badge.contains("badge.svg"))
    }

    @Test func `controls of writing direction are marks`() {
        #expect(html("a\u{202E}b\u{2066}c\u{200B}d") == "<p>a\u{FFFD}b\u{FFFD}c\u{FFFD}d</p>\n")
        // A quote with an accent is one character, and still a quote for a browser.
        #expect(HTMLText.escaped("\"\u{301}<\u{301}") == "&quot;\u{301}&lt;\u{301}")
    }

    /// Each of these kept the parser busy for seconds or took gigabytes, or could be thought to.
    static let floods: [(name: String, text: String)] = {
        let size = 128 << 10
        func many(_ text: String, _ count: Int? = nil) -> String {
            String(repeating: text, count: count ?? size / text.utf8.count)
        }
        return [
            ("brackets", many("[")), ("quotes", many(">")), ("lists", many("- ")),
            ("emphasis", many("*a _b ")),
            ("closing brackets", "www.a" + many(")")), ("addresses", many("a@")),
            ("wide table", many("|a", 2000) + "\n" + many("|-", 2000) + "\n" + many("a\n", 20_000)),
            ("narrow tables", many("a|b\n-|-\n")), ("long table", "a|b\n-|-\n" + many("a\n")),
            ("uses", "[a]: " + many("x", size / 2) + "\n\n" + many("[a]", size / 6)),
            ("definitions", (0..<10_000).map { "[a\($0)]: x\n" }.joined()),
            ("ticks", (1..<500).map { "e" + many("`", $0) }.joined()), ("headings", many("#\n")),
            ("links", many("[a](b")), ("pictures", many("![[]()")), ("tags", many("<a ")),
            ("comments", many("<!--")),
            ("steps", (0..<400).map { many(" ", $0) + "* a\n" }.joined()), ("words", many("a")),
            ("nested", many("*a **a ")), ("lines", many("a|b\n") + "-|-\n"),
        ]
    }()

    @Test(arguments: floods.indices)
    func `a flood takes bounded time and room`(_ index: Int) {
        let (name, text) = Self.floods[index]
        let clock = ContinuousClock()
        var rendering: Markdown.Rendering?
        let time = clock.measure { rendering = Markdown.render(text, below: 2, prefix: "r-") }
        // Far more than it takes: the machine may be busy.
        #expect(time < .seconds(20), "\(name): \(time)")
        #expect((rendering?.parts.first?.utf8.count ?? 0) < 2 << 20, "\(name)")
    }

    @Test func `a long text is cut, and one that is too much trouble is shown as it is`() {
        let long = Markdown.render(String(repeating: "word\n\n", count: 100_000), below: 1, prefix: "")
        #expect(long.isCut && !long.isPlain)
        let wide = Markdown.render(
            String(repeating: "|a", count: 300) + "\n" + String(repeating: "|-", count: 300), below: 1,
            prefix: "")
        #expect(wide.isPlain && wide.parts[0].hasPrefix("<pre class=\"plain\">|a"))
        let deep = Markdown.render(String(repeating: "> ", count: 5000) + "bottom", below: 1, prefix: "")
        #expect(deep.parts[0].components(separatedBy: "<blockquote>").count <= 41)
        #expect(deep.parts[0].components(separatedBy: "</blockquote>").count <= 41)
        #expect(deep.parts[0].contains("bottom"))
    }

    @Test func `a long text comes in parts, each of which stands by itself, and none of it is lost`() {
        let numbers = (0..<3000).map { "word\($0)" }
        let text =
            "# Top\n\n> - *" + numbers.prefix(1000).joined(separator: " ") + "*\n\n```\n"
            + numbers.dropFirst(1000).prefix(1000).joined(separator: "\n") + "\n```\n\n|a|b|\n|-|-|\n"
            + numbers.dropFirst(2000).map { "|\($0)|x|\n" }.joined()
        let rendering = Markdown.render(text, below: 1, prefix: "r-", partSize: 4000, mostParts: 50)
        #expect(!rendering.isCut && rendering.parts.count > 5)
        let all = rendering.parts.joined().replacing(#/<[^>]*>/#, with: "")
        for word in numbers { #expect(all.contains(word), "\(word)") }
        for part in rendering.parts {
            #expect(part.utf8.count < 6000)
            for name in ["blockquote", "ul", "li", "em", "pre", "code", "table", "tr", "td", "div", "h2"] {
                let starts =
                    part.components(separatedBy: "<\(name)>").count
                    + part.components(separatedBy: "<\(name) ").count - 1
                #expect(starts == part.components(separatedBy: "</\(name)>").count, "\(name)")
            }
        }
        let first = Markdown.render(text, below: 1, prefix: "r-", partSize: 4000)
        #expect(first.isCut && first.parts == [rendering.parts[0]])
        let plain = (1...9).map { Markdown.plain(text, part: $0, size: 4000) }
        #expect(plain.prefix { $0 != nil }.map { $0?.hasMore ?? false }.last == false)
        #expect(plain.compactMap { $0?.html.utf8.count }.allSatisfy { $0 < 4100 })
        let unescaped = plain.compactMap { $0?.html.dropFirst(19).dropLast(7) }.joined()
        #expect(unescaped == HTMLText.escaped(text))
    }

    @Test func `pictures from other hosts are shown only where that is allowed, and by https alone`() {
        let text = """
            ![a *b* "c"](https://example.org/x.png) [![](HTTPS://example.org/y.svg)](https://example.org)
            ![z](http://example.org/z.png) ![d](data:image/png;base64,AA) ![r](x.png)
            """
        #expect(!html(text).contains("<img"))
        let shown = Markdown.render(text, below: 2, prefix: "r-", showsPictures: true).parts.joined()
        let rest = "loading=\"lazy\" referrerpolicy=\"no-referrer\">"
        #expect(shown.contains("<img src=\"https://example.org/x.png\" alt=\"a b &quot;c&quot;\" \(rest)"))
        #expect(shown.contains("<img src=\"HTTPS://example.org/y.svg\" alt=\"\" \(rest)</a>"))
        #expect(shown.components(separatedBy: "<img").count == 3)
        #expect(!shown.contains("data:"))
    }
}
