// SPDX-License-Identifier: Apache-2.0

import Hummingbird
private import Markdown

/// How much of what strangers pushed is on a filter's page itself; all of it is a link away.
struct FilterBounds: Sendable {
    /// Bytes of the longest page.
    static let longestPage = 50_000

    /// Bytes of the README's HTML, of the form, and of the configuration in each snippet.
    let readme: Int
    let form: Int
    let configuration: Int
    /// Versions, layers, referrers, annotations.
    let rows: Int
    let functions: Int
    /// Findings of each host.
    let findings: Int
    /// Bytes of a short text.
    let text: Int
    /// Bytes of a manifest that is shown.
    let manifest: Int

    /// The widest first: a page takes the first with which it is short enough, and the last one always is.
    static let all = [
        Self(
            readme: 24 << 10, form: 12 << 10, configuration: 2 << 10, rows: 50, functions: 100, findings: 20,
            text: 600, manifest: 4 << 10),
        Self(
            readme: 10 << 10, form: 6 << 10, configuration: 512, rows: 15, functions: 30, findings: 4,
            text: 300, manifest: 0),
        Self(
            readme: 3 << 10, form: 2 << 10, configuration: 256, rows: 5, functions: 10, findings: 1,
            text: 150,
            manifest: 0),
    ]
}

/// The beginning of a text, so long that it has at most so many bytes in HTML.
func clipped(_ text: some StringProtocol, _ bytes: Int) -> String {
    var left = bytes
    var beginning = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        left -= HTMLText.escapedLength(scalar)
        guard left >= 0 else { return String(beginning) + "…" }
        beginning.append(scalar)
    }
    return String(text)
}

/// Whether a page is as short as pages are to be.
extension Response {
    var isShort: Bool { (body.contentLength ?? 0) <= FilterBounds.longestPage }
}
