// SPDX-License-Identifier: Apache-2.0

extension Language {
    /// AssemblyScript, by asc.
    package static let assemblyScript: Language = {
        var language = Language(
            "assemblyscript", title: "AssemblyScript",
            markers: [
                .manifest("asconfig.json"), .manifest("package.json", containing: ["assemblyscript"]),
            ])
        language.outputs = ["node_modules", "build"]
        return language
    }()
}
