// SPDX-License-Identifier: Apache-2.0

extension Language {
    /// Rust, by cargo.
    package static let rust: Language = {
        var language = Language("rust", title: "Rust", markers: [.manifest("Cargo.toml")])
        language.outputs = ["target"]
        return language
    }()
}
