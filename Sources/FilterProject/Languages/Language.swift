// SPDX-License-Identifier: Apache-2.0

/// A language that filters are written in: how its projects are recognised, which tools build them, what goes wrong.
///
/// Everything that depends on the language is here, one value in one file: `wasme build`, `wasme init` and `wasme
/// doctor` go through `all`. CONTRIBUTING.md says how to add one.
package struct Language: Sendable {
    /// As it stands in wasme.yaml.
    package let name: String
    /// As people write it.
    package let title: String
    /// The files by which a folder is recognised; each is enough.
    package let markers: [LanguageMarker]
    /// Languages whose files are also found in projects of this one, as those of C are in C++.
    package var includes: [String] = []
    /// The tools that build it, in the order in which they are needed.
    package var tools: [LanguageTool] = []
    /// Tools of which one will do; nil for most languages.
    package var choice: ToolChoice?
    /// The variables that its toolchain reads, passed on to it; a name that ends in `*` is a beginning.
    package var variables: [String] = []
    /// Files and folders that its builds write, as patterns of the project's paths: `target`.
    package var outputs: [String] = []
    /// Files that its builds write and the next build reads, as a list of resolved packages; see `Cargo.lock`.
    package var locks: [String] = []
    package var traps: [BuildTrap] = []
    /// Builds it; nil for a language that is built by `build.command` alone.
    package var driver: (any BuildDriver)?

    package init(_ name: String, title: String, markers: [LanguageMarker]) {
        self.name = name
        self.title = title
        self.markers = markers
    }

    /// Every language, in the order in which people are shown them.
    package static let all: [Language] = [
        swift,
        rust,
        cPlusPlus,
        c,
        go,
        tinyGo,
        assemblyScript,
        zig,
        precompiled,
    ]

    /// Whether anything is known of what builds it.
    package var knowsTools: Bool { !tools.isEmpty || choice != nil }

    /// The language of a name; nil if there is none.
    package static func named(_ name: String) -> Language? { all.first { $0.name == name } }
}
