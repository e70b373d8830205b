// SPDX-License-Identifier: Apache-2.0

private import Files
private import SystemPackage
private import WasmBinary

extension Language {
    /// Rust, by cargo.
    package static let rust: Language = {
        var language = Language("rust", title: "Rust", markers: [.manifest("Cargo.toml")])
        language.tools = [.cargo, .rustTarget]
        language.variables = ["CARGO*", "RUST*"]
        language.outputs = ["target"]
        language.locks = ["Cargo.lock"]
        language.driver = RustBuildDriver()
        language.traps = [
            BuildTrap(
                "rust-target", "the toolchain has no standard library for \(RustBuildDriver.target)",
                advice: "run 'rustup target add \(RustBuildDriver.target)'",
                signs: .output(["the `\(RustBuildDriver.target)` target may not be installed"]),
                .output(["rustup target add \(RustBuildDriver.target)"])),
            BuildTrap(
                "wasm32-wasi", "the target wasm32-wasi is gone since Rust 1.84",
                advice:
                    "write wasm32-wasip1 instead, in .cargo/config.toml, rust-toolchain.toml and scripts; it is the same under a new name",
                signs: .output(["target", "wasm32-wasi\""]), .output(["target", "wasm32-wasi'"]),
                .output(["target", "`wasm32-wasi`"])),
            BuildTrap(
                "wasip2", "a target such as wasm32-wasip2 makes a component, which no proxy loads",
                advice: "build for \(RustBuildDriver.target)", signs: .kind(.component)),
            BuildTrap(
                "old-rust", "this Rust does not know the target \(RustBuildDriver.target)",
                advice: "run 'rustup update', or install Rust \(RustBuildDriver.minimum) or later",
                signs: .output(["find specification for target", "\(RustBuildDriver.target)\""])),
            BuildTrap(
                "rust-linker", "the linker for WebAssembly, rust-lld, is not there",
                advice: "install Rust by rustup, whose toolchains bring it, or the package lld",
                signs: .output(["linker `rust-lld` not found"]), .output(["linker `lld` not found"])),
        ]
        return language
    }()
}

extension LanguageTool {
    /// Builds packages of Rust.
    package static let cargo: LanguageTool = {
        var tool = LanguageTool(
            "cargo", programs: ["cargo"], variable: "WASME_CARGO",
            purpose: "compiles filters and fetches their crates", install: rust,
            minimum: RustBuildDriver.minimum)
        tool.readVersion = { ToolVersion(in: $0, after: "cargo ") }
        return tool
    }()

    /// The compiler, looked at for the standard library of modules.
    ///
    /// No build asks for it: those who build the standard library themselves need none, and cargo says what is missing.
    package static let rustTarget: LanguageTool = {
        var tool = LanguageTool(
            "rustc", programs: ["rustc"], variable: "RUSTC", purpose: "has the standard library for modules",
            install: rust, minimum: RustBuildDriver.minimum)
        tool.readVersion = { ToolVersion(in: $0, after: "rustc ") }
        tool.examine = { found, surroundings in
            let target = RustBuildDriver.target
            let answer = try await surroundings.answer(
                found.path, ["--print", "target-libdir", "--target", target])
            let folder = FilePath((answer ?? "").split(separator: "\n").last.map(String.init) ?? "")
            guard !folder.isAbsolute || Files.kind(folder) != .directory else { return nil }
            let hasRustup = surroundings.program("rustup") != nil
            return ToolFault(
                "the toolchain of \"\(found.path)\" (\(found.title)) has no standard library for \(target)",
                advice: hasRustup
                    ? "run 'rustup target add \(target)'"
                    : "install Rust by rustup (https://rustup.rs), then run 'rustup target add \(target)'",
                fix: hasRustup ? ["rustup", "target", "add", target] : nil)
        }
        return tool
    }()

    private static let rust = InstallAdvice(
        [.brew: ["rustup"], .pacman: ["rustup"]],
        elsewhere: "install Rust by rustup: https://rustup.rs")
}
