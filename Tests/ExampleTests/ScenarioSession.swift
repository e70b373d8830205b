// SPDX-License-Identifier: Apache-2.0

import Scenarios
import EnvoyControl

/// One scenario in a running Envoy.
struct ScenarioSession: Sendable {
    let envoy: EnvoyProcess
    let port: Int
    /// The name of the scenario's VM, by which its lines in the log are known.
    let name: String
    let players: [String: ServicePlayer]

    /// How long to wait for what shows only after the client has its answer.
    private static let patience: Duration = .seconds(5)

    /// Does what a step says.
    /// - Returns: what was not as expected.
    func play(_ step: Step) async throws -> [String] {
        try await Task.sleep(for: step.delay)
        for (name, player) in players {
            player.follow(
                name == ScenarioProxy.upstream
                    ? step.upstream : step.services[name] ?? ServiceScript(answers: []))
        }
        let expectation = step.expectation
        let logged = try log().count
        let before = try await metrics(of: expectation)
        var reasons: [String] = []
        switch step.stimulus {
        case .request(let request):
            if let response = try await ScenarioClient.send(request, to: port) {
                reasons += mismatches(response, expectation)
            } else if expectation.status != nil || !expectation.isClosed {
                reasons.append("the connection was closed without a response")
            }
        case .connection(let parts):
            var expectedLength = 0
            if case .equal(let text)? = expectation.received { expectedLength = text.utf8.count }
            let end: Int? = expectation.isClosed ? nil : expectedLength
            let (received, isClosed) = try await ScenarioClient.connect(
                sending: texts(parts), to: port, until: end)
            if let expected = expectation.received, !expected.accepts(received) {
                reasons.append("expected the client to receive \(expected), got \"\(received)\"")
            }
            if expectation.isClosed, !isClosed { reasons.append("the proxy did not close the connection") }
        case .wait(let limit):
            try await Task.sleep(for: limit)
        }
        let deadline = ContinuousClock.now + (reasons.isEmpty ? Self.patience : .zero)
        while true {
            var late = calls(expectation)
            late += missing(expectation.log, in: try log().dropFirst(logged))
            late += changes(expectation, before, try await metrics(of: expectation))
            guard !late.isEmpty, ContinuousClock.now < deadline else {
                reasons += late
                break
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        if !reasons.isEmpty {
            reasons += try log().dropFirst(logged).map { "log: \($0)" }
        }
        return reasons
    }

    // MARK: Comparing

    private func mismatches(_ response: ClientResponse, _ expectation: Expectation) -> [String] {
        var reasons: [String] = []
        if let status = expectation.status, status != response.status {
            reasons.append("expected status \(status), got \(response.status)")
        }
        return reasons
            + mismatches(
                "the response", expectation.response, response.headers, response.body, response.trailers)
    }

    private func mismatches(
        _ what: String, _ expectation: MessageExpectation, _ headers: [(name: String, value: String)],
        _ body: String, _ trailers: [(name: String, value: String)]
    ) -> [String] {
        var reasons: [String] = []
        for (kind, expected, actual) in [
            ("header", expectation.headers, headers), ("trailer", expectation.trailers, trailers),
        ] {
            for (name, pattern) in expected {
                let values = actual.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
                let value = values.isEmpty ? nil : values.joined(separator: ", ")
                if !pattern.accepts(value) {
                    reasons.append(
                        "expected \(kind) \"\(name)\" of \(what) to be \(pattern), got \(quoted(value))")
                }
            }
        }
        if let pattern = expectation.body, !pattern.accepts(body) {
            reasons.append("expected the body of \(what) to be \(pattern), got \(quoted(body))")
        }
        return reasons
    }

    private func calls(_ expectation: Expectation) -> [String] {
        mismatches("upstream", expectation.upstream, players[ScenarioProxy.upstream]?.calls ?? [])
            + expectation.services.sorted { $0.key < $1.key }.flatMap { name, call in
                mismatches("service \"\(name)\"", call, players[name]?.calls ?? [])
            }
    }

    private func mismatches(
        _ name: String, _ expectation: CallExpectation, _ calls: [ServiceCall]
    ) -> [String] {
        var reasons: [String] = []
        if let count = expectation.count, count != calls.count {
            reasons.append("expected \(count) calls of \(name), got \(calls.count)")
        }
        let last = calls.last
        for (what, pattern, value) in [
            ("method", expectation.method, last?.method), ("path", expectation.path, last?.path),
        ] {
            if let pattern, !pattern.accepts(value) {
                reasons.append(
                    "expected the \(what) that \(name) gets to be \(pattern), got \(quoted(value))")
            }
        }
        return reasons
            + mismatches(
                "the call of \(name)", expectation.message, last?.headers ?? [], last?.body ?? "",
                last?.trailers ?? [])
    }

    private func quoted(_ text: String?) -> String { text.map { "\"\($0)\"" } ?? "none" }

    // MARK: Log and metrics

    /// What the filter has logged: Envoy writes "wasm log PLUGIN ROOT-ID VM-ID: TEXT".
    private func log() throws -> [String] {
        try envoy.logMessages().compactMap { message in
            guard message.text.hasPrefix("wasm log "), let end = message.text.firstRange(of: " \(name): ")
            else {
                return nil
            }
            return String(message.text[end.upperBound...])
        }
    }

    private func missing(_ patterns: [TextPattern], in lines: ArraySlice<String>) -> [String] {
        patterns.compactMap { pattern in
            lines.contains { pattern.accepts($0) } ? nil : "expected the log to have \(pattern)"
        }
    }

    private func metrics(of expectation: Expectation) async throws -> [String: Int] {
        guard !expectation.metrics.isEmpty else { return [:] }
        return try await EnvoyMetrics(envoy.admin).values()
    }

    private func changes(
        _ expectation: Expectation, _ before: [String: Int], _ after: [String: Int]
    ) -> [String] {
        expectation.metrics.compactMap { name, change in
            let actual = (after[name] ?? 0) - (before[name] ?? 0)
            return actual == change
                ? nil : "expected metric \"\(name)\" to change by \(change), got \(actual)"
        }
    }
}
