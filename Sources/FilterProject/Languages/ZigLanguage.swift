// SPDX-License-Identifier: Apache-2.0

extension Language {
    /// Zig, by its own compiler.
    package static let zig: Language = {
        var language = Language(
            "zig", title: "Zig", markers: [.manifest("build.zig"), .source("src/*.zig"), .source("*.zig")])
        language.outputs = ["zig-out", ".zig-cache", "zig-cache"]
        return language
    }()
}
