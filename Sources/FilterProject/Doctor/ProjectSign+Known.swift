// SPDX-License-Identifier: Apache-2.0

extension ProjectSign {
    /// Every sign that is known; one for a language that has none here is added in its place.
    static let all: [ProjectSign] = rust + go + tinyGo + assemblyScript + cPlusPlus + swift

    private static let buildFiles = [
        "Makefile", "makefile", "*.sh", "scripts/*.sh", ".github/workflows/*.yml", ".github/workflows/*.yaml",
        "wasme.yaml",
    ]

    private static let rust: [ProjectSign] = [
        .line(
            ["rust"],
            [".cargo/config.toml", ".cargo/config", "rust-toolchain.toml", "Cargo.toml"] + buildFiles,
            "the target wasm32-wasi was removed in Rust 1.84", advice: "write wasm32-wasip1"
        ) { $0.contains(/wasm32-wasi(?![a-z0-9])/) },
        .line(
            ["rust"],
            [".cargo/config.toml", ".cargo/config", "rust-toolchain.toml", "Cargo.toml"] + buildFiles,
            "wasm32-wasip2 makes a component, which no proxy loads", advice: "write wasm32-wasip1"
        ) { $0.contains("wasm32-wasip2") },
        .whole(
            ["rust"], ["Cargo.toml"], "the crate is no cdylib, so that no module comes of it",
            advice: "add crate-type = [\"cdylib\"] to [lib]"
        ) { !$0.contains("cdylib") && !$0.contains("[workspace]") },
        .line(
            ["rust"], ["Cargo.toml"],
            "proxy-wasm before 0.2 speaks an older ABI, and its functions had other names",
            advice: "take proxy-wasm = \"0.2.5\" and follow its CHANGELOG"
        ) { $0.contains(/^\s*proxy-wasm\s*=.*"[=^~]?0\.[01](\.|")/) },
        .line(
            ["rust"], ["Cargo.toml"], "a commit of the SDK is pinned, and not a release",
            advice: "take proxy-wasm = \"0.2.5\"", isFatal: false
        ) { $0.contains(/\bgit\s*=\s*"[^"]*proxy-wasm-rust-sdk/) },
        .whole(
            ["rust"], ["Cargo.lock"], "proxy-wasm 0.2.3 leaks memory with every map of headers",
            advice: "run 'cargo update -p proxy-wasm'", isFatal: false
        ) { $0.contains("name = \"proxy-wasm\"\nversion = \"0.2.3\"") },
        .line(
            ["rust"], ["Cargo.toml"], "wasm-bindgen makes modules for JavaScript: their imports no proxy has",
            advice: "take it out, and use the crate proxy-wasm"
        ) { $0.contains(/^\s*wasm-bindgen\s*=/) },
        .line(
            ["rust"], ["BUILD", "BUILD.bazel"],
            "this is built by Bazel, with rules and SDK of 2020 that are pinned in WORKSPACE",
            advice:
                "add a Cargo.toml with crate-type cdylib and proxy-wasm = \"0.2.5\"; 'wasme init --language rust' writes one to copy"
        ) { $0.contains(/\brust_(binary|library|shared_library)\b/) },
    ]

    private static let go: [ProjectSign] = [
        .line(
            ["go"], ["go.mod"], "the SDK of tetratelabs is for TinyGo, and is not maintained",
            advice: "take github.com/proxy-wasm/proxy-wasm-go-sdk"
        ) { $0.contains("tetratelabs/proxy-wasm-go-sdk") || $0.contains("mathetake/proxy-wasm-go") },
        .line(
            ["go", "tinygo"], ["go.mod"],
            "Higress' SDK exports an ABI that only Higress knows: other proxies refuse the module",
            advice: "take github.com/proxy-wasm/proxy-wasm-go-sdk, unless the filter is for Higress alone",
            isFatal: false
        ) { $0.contains("higress-group/proxy-wasm-go-sdk") || $0.contains("alibaba/higress") },
        .line(
            ["go"], ["go.mod"], "Go before 1.24 makes no module that a proxy can load",
            advice: "write go 1.24 or later"
        ) { $0.contains(/^go 1\.(\d|1\d|2[0-3])(\.\d+)?\s*$/) },
    ]

    private static let tinyGo: [ProjectSign] = [
        .line(
            ["tinygo"], ["go.mod"],
            "the SDK of tetratelabs is not maintained, and its authors advise against it",
            advice:
                "take github.com/proxy-wasm/proxy-wasm-go-sdk and Go 1.24: 'wasme init --language go' shows how a filter looks",
            isFatal: false
        ) { $0.contains("tetratelabs/proxy-wasm-go-sdk") || $0.contains("mathetake/proxy-wasm-go") },
        .line(
            ["tinygo"], ["go.mod"],
            "the SDK's functions had other names before 0.15: contexts are made by SetVMContext now",
            advice: "take a later version, and move SetNewHttpContext and SetNewRootContext to SetVMContext"
        ) { $0.contains(/(tetratelabs|mathetake)\/proxy-wasm-go(-sdk)?\s+v0\.(\d|1[0-4])\./) },
        .line(
            ["tinygo"], buildFiles, "TinyGo has no option -wasm-abi any more", advice: "leave it out"
        ) { $0.contains("-wasm-abi") },
    ]

    private static let assemblyScript: [ProjectSign] = [
        .line(
            ["assemblyscript"], ["package.json"],
            "the SDK of solo-io has not changed since 2022, and compiles with AssemblyScript up to 0.19.23 or with 0.21.3 only",
            advice:
                "take @gcoredev/proxy-wasm-sdk-as 1.2.3 with assemblyscript 0.28.9, and its name in the imports"
        ) { $0.contains("@solo-io/proxy-runtime") },
        .line(
            ["assemblyscript"], ["package.json"], "the package @solo-io/envoy was never published",
            advice:
                "take @gcoredev/proxy-wasm-sdk-as 1.2.3 with assemblyscript 0.28.9, and its name in the imports"
        ) { $0.contains("@solo-io/envoy") },
        .line(
            ["assemblyscript"], ["package.json"],
            "this AssemblyScript is too old for the SDK that is maintained",
            advice: "take assemblyscript 0.28.9"
        ) { $0.contains(/"assemblyscript"\s*:\s*"[\^~=]?0\.(\d|1\d|2[0-7])\./) },
        .line(
            ["assemblyscript"], ["package.json"],
            "a newer AssemblyScript than the SDK is made for is taken by itself with the next release",
            advice: "pin it: \"assemblyscript\": \"0.28.9\"", isFatal: false
        ) { $0.contains(/"assemblyscript"\s*:\s*"(\*|latest|>=|x)/) },
        .whole(
            ["assemblyscript"], ["package.json"],
            "nothing replaces abort, which AssemblyScript's modules import and no proxy has",
            advice: "add --use abort=abort_proc_exit to the options of asc, or the same to asconfig.json",
            orIn: "asconfig.json"
        ) { $0.contains("asc ") && !$0.contains("abort_proc_exit") && !$0.contains("--config") },
    ]

    private static let cPlusPlus: [ProjectSign] = [
        .line(
            ["cpp"], ["WORKSPACE", "WORKSPACE.bazel"],
            "emscripten of 2019 is pinned here, which modern Bazel cannot fetch as it is written",
            advice:
                "take the SDK's own Bazel rules (proxy_wasm_cc_binary), or let wasme's driver compile the sources: remove build.command from wasme.yaml"
        ) { $0.contains(/emsdk.*(1\.3[89]|2\.0)/) || $0.contains(/emsdk install 1\./) },
        .line(
            ["cpp"], ["WORKSPACE", "WORKSPACE.bazel"],
            "the API of envoy-wasm, a fork of Envoy that is gone, is pinned here",
            advice:
                "take github.com/proxy-wasm/proxy-wasm-cpp-sdk: its context classes and calls are much the same"
        ) { $0.contains("envoy-wasm") || $0.contains("envoy_wasm_api") },
        .line(
            ["cpp"], ["WORKSPACE", "WORKSPACE.bazel"],
            "the C++ SDK of 2020 is pinned here: its modules say ABI 0.2.0",
            advice: "take a commit of 2025 or later", isFatal: false
        ) { $0.contains("proxy-wasm-cpp-sdk-") && !$0.contains("/main") },
        .whole(
            ["cpp"], ["WORKSPACE"], "Bazel 8 and later read MODULE.bazel, and no WORKSPACE",
            advice: "build with Bazel 7, USE_BAZEL_VERSION=7.6.1, or write a MODULE.bazel", isFatal: false
        ) { !$0.isEmpty },
    ]

    private static let swift: [ProjectSign] = [
        .line(
            ["swift"], ["Package.swift"], "a filter needs Swift 6.2, and the package asks for less",
            advice: "begin with // swift-tools-version: 6.2", isFatal: false
        ) { $0.contains(/swift-tools-version:\s*([0-5]\.|6\.[01])/) },
        .whole(
            ["swift"], ["Package.swift"], "the package does not depend on the SDK, ProxyWasm",
            advice: "add .package(path: \"Packages/ProxyWasm\"); 'wasme init' writes a copy of it"
        ) { !$0.contains("ProxyWasm") },
    ]
}
