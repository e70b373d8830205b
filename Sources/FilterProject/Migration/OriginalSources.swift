// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
private import Files
import SystemPackage

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// The files of a project of the original wasme, as far as they say what it is.
struct OriginalSources {
    private let folder: FilePath

    init(_ folder: FilePath) { self.folder = folder }

    /// The languages that the original had; there will be no others.
    static let known = ["cpp", "rust", "assemblyscript", "tinygo"]

    /// Most bytes of a project that is copied.
    private static let maximumSize = 64 << 20

    /// The languages that there are files of.
    var languages: [String] {
        Self.known.filter { language in
            switch language {
            case "cpp": !sources(language).isEmpty
            case "rust": has("Cargo.toml") || !sources(language).isEmpty
            case "assemblyscript":
                text("package.json").contains("assemblyscript") || !sources(language).isEmpty
            default: has("go.mod") || !sources(language).isEmpty
            }
        }
    }

    private func has(_ path: String) -> Bool { Files.kind(folder.pushing(FilePath(path))) == .file }

    private func text(_ path: String) -> String {
        guard has(path), let bytes = try? Files.read(folder.pushing(FilePath(path)), limit: 1 << 20) else {
            return ""
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func sources(_ language: String) -> [String] {
        let patterns =
            switch language {
            case "cpp": ["*.cc", "*.cpp", "*.cxx", "src/*.cc", "src/*.cpp"]
            case "rust": ["*.rs", "src/*.rs"]
            case "assemblyscript": ["assembly/*.ts"]
            default: ["*.go"]
            }
        return patterns.flatMap { ProjectSign.matches($0, in: folder) }.filter { $0 != "build.rs" }
    }

    /// Where in a proxy the sources work, by the callbacks that they have.
    func type(_ language: String) -> ProjectManifest.FilterType {
        let text = sources(language).map(text).joined(separator: "\n")
        let http = text.contains(/on_?(http_?)?(request|response)_?headers|HttpContext/.ignoresCase())
        let network = text.contains(
            /on_?(new_?connection|downstream_?data|upstream_?data)|StreamContext/.ignoresCase())
        return network && !http ? .network : .http
    }

    /// The root ids that the sources register.
    func rootIDs(_ language: String) -> [String] {
        let text = sources(language).map(text).joined(separator: "\n")
        switch language {
        case "cpp":
            return text.matches(of: /RegisterContextFactory[^;]*?"([^"\n]+)"\s*\)/).map { String($0.1) }
                .uniqued()
        case "assemblyscript":
            return text.matches(of: /registerRootContext\([\s\S]*?["']([^"'\n]+)["']\s*\)/)
                .map { String($0.1) }.uniqued()
        default: return []
        }
    }

    /// The line of wasme.yaml that builds by Bazel; nil where the language's own tools can do it.
    func bazelBuild(_ language: String) -> String? {
        let rules = text("BUILD") + text("BUILD.bazel")
        guard !rules.isEmpty else { return nil }
        switch language {
        case "rust": guard !has("Cargo.toml") else { return nil }
        // A driver cannot know what Bazel fetches and generates.
        case "cpp": break
        default: return nil
        }
        let rule =
            /(wasm_cc_binary|proxy_wasm_cc_binary|rust_binary|cc_binary)\(\s*name\s*=\s*"([A-Za-z0-9._-]+)"/
        let name =
            rules.firstMatch(of: rule).map { String($0.2) } ?? (language == "cpp" ? "filter.wasm" : "filter")
        // What Bazel makes lies behind a link out of the project.
        let script = "bazel build //:\(name) && cp -f bazel-bin/\(name) filter.wasm"
        return "build: {command: [sh, -c, \"\(script)\"], output: filter.wasm}"
    }

    /// What is the project's: all but what builds left, repositories, and links, which are named.
    func everything() throws -> (files: [Scaffold.File], leftOut: [String]) {
        var files: [Scaffold.File] = []
        var leftOut: [String] = []
        var size = 0
        var open = [""]
        while let prefix = open.popLast() {
            for name in try Files.contents(folder.pushing(FilePath(prefix))) {
                let path = prefix.isEmpty ? name : "\(prefix)/\(name)"
                let place = folder.pushing(FilePath(path))
                var status = stat()
                guard lstat(place.string, &status) == 0 else {
                    throw SystemError("read", place.string, errno: errno)
                }
                switch status.st_mode & S_IFMT {
                case S_IFDIR where !Self.isLeftOut(path): open.append(path)
                case S_IFREG:
                    size += Int(status.st_size)
                    guard size <= Self.maximumSize else {
                        throw ProjectError(
                            .malformed, "\"\(folder)\" holds more than \(Self.maximumSize >> 20) MiB",
                            hint: "take it over in place: 'wasme init --from-wasme \(folder)'")
                    }
                    files.append(
                        Scaffold.File(
                            path: path, bytes: try Files.read(place),
                            isExecutable: status.st_mode & S_IXUSR != 0))
                default: leftOut.append(path)
                }
            }
        }
        return (files, leftOut.sorted())
    }

    private static func isLeftOut(_ path: String) -> Bool {
        [".git", "node_modules", "target", "build"].contains(path) || path.hasPrefix("bazel-")
    }
}
