// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import SystemPackage
import TestSupport
import Testing
import WasmBinary

/// What the modules weigh that the SDK makes, and what they ask of a host and offer to it.
@Suite struct ModuleSizeTests {
    @Test(.requires(.swift)) func `the header filter of the scaffold keeps within its budget`() async throws {
        let newcomer = try await BuiltFilter.shared.value
        let built = newcomer.scratch.appending("add-header").pushing(Self.products).appending(
            "AddHeader.wasm")
        try expectBudget(40_000, "header-filter", of: try Files.read(built))
    }

    @Test(.requires(.swift)) func `a minimal filter keeps within its budget`() async throws {
        let newcomer = try Newcomer()
        try await newcomer.does("init", "minimal", "--language", "swift")
        let sources = newcomer.scratch.appending("minimal").appending("Sources").appending("Minimal")
        try Files.replace(sources.appending("Minimal.swift"), with: Array(Self.minimal.utf8))
        try await newcomer.does("build", "minimal", "-t", "minimal:v1")
        let built = newcomer.scratch.appending("minimal").pushing(Self.products).appending("Minimal.wasm")
        try expectBudget(11_000, "minimal-filter", of: try Files.read(built))
    }

    @Test(.requires(.swift), .requires(.envoy), .requires(.curl))
    func `a filter without state keeps within its budget, and works in Envoy`() async throws {
        let newcomer = try Newcomer()
        try await newcomer.does("init", "tiny", "--language", "swift")
        let sources = newcomer.scratch.appending("tiny").appending("Sources").appending("Tiny")
        try Files.remove(sources.appending("Tiny.swift"))
        try Files.replace(sources.appending("main.swift"), with: Array(Self.stateless.utf8))
        try await newcomer.does("build", "tiny", "-t", "tiny:v1")
        let built = newcomer.scratch.appending("tiny").pushing(Self.products).appending("Tiny.wasm")
        try expectBudget(4_096, "stateless-filter", of: try Files.read(built))
        let (envoy, live) = try await newcomer.startEnvoy("tiny:v1")
        #expect(try await newcomer.head(live).contains("hello: world"))
        envoy.signal(SIGINT)
        #expect(await envoy.wait().status == 130)
    }

    /// Where SwiftPM puts modules.
    private static let products = FilePath(".build/wasm32-unknown-none-wasm/release")

    /// No configuration, no text but that of one header.
    private static let minimal = """
        import ProxyWasm

        final class Minimal: HTTPPlugin {
            static var rootID: Bytes { "minimal" }

            init(configuration: PluginConfiguration) throws(ConfigurationError) {}

            func makeFilter(for stream: HTTPStream) -> MinimalFilter { MinimalFilter() }
        }

        final class MinimalFilter: HTTPFilter {
            func onResponseHeaders(_ response: HTTPResponse) throws(HostError) -> Action {
                try response.headers.set("hello", to: "world")
                return .continue
            }
        }

        """

    /// As `minimal`, without a plugin and without instances.
    private static let stateless = """
        import ProxyWasm

        enum Tiny: StatelessHTTPFilter {
            static func onResponseHeaders(_ response: HTTPResponse) throws(HostError) -> Action {
                try response.headers.set("hello", to: "world")
                return .continue
            }
        }

        register(stateless: Tiny.self)

        """

    /// Expects a module of at most so many bytes, which has not grown by more than 2 % since its size was recorded, and
    /// exactly the recorded imports and exports.
    private func expectBudget(_ budget: Int, _ name: String, of bytes: [UInt8]) throws {
        let module = try WasmModule(bytes)
        let imports = module.imports.map { "import \($0.module) \($0.name)" }.sorted()
        let exports = module.exports.map { "export \($0.name)" }.sorted()
        try expectGolden((imports + exports).joined(separator: "\n") + "\n", "modules/\(name).interface")
        #expect(bytes.count <= budget, "\(name) has \(bytes.count) bytes, its budget is \(budget)")
        let recorded = try? Int(golden("modules/\(name).size").prefix { $0.isNumber })
        let hasGrown = recorded.map { bytes.count * 100 > $0 * 102 } ?? true
        if isRecordingGoldens || hasGrown {
            try expectGolden("\(bytes.count)\n", "modules/\(name).size")
        }
    }
}
