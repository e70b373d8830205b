// SPDX-License-Identifier: Apache-2.0

extension Language {
    /// C, by clang.
    package static let c: Language = {
        var language = Language("c", title: "C", markers: [.source("*.c"), .source("src/*.c")])
        language.outputs = ["build"]
        return language
    }()
}
