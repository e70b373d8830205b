// SPDX-License-Identifier: Apache-2.0

/// A file by which a project's language is recognised.
package struct LanguageMarker: Sendable, Hashable {
    /// How much it says.
    package enum Strength: Sendable, Hashable, Comparable {
        /// A source file: projects of other languages may have some too.
        case source
        /// The file of the language's own build system.
        case manifest
    }

    /// Its path in the project; `*` stands for any part of a name, as in `src/*.c`.
    package let pattern: String
    package let strength: Strength
    /// Texts of which one must be in it; empty if any content will do.
    package var containing: [String] = []
    /// Texts of which none may be in it.
    package var lacking: [String] = []

    private init(
        _ pattern: String, _ strength: Strength, containing: [String] = [], lacking: [String] = []
    ) {
        self.pattern = pattern
        self.strength = strength
        self.containing = containing
        self.lacking = lacking
    }

    /// The file of the language's build system.
    package static func manifest(
        _ pattern: String, containing: [String] = [], lacking: [String] = []
    ) -> LanguageMarker {
        LanguageMarker(pattern, .manifest, containing: containing, lacking: lacking)
    }

    /// A source file.
    package static func source(_ pattern: String) -> LanguageMarker { LanguageMarker(pattern, .source) }
}
