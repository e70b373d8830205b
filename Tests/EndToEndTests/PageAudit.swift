// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What makes a page hard to use for somebody who does not see it, sees it badly or has no mouse (WCAG 2.2, A and AA, as
/// far as a program can tell).
enum PageAudit {
    /// What is wrong with the page that a browser shows.
    static func problems(_ page: Chromium) async throws -> [String] {
        let text = try await page.value("JSON.stringify((\(rules))())")
        return try JSONDecoder().decode([String].self, from: Data(text.utf8))
    }

    /// Goes through a page by its keyboard alone, and says what is not reached in order, or not seen to be.
    static func keyboardProblems(_ page: Chromium) async throws -> [String] {
        try await page.send("Emulation.setFocusEmulationEnabled", ["enabled": true])
        let count = Int(try await page.value("(\(numbering))()")) ?? 0
        var problems: [String] = []
        var next = 0
        // The browser stops at what scrolls, too.
        for _ in 0..<(2 * count + 20) where next < count {
            try await page.press("Tab", code: 9)
            let parts = try await page.value("(\(focus))()").split(separator: "|", maxSplits: 2)
            guard parts.count == 3, let number = Int(parts[0]), number >= 0 else { continue }
            if number != next { problems.append("comes out of order: \(parts[2])") }
            if parts[1] != "true" { problems.append("does not show that it has the focus: \(parts[2])") }
            next = max(next, number + 1)
        }
        if next < count { problems.append("only \(next) of \(count) are reached by the keyboard") }
        return problems
    }

    /// Numbers what can be acted upon, in the order of the document.
    private static let numbering = """
        () => {
            const all = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]';
            let count = 0;
            for (const element of document.querySelectorAll(all)) {
                const shut = element.closest('details:not([open])');
                const isInside = shut && !(element.tagName === 'SUMMARY' && element.parentElement === shut);
                if (element.getClientRects().length > 0 && !element.disabled && !isInside) element.number = count++;
            }
            document.activeElement?.blur();
            return count;
        }
        """

    private static let focus = """
        () => {
            const element = document.activeElement;
            const style = getComputedStyle(element);
            const isSeen = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1)
                || style.boxShadow !== 'none';
            return [element.number ?? -1, isSeen, element.outerHTML.slice(0, 120)].join('|');
        }
        """

    private static let rules = """
        () => {
            const problems = [];
            const say = (what, element) => problems.push(what + (element ? ': ' + element.outerHTML.slice(0, 160) : ''));
            const box = (element) => element.getBoundingClientRect();
            const isSeen = (element) => element.getClientRects().length > 0 && box(element).width > 1
                && box(element).right > 0 && getComputedStyle(element).visibility !== 'hidden';
            // 3.1.1, 2.4.2, 1.3.1
            if (!document.documentElement.lang) say('no language');
            if (!document.title) say('no title');
            for (const name of ['h1', 'main', 'body > header', 'body > footer', 'header nav']) {
                if (document.querySelectorAll(name).length !== 1) say('not exactly one ' + name);
            }
            let level = 0;
            for (const heading of document.querySelectorAll('h1, h2, h3, h4, h5, h6')) {
                const next = Number(heading.tagName[1]);
                if (next > level + 1) say('a level of headings is left out', heading);
                level = next;
            }
            for (const region of document.querySelectorAll('nav, section, [role=region], [role=group]')) {
                if (!region.matches('[aria-label], [aria-labelledby]') && region.className !== 'empty')
                    say('a part without a name', region);
            }
            // 4.1.2, 3.3.2
            for (const field of document.querySelectorAll('input:not([type=hidden]), select, textarea')) {
                if (field.labels.length === 0 && !field.getAttribute('aria-label')) say('a field without a label', field);
            }
            for (const thing of document.querySelectorAll('a[href], button, summary, th, legend, label')) {
                if (!thing.textContent.trim() && !thing.getAttribute('aria-label')) say('nothing to read', thing);
            }
            for (const thing of document.querySelectorAll('[aria-describedby], [aria-labelledby]')) {
                const names = (thing.getAttribute('aria-describedby') ?? '') + ' ' + (thing.getAttribute('aria-labelledby') ?? '');
                for (const id of names.split(' ')) if (id && !document.getElementById(id)) say('refers to nothing', thing);
            }
            for (const picture of document.querySelectorAll('svg')) {
                if (picture.getAttribute('aria-hidden') !== 'true' && !picture.querySelector('title')) say('a picture without words', picture);
            }
            // 2.5.8
            for (const thing of document.querySelectorAll('button, select, textarea, summary, input:not([type=checkbox]):not([type=radio]):not([type=hidden])')) {
                if (isSeen(thing) && box(thing).height < 24) say('too small to hit', thing);
            }
            // 1.4.10
            if (document.documentElement.scrollWidth > innerWidth) say('wider than the screen by ' + (document.documentElement.scrollWidth - innerWidth));
            // 1.4.3
            const numbers = (color) => { const all = color.match(/[\\d.]+/g).map(Number); return [all[0], all[1], all[2], all[3] ?? 1]; };
            const over = (top, below) => [0, 1, 2].map((part) => top[part] * top[3] + below[part] * (1 - top[3])).concat(1);
            const behind = (element) => {
                if (!element) return [255, 255, 255, 1];
                const own = numbers(getComputedStyle(element).backgroundColor);
                return own[3] === 1 ? own : over(own, behind(element.parentElement));
            };
            const light = (color) => {
                const part = (value) => value <= 10.31475 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
                return 0.2126 * part(color[0]) + 0.7152 * part(color[1]) + 0.0722 * part(color[2]);
            };
            const checked = new Set();
            const contrast = (element) => {
                if (checked.has(element) || !isSeen(element) || element.closest('svg, option, [hidden]')) return;
                checked.add(element);
                const style = getComputedStyle(element);
                const below = behind(element);
                const [one, two] = [light(over(numbers(style.color), below)), light(below)];
                const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
                const size = parseFloat(style.fontSize);
                const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
                if (ratio < (isLarge ? 3 : 4.5)) say('contrast of ' + ratio.toFixed(2), element);
            };
            const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (texts.nextNode()) if (texts.currentNode.data.trim()) contrast(texts.currentNode.parentElement);
            for (const field of document.querySelectorAll('input:not([type=hidden]), select, textarea')) contrast(field);
            return problems;
        }
        """
}
