// SPDX-License-Identifier: Apache-2.0

import ParityFilter
import ProxyWasm
import ProxyWasmTesting

/// Plays scenarios in the test host, and notes in which steps.
final class EmulatorRun {
    let host: HostEmulator
    let plugin: ConfiguredPlugin

    init() throws {
        host = HostEmulator(vmID: "parity-vm")
        host.clusters = ["upstream", "dead"]
        host.properties["plugin_name"] = "parity-plugin"
        host.register(Parity.self)
        plugin = try host.configure(rootID: "parity")
    }

    func play(_ scenario: Scenario) -> (observation: Observation, steps: [Step]) {
        let start = host.log.count
        var steps: [Step] = []
        func did(_ kind: Step.Kind) {
            steps.append(Step(kind: kind, lines: host.log.count - start))
        }
        let exchange = host.begin(with: plugin)
        let pseudo = [
            (":method", scenario.method), (":path", scenario.path), (":authority", "test"),
            (":scheme", "http"),
        ]
        let hasBody = !scenario.body.isEmpty || !scenario.trailers.isEmpty
        exchange.sendRequestHeaders(
            Headers(fields(pseudo + scenario.requestLines.filter { $0.0 != "host" })), endOfStream: !hasBody)
        did(.requestHead)
        for (index, chunk) in scenario.body.enumerated() {
            exchange.sendRequestBody(Bytes(chunk))
            did(.requestChunk(index))
        }
        if hasBody {
            if scenario.trailers.isEmpty {
                exchange.sendRequestBody("", endOfStream: true)
            } else {
                exchange.sendRequestTrailers(Headers(fields(scenario.trailers)))
            }
            did(.requestEnd)
        }
        var hasResponded = false
        while !exchange.hasEnded, steps.count < 50 {
            if let call = host.pendingCalls.first {
                answer(call, scenario.answer, did)
            } else if plugin.tickPeriod != nil {
                host.advance(milliseconds: 100)
                did(.wait)
            } else if exchange.request.isComplete, !hasResponded {
                hasResponded = true
                respond(exchange, scenario, did)
            } else {
                exchange.disconnect()
                did(.hangUp)
            }
        }
        let log = host.log[start...].map { $0.message.lossyString }
        return (observation(exchange, log: Array(log), scenario), steps)
    }

    private func answer(_ call: EmulatedCall, _ answer: Scenario.Answer, _ did: (Step.Kind) -> Void) {
        switch answer {
        case .text(let status, let text):
            call.respond(status: UInt32(status), body: Bytes(text))
            did(.answerCall)
        case .never:
            host.advance(milliseconds: UInt64(call.timeoutMilliseconds))
            did(.wait)
        case .unreachable:
            call.failToConnect()
            did(.wait)
        }
    }

    private func respond(_ exchange: EmulatedExchange, _ scenario: Scenario, _ did: (Step.Kind) -> Void) {
        let hasBody = !scenario.response.isEmpty || !scenario.responseTrailers.isEmpty
        let status = [(":status", String(scenario.status))]
        exchange.sendResponseHeaders(
            Headers(fields(status + scenario.responseHeaders)), endOfStream: !hasBody)
        did(.responseHead)
        for (index, chunk) in scenario.response.enumerated() where !exchange.hasEnded {
            exchange.sendResponseBody(Bytes(chunk))
            did(.responseChunk(index))
        }
        guard hasBody, !exchange.hasEnded else { return }
        if scenario.responseTrailers.isEmpty {
            exchange.sendResponseBody("", endOfStream: true)
        } else {
            exchange.sendResponseTrailers(Headers(fields(scenario.responseTrailers)))
        }
        did(.responseEnd)
    }

    private func observation(_ exchange: EmulatedExchange, log: [String], _ scenario: Scenario) -> Observation
    {
        var observation = Observation()
        observation.log = log.map { String($0.dropFirst(scenario.name.count + 2)) }
        if exchange.request.isComplete { observation.server = lines(exchange.request) }
        observation.client = exchange.response.isComplete ? lines(exchange.response) : ["broken off"]
        return observation
    }

    private func lines(_ message: ReceivedMessage) -> [String] {
        Observation.lines(pairs(message.headers), message.body.lossyString, pairs(message.trailers))
    }

    private func pairs(_ headers: Headers?) -> [(String, String)] {
        (headers?.fields ?? []).map { ($0.name.lossyString, $0.value.lossyString) }
    }

    private func fields(_ pairs: [(String, String)]) -> [HeaderField] {
        pairs.map { HeaderField(Bytes($0.0), Bytes($0.1)) }
    }
}
