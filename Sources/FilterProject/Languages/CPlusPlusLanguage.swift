// SPDX-License-Identifier: Apache-2.0

private import WasmBinary

extension Language {
    /// C++, with proxy-wasm-cpp-sdk, by whichever compiler with a C++ library for WebAssembly there is.
    package static let cPlusPlus: Language = {
        var language = Language(
            "cpp", title: "C++",
            markers: [
                .source("*.cc"), .source("*.cpp"), .source("*.cxx"), .source("src/*.cc"),
                .source("src/*.cpp"), .source("src/*.cxx"),
            ])
        language.includes = ["c"]
        language.tools = [.make, .git]
        language.choice = CPlusPlusToolchain.choice
        // Besides those of the compilers what git needs to get through a proxy.
        language.variables = [
            "WASI_SDK_PATH", "EMSDK*", "EM_*", "ZIG_*", "GIT_*", "SSL_CERT_*", "http_proxy", "https_proxy",
            "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
            CPlusPlusBuildDriver.sdkVariable,
        ]
        language.outputs = ["build", ".wasme"]
        language.driver = CPlusPlusBuildDriver()
        language.traps = [
            BuildTrap(
                "cpp-exceptions", "the SDK and its modules are built without exceptions",
                advice: "return errors as values",
                signs: .output(["error: cannot use 'throw' with exceptions disabled"]),
                .output(["error: cannot use 'try' with exceptions disabled"])),
            BuildTrap(
                "cpp-sdk", "proxy-wasm-cpp-sdk could not be fetched",
                advice:
                    "check the connection to github.com, or set \(CPlusPlusBuildDriver.sdkVariable) to a copy of it",
                signs: .output(["unable to access 'https://github.com/proxy-wasm"]),
                .output(["Could not resolve host: github.com"]),
                .output(["Could not read from remote repository"])),
            BuildTrap(
                "offset-converter", "a newer emscripten makes modules import what no host has",
                advice: "use emscripten 3.1.67, or another compiler of toolchain.mk",
                signs: .module { module in
                    module.imports.contains { $0.name == "HaveOffsetConverter" }
                }),
        ]
        return language
    }()
}
