// SPDX-License-Identifier: Apache-2.0

extension Language {
    /// Go, by TinyGo.
    package static let tinyGo: Language = {
        var language = Language(
            "tinygo", title: "TinyGo",
            markers: [.manifest("go.mod", containing: ["tetratelabs/proxy-wasm-go-sdk"])])
        language.variables = ["GO*", "TINYGOROOT"]
        return language
    }()
}
