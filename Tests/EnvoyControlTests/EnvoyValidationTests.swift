// SPDX-License-Identifier: Apache-2.0

import EnvoyControl
import Files
import SystemPackage
import TestSupport
import Testing

@Suite struct EnvoyValidationTests {
    let scratch: ScratchDirectory

    init() throws { scratch = try ScratchDirectory("validate") }

    func configuration(_ filter: TinyFilter) throws -> EnvoyConfiguration {
        let module = scratch.appending("module.wasm")
        try Files.replace(module, with: filter.bytes)
        return .text(Bootstraps.answering(filters: [Bootstraps.wasm(module)]))
    }

    @Test(.requires(.envoy)) func `a good module passes`() async throws {
        try await envoyUnderTest().validate(configuration(TinyFilter()))
    }

    /// Each flaw with a part of Envoy's reason and a part of our hint.
    static let refusals: [(TinyFilter.Flaw, String, String)] = [
        (.missingImport, "missing import: env.no_such_hostcall", "does not offer that function"),
        (.wrongImportType, "import type mismatch: env.proxy_add_header_map_value", "another version"),
        (.noABIVersion, "unknown Proxy-Wasm ABI version", "proxy_abi_version_0_2_1"),
        (.noMalloc, "missing malloc function", "must export malloc"),
        (.wrongCallbackType, "Bad function signature for: proxy_on_response_headers", "does not fit"),
        (.refusesToStart, "Failed to start base Wasm", "proxy_on_vm_start"),
        (.refusesItsConfiguration, "Failed to configure base Wasm plugin", "refused its configuration"),
    ]

    @Test(.requires(.envoy), arguments: refusals)
    func `a flawed module is refused with Envoy's reason and a hint`(
        _ flaw: TinyFilter.Flaw, _ reason: String, _ hint: String
    ) async throws {
        let error = try await #require(throws: EnvoyError.self) {
            try await envoyUnderTest().validate(configuration(TinyFilter(flaw: flaw)))
        }
        #expect(error.code == .rejected)
        #expect(error.message.contains(reason))
        #expect(error.hint?.contains(hint) == true)
        #expect(!error.message.contains("[wasm]") && !error.message.contains("source/"))
        #expect(error.reasons.first.map { error.message.hasSuffix($0) } == true)
    }

    @Test(.requires(.envoy)) func `what is no module is refused`() async throws {
        let module = try scratch.write("module.wasm", "not wasm")
        let error = try await #require(throws: EnvoyError.self) {
            try await envoyUnderTest().validate(
                .text(Bootstraps.answering(filters: [Bootstraps.wasm(module)])))
        }
        #expect(error.message.contains("corrupted Wasm module"))
        #expect(error.hint?.contains("not a WebAssembly module") == true)
    }

    @Test(.requires(.envoy)) func `a module that is not there is refused`() async throws {
        let error = try await #require(throws: EnvoyError.self) {
            try await envoyUnderTest().validate(
                .text(Bootstraps.answering(filters: [Bootstraps.wasm("/nowhere/module.wasm")])))
        }
        #expect(error.message.contains("/nowhere/module.wasm"))
        #expect(error.hint?.contains("missing or not readable") == true)
    }

    @Test(.requires(.envoy)) func `a wrong field is named without Envoy's noise`() async throws {
        let file = try scratch.write(
            "bad.yaml", Bootstraps.answering().replacing("stat_prefix", with: "stat_prefx"))
        let error = try await #require(throws: EnvoyError.self) {
            try await envoyUnderTest().validate(.file(file))
        }
        #expect(error.message.contains("no such field: 'stat_prefx'"))
        #expect(error.message.hasPrefix("envoy refuses the configuration \"\(file)\": "))
        #expect(!error.message.contains("offset"))
    }

    @Test(.requires(.envoy)) func `a module that never returns is ended`() async throws {
        let configuration = try configuration(TinyFilter(flaw: .neverConfigured))
        let error = try await #require(throws: EnvoyError.self) {
            try await envoyUnderTest().validate(configuration, within: .seconds(2))
        }
        #expect(error.code == .timedOut)
        #expect(error.hint?.contains("never return") == true)
    }

    @Test func `the log is read message by message`() {
        let log = """
            [2026-11-21 04:28:01.989][17064][error][wasm] [source/extensions/common/wasm/wasm_vm.cc:42] Function: f failed
              0: 0x1 - f
            [2026-11-21 04:28:01.990][17064][info][main] plain text
            """
        #expect(
            EnvoyLogMessage.parse(log) == [
                EnvoyLogMessage(level: "error", logger: "wasm", text: "Function: f failed\n  0: 0x1 - f"),
                EnvoyLogMessage(level: "info", logger: "main", text: "plain text"),
            ])
    }
}
