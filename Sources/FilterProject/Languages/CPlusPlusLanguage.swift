// SPDX-License-Identifier: Apache-2.0

extension Language {
    /// C++, by clang.
    package static let cPlusPlus: Language = {
        var language = Language(
            "cpp", title: "C++",
            markers: [
                .source("*.cc"), .source("*.cpp"), .source("*.cxx"), .source("src/*.cc"),
                .source("src/*.cpp"),
                .source("src/*.cxx"),
            ])
        language.includes = ["c"]
        return language
    }()
}
