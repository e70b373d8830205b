// SPDX-License-Identifier: Apache-2.0

private import Files
import SystemPackage

/// Builds a Go package as a module, by Go's own compiler.
package struct GoBuildDriver: BuildDriver {
    package init() {}

    /// The first release that makes libraries of wasip1.
    static let minimum = ToolVersion(1, 24)

    package func plan(_ project: FilterProject, _ context: BuildContext) async throws -> BuildPlan {
        let sources = try GoModule(of: project)
        guard !sources.text.contains(GoModule.tinyGoSDK) else {
            throw ProjectError(
                .malformed,
                "the project \"\(project.root)\" uses \(GoModule.tinyGoSDK), of which Go makes a module that exports nothing",
                hint: "import \(GoModule.sdk) instead, or write 'language: tinygo' into wasme.yaml")
        }
        let go = try await LanguageTool.go.find(in: context.surroundings(of: project))
        for (file, call) in try sources.setUpInMain() {
            context.progress(
                "warning: \(file) calls \(call) in main, which never runs in a module: call it in 'func init()'"
            )
        }
        let name = project.manifest.name.description
        // Paths and commits of this machine do not belong into a module.
        var arguments = ["build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false"]
        if context.configuration == .release { arguments.append("-ldflags=-s -w") }
        var plan = BuildPlan(
            product: name, tools: [go],
            steps: [
                BuildStep(
                    "go build", go.path, arguments + ["-o", "build/\(name).wasm", sources.package],
                    environment: ["GOOS": "wasip1", "GOARCH": "wasm", "CGO_ENABLED": "0"])
            ],
            module: project.root.pushing(FilePath("build/\(name).wasm")))
        plan.outside = sources.outside(context.buildEnvironment(of: project))
        return plan
    }
}

/// What the files of a Go module say before its toolchain is asked.
package struct GoModule: Sendable {
    /// The SDK of the Proxy-Wasm project.
    package static let sdk = "github.com/proxy-wasm/proxy-wasm-go-sdk"
    /// The one that was made for TinyGo.
    package static let tinyGoSDK = "github.com/tetratelabs/proxy-wasm-go-sdk"

    /// The text of go.mod, without comments.
    let text: String
    /// The package that is the module, as the toolchain takes it: the project's folder, or `build.product` in `cmd`.
    let package: String
    private let folder: FilePath
    private let root: FilePath
    /// Folders outside the project that go.mod takes modules from.
    private let replacements: [FilePath]

    /// Reads what is there.
    /// - Throws: `ProjectError` if there is no go.mod.
    init(of project: FilterProject) throws {
        let file = project.root.appending("go.mod")
        guard Files.kind(file) == .file else {
            throw ProjectError(
                .malformed,
                "the project \"\(project.root)\" has no go.mod, and its language is \(project.manifest.language)",
                hint:
                    "run 'go mod init' there, or 'wasme init' in an empty folder to see what a project looks like"
            )
        }
        let lines = String(decoding: try Files.read(file, limit: 1 << 20), as: UTF8.self)
            .split(whereSeparator: \.isNewline).map { line -> String in
                String(line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line)
            }
        text = lines.joined(separator: "\n")
        root = project.root
        package = project.manifest.build.product.map { "./cmd/\($0)" } ?? "."
        folder = project.root.pushing(FilePath(package)).lexicallyNormalized()
        replacements = lines.compactMap { line in
            let words = line.split(whereSeparator: \.isWhitespace)
            guard let arrow = words.firstIndex(of: "=>"), let place = words[arrow...].dropFirst().first,
                place.hasPrefix("/") || place.hasPrefix("../")
            else { return nil }
            let path = project.root.pushing(FilePath(String(place))).lexicallyNormalized()
            return path.starts(with: project.root) ? nil : path
        }
    }

    /// The folders outside the project that a build reads; nil if a workspace has a say in that, which may use any.
    func outside(_ environment: BuildEnvironment) -> [FilePath]? {
        // "off", a file, or by default the first go.work upwards (go help work).
        switch environment.variables["GOWORK"] ?? "" {
        case "off": return replacements
        case "": break
        default: return nil
        }
        var above = realPath(root)
        repeat {
            if Files.kind(above.appending("go.work")) == .file { return nil }
        } while above.removeLastComponent()
        return replacements
    }

    /// The calls in `main` that should be in `init`, each with its file: the compiler takes them without a word, and in
    /// a library they never run.
    func setUpInMain() throws -> [(file: String, call: String)] {
        guard Files.kind(folder) == .directory else { return [] }
        let names = try Files.contents(folder).filter { $0.hasSuffix(".go") && !$0.hasSuffix("_test.go") }
        return try names.compactMap { name in
            let file = folder.appending(name)
            guard Files.kind(file) == .file else { return nil }
            let source = String(decoding: try Files.read(file, limit: 16 << 20), as: UTF8.self)
            return Self.setUp(inMainOf: source).map { (name, $0) }
        }
    }

    /// The call in `main` that should be in `init`.
    static func setUp(inMainOf text: String) -> String? {
        // A line may end as on Windows.
        let source = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            .joined(separator: "\n")
        guard let start = source.firstRange(of: "\nfunc main() {") else { return nil }
        let body = source[start.upperBound...]
        // As gofmt writes it, a function ends with a brace at the margin, or in its first line.
        let line = body.prefix { $0 != "\n" }
        let end = line.contains("}") ? line.endIndex : body.firstRange(of: "\n}")?.lowerBound ?? body.endIndex
        return ["SetVMContext", "SetPluginContext", "SetHttpContext", "SetTcpContext"].first {
            body[..<end].contains("proxywasm.\($0)(")
        }
    }
}
