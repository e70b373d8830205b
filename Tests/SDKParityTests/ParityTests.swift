// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import EnvoyControl
import FilterProject
import Foundation
import ProxyWasm
import ProxyWasmTesting
import SystemPackage
import TestSupport
import Testing
import WasmeTemplates

/// The test host of the SDK is held to what Envoy does: the same scenarios, the same outcomes.
@Suite(.serialized) struct ParityTests {
    @Test(.requires(.envoy), .requires(.swift))
    func `the test host and Envoy do the same`() async throws {
        let module = try await Self.module()
        let server = try RawListener()
        // A port at which nobody listens any more.
        let dead = try RawListener().port
        let configuration = EnvoyConfiguration.text(
            EnvoyRun.bootstrap(module: module, server: server.port, dead: dead))
        var options = EnvoyOptions()
        options.concurrency = 1
        options.logLevel = "warning"
        options.componentLogLevels = ["wasm:info"]
        let envoy = try #require(Tool.envoy.path)
        let table = scenarios
        let played = try await EnvoyProcess.run(
            EnvoyBinary(envoy), configuration, options: options, transport: CurlTransport()
        ) { envoy in
            let emulator = try EmulatorRun()
            let run = try EnvoyRun(envoy, server: server)
            var played: [Played] = []
            for scenario in table {
                let (expected, steps) = emulator.play(scenario)
                played.append(
                    Played(scenario: scenario, emulator: expected, envoy: try run.play(scenario, steps)))
            }
            for index in played.indices {
                played[index].envoy.log = try run.lines(of: played[index].scenario, atLeast: 0)
            }
            let metrics = try await envoy.admin.statistics(matching: "^wasmcustom\\.t_")
            for (name, value) in metrics.sorted(by: { $0.key < $1.key }) {
                let emulated = emulator.host.metric(Bytes(String(name.dropFirst("wasmcustom.".count))))
                #expect(emulated == value, "\(name)")
            }
            #expect(metrics.count >= 2)
            emulator.host.shutDown()
            #expect(emulator.host.leaks == [])
            return played
        }
        #expect(Set(table.map(\.name)).count == table.count, "names are unique")
        for scenario in played {
            #expect(
                scenario.emulator == scenario.envoy,
                """
                \(scenario.scenario.name): \(scenario.scenario.script)
                == the test host ==
                \(scenario.emulator)
                == Envoy ==
                \(scenario.envoy)
                """)
        }
    }

    struct Played: Sendable {
        let scenario: Scenario
        let emulator: Observation
        var envoy: Observation
    }

    /// Builds the filter as `wasme build` does.
    static func module() async throws -> FilePath {
        let fixture = FilePath(#filePath).removingLastComponent().removingLastComponent()
            .appending("Fixtures").appending("ParityFilter")
        let project = try FilterProject(root: fixture)
        let environment = ProcessInfo.processInfo.environment
        let context = BuildContext(
            environment: environment, catalog: try TemplateCatalog.locate(environment: environment))
        return try await project.buildDriver().build(project, context)
    }
}
