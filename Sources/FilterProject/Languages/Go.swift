// SPDX-License-Identifier: Apache-2.0

extension Language {
    /// Go, by its own compiler.
    package static let go: Language = {
        var language = Language(
            "go", title: "Go", markers: [.manifest("go.mod", lacking: [GoModule.tinyGoSDK])])
        language.tools = [.go]
        // What chooses another system than modules are for is set by the driver.
        language.variables = ["GO*"]
        language.outputs = ["build"]
        language.locks = ["go.sum"]
        language.driver = GoBuildDriver()
        language.traps = [
            BuildTrap(
                "tinygo-sdk",
                "\(GoModule.tinyGoSDK) is for TinyGo; Go makes a module of it that exports nothing",
                advice:
                    "import \(GoModule.sdk) instead, whose packages have the same names, or write 'language: tinygo' into wasme.yaml",
                signs: .output([GoModule.tinyGoSDK])),
            BuildTrap(
                "go-sum", "go.sum does not know a package",
                advice: "run 'go mod tidy', and commit go.mod and go.sum",
                signs: .output(["missing go.sum entry"]),
                .output(["cannot find module providing package"]),
                .output(["no required module provides package"]), .output(["updates to go.mod needed"])),
            BuildTrap(
                "go-c-shared", "this Go cannot make a library of wasip1",
                advice: "install Go \(GoBuildDriver.minimum) or later: https://go.dev/dl",
                signs: .output(["-buildmode=c-shared not supported on wasip1/wasm"])),
            BuildTrap(
                "go-main", "only a package main can be a module",
                advice: "write 'package main' and an empty 'func main() {}' beside the filter",
                signs: .output(["-buildmode=c-shared requires exactly one main package"]),
                .output(["function main is undeclared in the main package"])),
            BuildTrap(
                "go-cgo", "a package of the filter needs C, which modules cannot have",
                advice: "look for one that is written in Go alone",
                signs: .output(["build constraints exclude all Go files"])),
        ]
        return language
    }()
}

extension LanguageTool {
    /// The Go toolchain.
    package static let go: LanguageTool = {
        var tool = LanguageTool(
            "Go", programs: ["go"], variable: "WASME_GO",
            purpose: "compiles filters and fetches their modules",
            install: InstallAdvice(
                [.brew: ["go"], .apk: ["go"], .pacman: ["go"]],
                elsewhere: "install Go \(GoBuildDriver.minimum) or later: https://go.dev/dl"),
            minimum: GoBuildDriver.minimum)
        tool.questions = [ToolQuestion("version")]
        tool.readVersion = { ToolVersion(in: $0, after: "go version go") }
        return tool
    }()
}
