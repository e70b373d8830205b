// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A snippet of a filter's page of the hub, as a browser shows and copies it.
/// - Parameters:
///   - id: its plain name, as in `istio-command`.
///   - page: the page's HTML.
/// - Returns: its text.
/// - Throws: an issue if the page has no such snippet.
package func snippet(_ id: String, of page: String) throws -> String {
    let start = try #require(page.range(of: "<code data-snippet=\"\(id)\">"), "\(id)")
    let end = try #require(page.range(of: "</code>", range: start.upperBound..<page.endIndex))
    return [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
        .reduce(String(page[start.upperBound..<end.lowerBound])) { $0.replacing($1.0, with: $1.1) }
}
