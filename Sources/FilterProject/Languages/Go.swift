// SPDX-License-Identifier: Apache-2.0

extension Language {
    /// Go, by its own compiler.
    package static let go: Language = {
        var language = Language(
            "go", title: "Go", markers: [.manifest("go.mod", lacking: ["tetratelabs/proxy-wasm-go-sdk"])])
        language.variables = ["GO*"]
        return language
    }()
}
