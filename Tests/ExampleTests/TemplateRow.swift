// SPDX-License-Identifier: Apache-2.0

import Files
import FilterProject
import Foundation
import SystemPackage
import TestSupport
import Testing
import WasmeTemplates

/// How the templates of one language are held to what they promise on a machine that may lack its tools.
///
/// A language is a row in `languages`; its templates are found by looking.
struct TemplateLanguage: Sendable {
    /// As it stands in wasme.yaml.
    let name: String
    /// Programs that its builds and unit tests need; those of `WASME_REQUIRE` must be there.
    let tools: [Tool]
    /// What else is missing on this machine; nil if nothing is.
    var lacks: @Sendable () -> String? = { nil }
    /// Set for the build and the unit tests.
    var variables: [String: String] = [:]
    /// The language's own command for its unit tests, which needs no `wasme`.
    let unitTests: [String]
    /// The language's own command for the module, and where that is; nil where it takes more than one.
    var plainBuild: (command: [String], module: String)?
    /// Whether compiling the SDK takes so long that one folder serves all kinds.
    var keepsFolder = false
    /// What a module of the kind `http-headers` may weigh, in bytes.
    let largest: Int
    /// Whether the module may import functions of WASI.
    var usesWASI = false

    static let languages: [TemplateLanguage] = [
        TemplateLanguage(
            name: "swift", tools: [.swift], unitTests: ["swift", "test"], keepsFolder: true, largest: 30_000),
        TemplateLanguage(
            name: "c", tools: [.clang, .make],
            variables: Tool.clang.path.map { ["WASM_CC": $0.string] } ?? [:],
            unitTests: ["make", "test"], plainBuild: (["make"], "build/my-filter.wasm"), largest: 11_000),
        TemplateLanguage(
            name: "zig", tools: [.zig], variables: Tool.zig.path.map { ["WASME_ZIG": $0.string] } ?? [:],
            unitTests: ["zig", "build", "test"],
            plainBuild: (["zig", "build"], "zig-out/bin/my-filter.wasm"), largest: 40_000),
        TemplateLanguage(
            name: "cpp", tools: [.clang, .make, .wasiLibraries],
            lacks: {
                Tool.cppSDK == nil
                    ? "needs a copy of proxy-wasm-cpp-sdk in WASME_PROXY_WASM_CPP_SDK, or github.com" : nil
            },
            variables: Tool.cppSDK.map {
                ["WASME_PROXY_WASM_CPP_SDK": $0.string, "PROXY_WASM_CPP_SDK": $0.string]
            } ?? [:],
            unitTests: ["make", "test"], plainBuild: (["make"], "build/my-filter.wasm"), largest: 60_000),
    ]

    /// Ends a test here, with the reason, if this machine cannot build the language.
    func requireTools() throws {
        for tool in tools where tool.path == nil {
            if tool.isRequired { Issue.record("WASME_REQUIRE names \(tool.name), which is not here") }
            try Test.cancel("\(name) needs \(tool.name), which is not on this machine or cannot be used")
        }
        if let reason = lacks() { try Test.cancel("\(name) \(reason)") }
    }

    /// The environment of the build and the unit tests, with the tools in PATH.
    var environment: [String: String] {
        var environment = ProcessInfo.processInfo.environment.merging(variables) { $1 }
        let folders = tools.compactMap { $0.path?.removingLastComponent().string }
        environment["PATH"] = ([environment["PATH"] ?? ""] + folders).joined(separator: ":")
        return environment
    }
}

/// A template with the language it is of.
struct TemplateRow: Sendable, CustomTestStringConvertible {
    let language: TemplateLanguage
    let template: ProjectTemplate

    var testDescription: String { "\(template.language)/\(template.kind)" }

    static let catalog = TemplateCatalog(root: repositoryRoot.appending("sdk-templates").string)

    static let all: [TemplateRow] = {
        let templates = (try? ProjectTemplate.all(in: catalog)) ?? []
        return templates.compactMap { template in
            TemplateLanguage.languages.first { $0.name == template.language }.map {
                TemplateRow(language: $0, template: template)
            }
        }
    }()

    /// Writes the project as `wasme init` does: below `scratch`, unless the language keeps a folder.
    func scaffold(in scratch: ScratchDirectory) throws -> FilePath {
        let scaffold = try Scaffold(template, in: Self.catalog, name: try FilterName("my-filter"))
        guard language.keepsFolder else {
            let folder = scratch.appending("my-filter")
            try scaffold.write(to: folder)
            return folder
        }
        let folder = buildFolder.appending("template-\(language.name)")
        // What another kind has left; what was built stays.
        for name in (try? Files.contents(folder)) ?? [] where name != ".build" {
            try Files.remove(folder.appending(name))
        }
        try scaffold.write(to: folder, force: true)
        return folder
    }
}

extension Tool {
    static let make = Tool("make", executables: ["make"])
    static let zig = Tool(
        "zig", executables: ["zig"],
        also: ((try? Files.contents(repositoryRoot.pushing(".tools/zig"))) ?? []).reversed().map {
            repositoryRoot.pushing(".tools/zig").appending($0).appending("zig").string
        })
    /// Debian's C++ library for WebAssembly; a shared object's place stands for it.
    static let wasiLibraries = Tool(
        "wasi++", executables: [],
        also: [FileManager.default.fileExists(atPath: "/usr/lib/wasm32-wasi/libc++.a") ? "/usr/bin/env" : nil]
    )

    /// A copy of proxy-wasm-cpp-sdk: the one that is named, else the one that `scripts/setup.sh` has fetched.
    static let cppSDK: FilePath? = {
        let named = ProcessInfo.processInfo.environment["WASME_PROXY_WASM_CPP_SDK"].map { FilePath($0) }
        let folders = [named, repositoryRoot.pushing(".tools/proxy-wasm-cpp-sdk")]
        return folders.compactMap { $0 }.first { Files.kind($0.appending("proxy_wasm_api.h")) == .file }
    }()
}
