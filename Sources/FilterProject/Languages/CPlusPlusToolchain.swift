// SPDX-License-Identifier: Apache-2.0

private import Files
private import SystemPackage

/// A way to compile C++ for WebAssembly, by the names of `toolchain.mk` in the templates.
package enum CPlusPlusToolchain: String, Sendable, CaseIterable {
    /// The compiler and libraries of https://github.com/WebAssembly/wasi-sdk.
    case wasiSDK = "wasi-sdk"
    /// Any clang, with the libraries that Debian has as packages.
    case clang
    case emscripten
    case zig

    /// All of them, of which one will do.
    static let choice = ToolChoice(
        "C++ compiler", purpose: "C++ compiler with a library for WebAssembly", tools: allCases.map(\.tool),
        install: debianLibraries)

    /// What is looked for.
    package var tool: LanguageTool {
        switch self {
        case .wasiSDK: Self.wasiSDKCompiler
        case .clang: Self.clangCompiler
        case .emscripten: Self.emscriptenCompiler
        case .zig: .zig
        }
    }

    /// What a Makefile is told.
    func variables(_ found: FoundTool) -> [String] {
        let compiler =
            switch self {
            case .wasiSDK:
                "WASI_SDK_PATH=\(found.path.removingLastComponent().removingLastComponent())"
            case .clang: "CLANGXX=\(found.path)"
            case .emscripten: "EMXX=\(found.path)"
            case .zig: "ZIG=\(found.path)"
            }
        return ["TOOLCHAIN=\(rawValue)", compiler]
    }

    /// Finds the first one that is there.
    /// - Throws: `ProjectError` that says what to install.
    static func find(in surroundings: ToolSurroundings) async throws -> (CPlusPlusToolchain, FoundTool) {
        for toolchain in allCases {
            if case .good(let found) = try await toolchain.tool.look(in: surroundings).state {
                return (toolchain, found)
            }
        }
        throw ProjectError(
            .noToolchain,
            "cannot build: \(choice.fault)",
            hint: choice.install.sentence(on: surroundings.system))
    }

    // MARK: - The programs

    private static let wasiSDKCompiler: LanguageTool = {
        var tool = LanguageTool(
            "wasi-sdk", programs: ["/opt/wasi-sdk/bin/clang++"], variable: "WASME_WASI_CXX",
            purpose: "compiles C++",
            install: InstallAdvice(elsewhere: "see https://github.com/WebAssembly/wasi-sdk/releases"))
        tool.readVersion = { ToolVersion(in: $0, after: "clang version ") }
        tool.locate = { surroundings in
            surroundings.variables["WASI_SDK_PATH"].flatMap { path in
                path.isEmpty ? nil : FilePath(path).pushing("bin/clang++")
            }
        }
        return tool
    }()

    /// Where Debian's packages have the C library, the C++ library and what clang itself may call.
    private static let debianLibraries = InstallAdvice(
        [
            .apt: [
                "clang", "lld", "wasi-libc", "libc++-dev-wasm32", "libclang-rt-14-dev-wasm32", "make", "git",
            ]
        ],
        elsewhere: "install wasi-sdk: https://github.com/WebAssembly/wasi-sdk/releases")

    private static let clangCompiler: LanguageTool = {
        var tool = LanguageTool(
            "clang++", programs: ["clang++"] + (14...22).reversed().map { "clang++-\($0)" },
            variable: "WASME_CLANGXX",
            purpose: "compiles C++ with Debian's libraries",
            install: debianLibraries, minimum: ToolVersion(14, 0))
        tool.readVersion = { ToolVersion(in: $0, after: "clang version ") }
        tool.examine = { found, surroundings in
            let library = FilePath("/usr/lib/wasm32-wasi/libc++.a")
            guard Files.kind(library) != .file || builtins == nil else { return nil }
            return ToolFault(
                "\"\(found.path)\" has no C++ library for WebAssembly: there is no \"\(library)\" with the builtins of clang",
                advice: debianLibraries.sentence(on: surroundings.system))
        }
        return tool
    }()

    /// The folder of the builtins, in one of LLVM's versions.
    private static var builtins: FilePath? {
        let root = FilePath("/usr/lib")
        guard let names = try? Files.contents(root) else { return nil }
        for name in names where name.hasPrefix("llvm-") {
            let versions = root.appending(name).pushing("lib/clang")
            for version in (try? Files.contents(versions)) ?? [] {
                let file = versions.appending(version).pushing("lib/wasi/libclang_rt.builtins-wasm32.a")
                if Files.kind(file) == .file { return file }
            }
        }
        return nil
    }

    private static let emscriptenCompiler: LanguageTool = {
        var tool = LanguageTool(
            "emscripten", programs: ["em++"], variable: "WASME_EMXX",
            purpose: "compiles C++",
            install: InstallAdvice(
                [.brew: ["emscripten"]],
                elsewhere: "see https://emscripten.org/docs/getting_started/downloads.html"),
            // The option INITIAL_HEAP.
            minimum: ToolVersion(3, 1, 58))
        tool.locate = { surroundings in
            surroundings.variables["EMSDK"].flatMap { path in
                path.isEmpty ? nil : FilePath(path).pushing("upstream/emscripten/em++")
            }
        }
        return tool
    }()
}
