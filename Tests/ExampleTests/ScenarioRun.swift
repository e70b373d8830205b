// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import EnvoyControl
import FilterProject
import Scenarios
import NIOCore

/// Something that was not as a `tests.yaml` says.
struct ScenarioFailure: Sendable, CustomStringConvertible {
    let scenario: String
    let line: Int
    let reasons: [String]

    var description: String { "\"\(scenario)\", line \(line): " + reasons.joined(separator: "; ") }
}

/// Runs the scenarios of one filter in one Envoy.
struct ScenarioRun: Sendable {
    let filter: BuiltFilter
    let file: ScenarioFile
    let envoy: EnvoyBinary

    /// Runs all of them.
    /// - Returns: what was not as expected; empty if all was.
    func failures() async throws -> [ScenarioFailure] {
        let services = file.services
        var players = [ScenarioProxy.upstream: ServicePlayer()]
        for name in services.keys { players[name] = ServicePlayer() }
        var clusters: [(name: String, port: Int, isHTTP2: Bool)] = []
        var servers: [any Channel] = []
        for (name, player) in players.sorted(by: { $0.key < $1.key }) {
            let isHTTP2 = services[name] ?? false
            let isTCP = name == ScenarioProxy.upstream && filter.manifest.module.type == .network
            let server = try await player.listen(isTCP ? .tcp : isHTTP2 ? .http2 : .http1)
            servers.append(server)
            clusters.append((name, server.localAddress?.port ?? 0, isHTTP2))
        }
        let result: [ScenarioFailure]
        do {
            result = try await failures(
                ScenarioProxy(filter: filter, clusters: clusters), players)
        } catch {
            for server in servers { try await server.close() }
            throw error
        }
        for server in servers { try await server.close() }
        return result
    }

    private func failures(
        _ proxy: ScenarioProxy, _ players: [String: ServicePlayer]
    ) async throws -> [ScenarioFailure] {
        var failures: [ScenarioFailure] = []
        var living: [(index: Int, scenario: Scenario)] = []
        for (index, scenario) in file.scenarios.enumerated() {
            if case .refused(let pattern) = scenario.outcome {
                let said = await refusal(of: proxy.configuration(of: [(index, scenario)]))
                if !pattern.accepts(said) {
                    failures.append(
                        ScenarioFailure(
                            scenario: scenario.name, line: scenario.line,
                            reasons: ["expected a refusal with \(pattern), got \(said ?? "none")"]))
                }
            } else {
                living.append((index, scenario))
            }
        }
        guard !living.isEmpty else { return failures }
        let scenarios = living
        let found = try await EnvoyProcess.run(
            envoy, proxy.configuration(of: scenarios), transport: CurlTransport()
        ) { envoy in
            var failures: [ScenarioFailure] = []
            for (index, scenario) in scenarios {
                guard case .steps(let steps) = scenario.outcome,
                    let listener = envoy.listeners.first(where: { $0.name == proxy.name(index) })
                else { continue }
                let session = ScenarioSession(
                    envoy: envoy, port: Int(listener.address.port), name: proxy.name(index), players: players)
                for step in steps {
                    let reasons: [String]
                    do {
                        reasons = try await session.play(step)
                    } catch {
                        reasons = ["\(error)"]
                    }
                    guard !reasons.isEmpty else { continue }
                    failures.append(
                        ScenarioFailure(scenario: scenario.name, line: step.line, reasons: reasons))
                    // What follows builds upon this step.
                    break
                }
            }
            return failures
        }
        return failures + found
    }

    /// What Envoy says when it does not take a configuration; nil if it does.
    private func refusal(of configuration: EnvoyConfiguration) async -> String? {
        do {
            try await envoy.validate(configuration)
            return nil
        } catch let error as EnvoyError {
            return ([error.message] + error.reasons).joined(separator: "\n")
        } catch {
            return "\(error)"
        }
    }
}
