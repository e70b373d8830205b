// SPDX-License-Identifier: Apache-2.0

private import SystemPackage

extension Language {
    /// Zig, by its own build system.
    package static let zig: Language = {
        var language = Language("zig", title: "Zig", markers: [.manifest("build.zig")])
        language.tools = [.zig]
        language.variables = ["ZIG_*"]
        language.outputs = [".zig-cache", "zig-out"]
        language.driver = ZigBuildDriver()
        language.traps = [
            BuildTrap(
                "zig-version", "the project is written for another version of Zig",
                advice: "install the version that build.zig names, or set WASME_ZIG to it",
                signs: .output(["this project needs Zig"]), .output(["build.zig", "has no member named"]))
        ]
        return language
    }()
}

extension LanguageTool {
    /// Zig: its command, else the one inside the Python package of that name.
    package static let zig: LanguageTool = {
        var tool = LanguageTool(
            "Zig", programs: ["zig"], variable: "WASME_ZIG", purpose: "compiles filters",
            install: InstallAdvice(
                [.brew: ["zig"]],
                elsewhere: "run 'python3 -m pip install ziglang', or see https://ziglang.org/download"),
            minimum: ToolVersion(0, 17, 0))
        tool.questions = [ToolQuestion("version")]
        tool.locate = { surroundings in
            let script =
                "import importlib.util as u; s = u.find_spec('ziglang'); print(s.submodule_search_locations[0] if s else '')"
            guard let python = surroundings.program("python3"),
                let answer = try await surroundings.answer(python, ["-c", script]),
                let folder = answer.split(separator: "\n").first
            else { return nil }
            return FilePath(String(folder)).appending("zig")
        }
        return tool
    }()
}
