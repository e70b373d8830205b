// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

/// The SDK's documentation: it is rendered once, and held against the modules and symbols that it was made from.
@Suite struct DocumentationTests {
    private static let sdk = repositoryRoot.appending("sdk-templates/swift/ProxyWasm")
    private static let catalog = sdk.appending("Sources/ProxyWasm/ProxyWasm.docc")
    /// What `make docs` leaves; a warning of docc fails it.
    private static let rendered = Task { () throws -> ScratchDirectory in
        let folder = try ScratchDirectory("docs")
        let outcome = try await run(repositoryRoot.appending("scripts/docs.sh"), [folder.path.string])
        try #require(outcome.status == 0, "\(outcome.stdout)\(outcome.stderr)")
        return folder
    }

    @Test(.requires(.swift))
    func `docc renders the documentation without a warning`() async throws {
        let folder = try await Self.rendered.value
        for page in [
            "proxywasm/index.html", "proxywasm/memory/index.html", "proxywasmtesting/hostemulator/index.html",
        ] {
            #expect(Files.kind(folder.appending("site/documentation/\(page)")) == .file, "\(page)")
        }
        #expect(Files.kind(folder.appending("site/tutorials/proxywasm/firstfilter/index.html")) == .file)
    }

    @Test(.requires(.swift), arguments: ["ProxyWasm", "ProxyWasmTesting"])
    func `every public symbol is documented and has its place on the landing page`(
        module: String
    ) async throws {
        let folder = try await Self.rendered.value
        let graph = folder.appending("symbols/\(module)/\(module).symbols.json")
        let symbols = try JSONDecoder().decode(
            SymbolGraph.self, from: Data(contentsOf: URL(filePath: graph.string))
        ).symbols
        try #require(symbols.count > 20)
        // The compiler's own, of enumerations with raw values.
        let undocumented = symbols.filter {
            $0.docComment == nil && $0.pathComponents.last != "init(rawValue:)"
        }
        #expect(undocumented.map { $0.pathComponents.joined(separator: ".") } == [])

        let landing = Self.sdk.appending("Sources/\(module)/\(module).docc/\(module).md")
        let topics = try text(landing).split(separator: "\n").filter { $0.hasPrefix("- ``") }
        let missing = Set(symbols.filter { $0.pathComponents.count == 1 }.map { $0.pathComponents[0] }).filter
        { name in
            !topics.contains { $0 == "- ``\(name)``" || $0.hasPrefix("- ``\(name)-") }
        }
        #expect(missing == [])
    }

    @Test(.requires(.swift))
    func `the code in every article compiles, natively and for WebAssembly`() async throws {
        let modules = try await Self.rendered.value.appending("modules")
        let scratch = try ScratchDirectory("articles")
        let embedded = try await embeddedModule(in: scratch)
        let articles = try Files.contents(Self.catalog).filter { $0.hasSuffix(".md") }
        #expect(articles.count >= 11)
        for article in articles {
            let file = Self.catalog.appending(article)
            let blocks = swiftBlocks(of: try text(file), in: file)
            guard !blocks.isEmpty else { continue }
            let name = article.replacingOccurrences(of: ".md", with: "")
            // One file for an article, whose blocks may use each other, as top-level code.
            let native = try scratch.write("native/\(name)/main.swift", blocks.joined())
            try await check([native.string, "-I", modules.string])
            // A module has no tests in it.
            let filters = blocks.filter { !$0.contains("import Testing") }
            guard !filters.isEmpty else { continue }
            let inModule = try scratch.write("embedded/\(name)/main.swift", filters.joined())
            try await check([inModule.string, "-I", embedded.string] + Self.embeddedOptions)
        }
    }

    @Test(.requires(.swift))
    func `the README's code compiles`() async throws {
        let modules = try await Self.rendered.value.appending("modules")
        let scratch = try ScratchDirectory("readme")
        let readme = Self.sdk.appending("README.md")
        let blocks = swiftBlocks(of: try text(readme), in: readme)
        try #require(!blocks.isEmpty)
        let file = try scratch.write("main.swift", blocks.joined())
        try await check([file.string, "-I", modules.string])
    }

    @Test(.requires(.swift), .requires(.envoy), .requires(.curl))
    func `the tutorial ends in Envoy as it says`() async throws {
        let newcomer = try Newcomer()
        try await newcomer.does("init", "gate", "--language", "swift")
        for (resource, file) in [
            "gate-3.swift": "Sources/Gate/Gate.swift", "gate-tests.swift": "Tests/GateTests/GateTests.swift",
            "gate-schema.json": "config.schema.json", "gate-wasme.yaml": "wasme.yaml",
        ] {
            try newcomer.scratch.write(
                "gate/\(file)", try text(Self.catalog.appending("Resources/\(resource)")))
        }
        let main = try text(newcomer.scratch.appending("gate/Sources/Gate/main.swift"))
        #expect(main == (try text(Self.catalog.appending("Resources/gate-main.swift"))))
        try await newcomer.does("build", "gate")
        let envoy = try await newcomer.startEnvoy("gate:0.1.0", "--config", #"{"token":"s3cret"}"#)
        let curl = try #require(Tool.curl.path)
        let refused = try await run(curl, ["-si", "--max-time", "20", "http://\(envoy.address)/"]).stdout
        #expect(refused.hasPrefix("HTTP/1.1 403 Forbidden\r\n"))
        #expect(refused.contains("x-gate: checked\r\n"))
        #expect(refused.hasSuffix("no token, no entry\n"))
        let passed = try await run(
            curl, ["-si", "--max-time", "20", "-H", "x-token: s3cret", "http://\(envoy.address)/"]
        ).stdout
        #expect(passed.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(passed.contains("x-gate: checked\r\n"))
    }

    // MARK: Code in text

    /// The blocks marked as Swift, each told where it stands.
    private func swiftBlocks(of text: String, in file: FilePath) -> [String] {
        var blocks: [String] = []
        var block: String?
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if let current = block {
                if line == "```" {
                    blocks.append(current)
                    block = nil
                } else {
                    block = "\(current)\(line)\n"
                }
            } else if line == "```swift" {
                block = "#sourceLocation(file: \"\(file)\", line: \(index + 2))\n"
            }
        }
        return blocks
    }

    private func check(_ arguments: [String]) async throws {
        let outcome = try await run(
            "/usr/bin/env",
            ["swiftc", "-typecheck", "-swift-version", "6", "-warnings-as-errors"] + arguments + [
                "-Xcc", "-fmodule-map-file=\(Self.cModuleMap)",
            ])
        #expect(outcome.status == 0, "\(outcome.stderr)")
    }

    // MARK: The SDK as a module has it

    private static let cModuleMap = sdk.appending("Sources/CProxyWasmABI/include/module.modulemap")
    private static let embeddedOptions = [
        "-target", "wasm32-unknown-none-wasm", "-enable-experimental-feature", "Embedded",
        "-enable-experimental-feature", "Extern", "-wmo", "-Osize",
    ]

    /// Compiles the SDK for WebAssembly, far enough to compile against it.
    private func embeddedModule(in scratch: ScratchDirectory) async throws -> FilePath {
        let sources = Self.sdk.appending("Sources/ProxyWasm")
        let files = try Files.contents(sources).filter { $0.hasSuffix(".swift") }.map {
            sources.appending($0).string
        }
        let outcome = try await run(
            "/usr/bin/env",
            ["swiftc", "-emit-module", "-module-name", "ProxyWasm"] + files + Self.embeddedOptions + [
                "-swift-version", "6", "-package-name", "proxywasm", "-parse-as-library",
                "-Xcc", "-fmodule-map-file=\(Self.cModuleMap)",
                "-emit-module-path", scratch.appending("ProxyWasm.swiftmodule").string,
            ])
        try #require(outcome.status == 0, "\(outcome.stderr)")
        return scratch.path
    }

    private func text(_ file: FilePath) throws -> String {
        try String(contentsOfFile: file.string, encoding: .utf8)
    }
}

/// As much of a symbol graph as is asked here.
private struct SymbolGraph: Decodable {
    struct Symbol: Decodable {
        struct Comment: Decodable {}
        let pathComponents: [String]
        let docComment: Comment?
    }

    let symbols: [Symbol]
}
