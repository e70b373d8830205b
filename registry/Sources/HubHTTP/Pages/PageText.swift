// SPDX-License-Identifier: Apache-2.0

import Markdown
import Mustache

/// How templates escape what is put into them.
///
/// The template engine's own escaping goes by characters, and leaves a quote with a combining accent as it is.
struct PageText: MustacheContentType {
    /// What templates name it by.
    static let name = "HUB"

    func escapeText(_ text: String) -> String { HTMLText.escaped(text) }
}
